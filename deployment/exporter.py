"""A small HTTP server for Prometheus, on loopback: `/metrics`, the files of the pipelines; `/targets`, what is deployed.

`python -m deployment.exporter PORT METRICS_FOLDER SERVING_FOLDER TOKEN_FILE`. Targets are looked up when asked for
(Prometheus' HTTP service discovery), so a deployment is scraped from its first minute, and nothing has to be rewritten.
What is deployed listens at sockets that Prometheus can't ask; it asks here, by `/deployed/MODEL/NAME`. Whoever does not
send the token of the file gets no answer: a port of loopback is every account's.
"""

from __future__ import annotations

import hmac
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from deployment.process.layout import ENVOY, Layout
from switchyard.serving.exposition import CONTENT_TYPE
from switchyard.serving.frontdoor import files

DEPLOYED = "/deployed/"
_HOST = "127.0.0.1"
_SECONDS = 5.0


def targets(serving: Path, port: int) -> list[dict[str, Any]]:
    """What to scrape of the deployments below `serving`, as Prometheus' HTTP service discovery reads it, by the exporter's `port`."""
    found: list[dict[str, Any]] = []
    for folder in sorted(path for path in serving.glob("*") if path.is_dir()):
        desired = Layout(folder).read_desired()
        if desired is None or not any(spec.running for spec in desired.instances.values()):
            continue
        found.append(_target(port, "frontdoor", ENVOY, folder.name, {}))
        for name, spec in desired.instances.items():
            if spec.running:
                labels = {"version": spec.version, "role": spec.role, "predictor": name}
                found.append(_target(port, "service", name, folder.name, labels))
    return found


def _target(port: int, part: str, name: str, model: str, labels: dict[str, str]) -> dict[str, Any]:
    path = f"{DEPLOYED}{quote(model)}/{quote(name)}"
    named = {"model": model, "part": part, "instance": f"{model}/{name}", "__metrics_path__": path, **labels}
    return {"targets": [f"{_HOST}:{port}"], "labels": named}


def deployed(serving: Path, path: str) -> str | None:
    """The metrics that `path`, one of `targets`, stands for; None where nothing answers there."""
    model, _, name = unquote(path.removeprefix(DEPLOYED)).partition("/")
    layout = Layout(serving / model)
    desired = layout.read_desired() if (serving / model).parent == serving else None
    if desired is None:
        return None
    if name == ENVOY:
        return files.admin(layout.admin(desired.door), "/stats/prometheus", seconds=_SECONDS)
    spec = desired.instances.get(name)
    return files.admin(layout.service(spec), "/metrics", seconds=_SECONDS) if spec else None


def metrics(folder: Path) -> str:
    """All files of the pipelines as one text, in which a metric's samples stand together."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.prom")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                name = line.split()[2]
                head = heads.setdefault(name, [])
                if line not in head:
                    head.append(line)
            elif line:
                samples.setdefault(line.partition("{")[0], []).append(line)
    return "\n".join([*(line for name in samples for line in (*heads.get(name, []), *samples[name])), ""])


def serve(port: int, metrics_folder: Path, serving: Path, token_file: Path) -> None:
    """Answer until killed."""

    def answer(path: str, sent: str) -> tuple[int, str, str]:
        if path == "/health":
            return 200, "text/plain", "OK"
        if not hmac.compare_digest(sent.encode(), f"Bearer {token_file.read_text(encoding='utf-8').strip()}".encode()):
            return 401, "text/plain", f"send the token of {token_file.name}"
        if path == "/metrics":
            return 200, CONTENT_TYPE, metrics(metrics_folder)
        if path == "/targets":
            return 200, "application/json", json.dumps(targets(serving, port))
        text = deployed(serving, path) if path.startswith(DEPLOYED) else None
        return (404, "text/plain", "there is /metrics and /targets") if text is None else (200, CONTENT_TYPE, text)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, kind, text = answer(self.path.split("?")[0], self.headers.get("Authorization", ""))
            body = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: Prometheus asks every few seconds."""

    ThreadingHTTPServer((_HOST, port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
