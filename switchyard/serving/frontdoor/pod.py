"""`python -m switchyard.serving.frontdoor.pod`: the front door in a container: Envoy, kept to what the mounted Secret says.

Envoy's own watching of files would take routes up before it knows the versions they lead to. So this process reads
the Secret, writes Envoy's files in the right order, and says which generation Envoy works by. It passes no request on.
When it is told to end it lets go of its connections first. Standard library only.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.frontdoor.tokens import Token, holding, parse_tokens
from switchyard.serving.frontdoor.wish import FILE, TOKENS, Wish

logger = logging.getLogger(__name__)

SOURCE, FOLDER = Path("/etc/frontdoor"), Path("/run/frontdoor")
PORT, ADMIN_PORT, STATUS_PORT = 8080, 9901, 9902
"""Clients', Envoy's own (on loopback), and that of readiness and statistics."""
TICK_S = 0.1
LEAVE_S = 5.0
"""How long new connections are still taken after the order to end: who sends them here learns of it in that time."""
DRAIN_S = 15.0


class FrontDoor:
    """One Envoy and what it should be.

    Parameters
    ----------
    source : Path
        Folder in which the Secret's keys are files.
    folder : Path
        For Envoy's files.
    """

    def __init__(self, source: Path, folder: Path) -> None:
        self._source, self._folder = source, folder
        self._seen: tuple[str, str] | None = None
        self._known: tuple[Token, ...] = ()
        self._tokens: tuple[Token, ...] = ()
        self._wish = Wish.from_json((source / FILE).read_text(encoding="utf-8"))
        self._followed = Traffic()
        self._process: subprocess.Popen | None = None
        self._pending = True
        self.applied, self.problem, self.leaving = -1, "", False

    @property
    def admin_port(self) -> int:
        """Envoy's own interface."""
        return self._wish.door.admin_port

    def start(self) -> None:
        """Start Envoy with all files at once: those that are watched must be there when it starts."""
        self._read()
        files.write_clusters(self._folder_made(), self._wish.upstreams)
        files.write_routes(self._folder, self._wish.door, self._wish.traffic, self._tokens)
        bootstrap = files.write_static(self._folder, self._wish.door)
        self._followed = self._wish.traffic
        self._process = subprocess.Popen(environment.command(environment.find_envoy() or "envoy", bootstrap))

    def step(self) -> None:
        """Bring Envoy one step nearer to what the Secret says."""
        self._read()
        if not self._pending:
            return
        wish = self._wish
        files.write_static(self._folder, wish.door)
        files.write_clusters(self._folder, wish.upstreams)
        known = files.reachable(self.admin_port)
        # Who gets requests for the first time must have an address; who had some and lost it is no reason to wait.
        new = wish.traffic.names - self._followed.names
        if set(known) != {upstream.name for upstream in wish.upstreams} or not all(known[name] for name in new):
            return
        routes = files.write_routes(self._folder, wish.door, wish.traffic, self._tokens)
        if files.has_routes(self.admin_port, routes):
            self.applied, self._followed, self._pending = wish.generation, wish.traffic, False
            logger.info("generation %d is in effect", self.applied)

    def is_ready(self) -> bool:
        """Whether clients should be sent here."""
        return self.applied >= 0 and not self.leaving and files.is_ready(self.admin_port)

    def ended(self) -> int | None:
        """Envoy's exit code once it has ended."""
        return self._process.poll() if self._process else None

    def leave(self) -> None:
        """Go without a request lost: refuse readiness, ask clients to go elsewhere, wait for the last answer, end Envoy."""
        self.leaving = True
        time.sleep(LEAVE_S)
        # From here on each answer closes its connection.
        files.admin(self.admin_port, "/healthcheck/fail", "POST")
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline and self._connections():
            time.sleep(TICK_S)
        if self._process:
            self._process.terminate()
            self._process.wait()

    def _connections(self) -> int:
        answer = files.admin(self.admin_port, "/stats?filter=^http\\.frontdoor\\.downstream_cx_active$") or ""
        return sum(int(line.rsplit(" ", 1)[1]) for line in answer.splitlines() if ": " in line)

    def _read(self) -> None:
        """Take up what has changed in the Secret, and which tokens have ended; what is wrong with it leaves all as it was."""
        self._read_secret()
        tokens = holding(self._known)
        if tokens != self._tokens:
            self._tokens, self._pending = tokens, True

    def _read_secret(self) -> None:
        try:
            seen = (self._source / FILE).read_text(encoding="utf-8"), (self._source / TOKENS).read_text(encoding="utf-8")
            if seen == self._seen:
                return
            self._seen = seen
            wish, tokens = Wish.from_json(seen[0]), parse_tokens(seen[1], TOKENS)
        except (OSError, ValueError, KeyError, TypeError) as error:
            if str(error) != self.problem:
                logger.error("the front door stays as it was: %s", error)
            self.problem = str(error)
            return
        self._wish, self._known, self.problem, self._pending = wish, tokens, "", True

    def _folder_made(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._folder


def serve_status(door: FrontDoor, host: str = "0.0.0.0", port: int = STATUS_PORT) -> ThreadingHTTPServer:
    """Answer, in a thread: `/ready`, `/alive`, `/applied`, and `/statistics` in Prometheus' format. No token is in any of them."""
    pages: dict[str, Callable[[], str | None]] = {
        "/ready": lambda: "ready" if door.is_ready() else None,
        "/alive": lambda: "alive" if files.admin(door.admin_port, "/ready") is not None or door.applied < 0 or door.leaving else None,
        "/applied": lambda: json.dumps({"applied": door.applied, "problem": door.problem, "leaving": door.leaving}),
        "/statistics": lambda: files.admin(door.admin_port, "/stats/prometheus"),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path)
            text = page() if page else None
            body = (text or "no").encode()
            self.send_response(200 if text is not None else 503 if page else 404)
            self.send_header("Content-Type", "application/json" if self.path == "/applied" else "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Probes come every second; nobody reads of them."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> int:
    """Until told to end, or until Envoy ends; returns the exit code."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    door = FrontDoor(SOURCE, FOLDER)
    door.start()
    serve_status(door)
    while not told.wait(TICK_S):
        if (code := door.ended()) is not None:
            logger.error("Envoy has ended with %d", code)
            return code or 1
        door.step()
    door.leave()
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if len(sys.argv) > 1 and sys.argv[1] == "check":
        # For the container's own health check.
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", STATUS_PORT, timeout=2)
        connection.request("GET", "/ready")
        os._exit(0 if connection.getresponse().status == 200 else 1)
    sys.exit(main())
