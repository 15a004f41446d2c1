"""A real Envoy in front of two tiny upstreams that say who they are and remember what they were asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.tokens import Token

TOKEN = "a-token-that-is-long"
MODEL = "loans"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition, seconds=10.0, what="it"):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


class Stub(ThreadingHTTPServer):
    """Answers with its name; a request may ask, by header, for a slow answer or for none."""

    daemon_threads = True

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name, self.requests, self.broken = name, [], set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def upstream(self):
        return Upstream(self.name, "127.0.0.1", self.server_address[1])

    def stop(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        identity = headers["x-request-id"]
        if (headers.get("x-break") == "once" and identity not in self.server.broken) or headers.get("x-break") == "always":
            self.server.broken.add(identity)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        time.sleep(float(headers.get("x-sleep", 0)))
        answer = json.dumps({"from": self.server.name}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Running:
    """One Envoy with its folder."""

    def __init__(self, folder, upstreams, **settings):
        self.folder = folder / "envoy"
        self.log = folder / "access.log"
        self.door = Door(port=free_port(), admin_port=free_port(), access_log=str(self.log), **settings)
        self.tokens = (Token("tests", TOKEN),)
        self.upstreams = [stub.upstream for stub in upstreams]
        files.write_clusters(self.folder_made(), self.upstreams)
        files.write_routes(self.folder, self.door, Traffic.all_to(self.upstreams[0].name), self.tokens, MODEL)
        bootstrap = files.write_static(self.folder, self.door)
        self.process = subprocess.Popen(environment.command(environment.find_envoy(), bootstrap))
        wait_until(lambda: files.is_ready(self.door.admin_port), what="Envoy's start")

    def folder_made(self):
        self.folder.mkdir(parents=True)
        return self.folder

    def shift(self, traffic, tokens=None):
        self.tokens = self.tokens if tokens is None else tokens
        version = files.write_routes(self.folder, self.door, traffic, self.tokens, MODEL)
        wait_until(lambda: files.has_routes(self.door.admin_port, version), what="the new routes")

    def request(self, path="/predict", body=b"{}", method="POST", token=TOKEN, **headers):
        """Status, decoded body, headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.door.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null"), dict(answer.getheaders())
        finally:
            connection.close()

    def statistics(self):
        return files.admin(self.door.admin_port, "/stats/prometheus")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@contextlib.contextmanager
def running(folder, upstreams, **settings):
    envoy = Running(folder, upstreams, **settings)
    try:
        yield envoy
    finally:
        envoy.stop()
