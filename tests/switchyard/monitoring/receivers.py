"""Who gets alerts in tests: a web server and a mail server that keep what they are sent; and an `alert` to send."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from switchyard.monitoring.alerts import Alert, compose
from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.decision import Decision, RuleResult
from switchyard.monitoring.drift import DriftReport


class Web(ThreadingHTTPServer):
    """Keeps what is posted; answers as `answers` says, the last one for ever, each after `delay` seconds."""

    def __init__(self):
        self.received, self.answers, self.delay = [], [200], 0.0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret-path"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((json.loads(body), dict(self.headers)))
        time.sleep(self.server.delay)
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.end_headers()

    def log_message(self, *_arguments):
        pass


class Mail(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps the mails it is given."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), _Dialogue)


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")

        say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == "DATA":
                say("354 go on")
                lines = []
                while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(part)
                self.server.mails.append("\n".join(lines))
            say("221 bye" if command == "QUIT" else "250 fine")
            if command == "QUIT":
                return


def served(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def column(name, weight):
    return ColumnDrift(
        column=name, kind="numeric", method="wasserstein", value=0.5, threshold=0.1, distance_method="wasserstein", distance=0.5,
        usual=0.05, drifted=True, unusual=True, weight=weight, effect=0.01,
    )  # fmt: skip


def alert(action="retrain", key="small-v1-abc-retrain") -> Alert | None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rule = RuleResult(name="performance_floor", value=0.7, threshold=0.8, verdict=action, reason="measured roc_auc 0.7 is under 0.8")
    decision = Decision(
        model="small", version="1", digest="sha256:1", since=moment, until=moment, rows=10, labelled=5, action=action, rules=(rule,),
        reason="because", key=key,
    )  # fmt: skip
    columns = tuple(column(name, weight) for name, weight in (("income", 0.6), ("job", 0.3), ("age", 0.1), ("<!channel>", 0.0)))
    drift = DriftReport(
        window="prediction log, some day", rows=10, looked_at=10, reference_rows=10, judged=True, columns=columns, prediction=None,
        target=None, quality=(), share=1.0, weighted_share=1.0, weighing="",
    )  # fmt: skip
    return compose(decision, drift, ("http://dashboard/runs/1",))
