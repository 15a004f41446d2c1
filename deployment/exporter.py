"""A small HTTP server for Prometheus, on loopback: `/metrics`, the files of the pipelines; `/targets`, what is deployed.

`python -m deployment.exporter PORT METRICS_FOLDER SERVING_FOLDER`. Targets are looked up when asked for
(Prometheus' HTTP service discovery), so a deployment is scraped from its first minute, and nothing has to be rewritten.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from deployment.process.layout import Layout

_HOST = "127.0.0.1"
ENVOY_PATH = "/stats/prometheus"


def targets(serving: Path) -> list[dict[str, Any]]:
    """What to scrape of the deployments below `serving`, as Prometheus' HTTP service discovery reads it."""
    found: list[dict[str, Any]] = []
    for folder in sorted(path for path in serving.glob("*") if path.is_dir()):
        desired = Layout(folder).read_desired()
        if desired is None or not any(spec.running for spec in desired.instances.values()):
            continue
        found.append(_target(desired.door.admin_port, "frontdoor", ENVOY_PATH, folder.name, {}))
        for name, spec in desired.instances.items():
            if spec.running:
                labels = {"version": spec.version, "role": spec.role, "predictor": name}
                found.append(_target(spec.http_port, "service", "/metrics", folder.name, labels))
    return found


def _target(port: int, part: str, path: str, model: str, labels: dict[str, str]) -> dict[str, Any]:
    named = {"model": model, "part": part, "__metrics_path__": path, **labels}
    return {"targets": [f"{_HOST}:{port}"], "labels": named}


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


def serve(port: int, metrics_folder: Path, serving: Path) -> None:
    """Answer until killed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers = {
                "/health": lambda: ("text/plain", "OK"),
                "/metrics": lambda: ("text/plain; version=0.0.4; charset=utf-8", metrics(metrics_folder)),
                "/targets": lambda: ("application/json", json.dumps(targets(serving))),
            }
            answer = answers.get(self.path.split("?")[0])
            kind, text = answer() if answer else ("text/plain", "there is /metrics and /targets")
            body = text.encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: Prometheus asks every few seconds."""

    ThreadingHTTPServer((_HOST, port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
