"""How a server is started outside a container: its command line and environment. Standard library only."""

from __future__ import annotations

from pathlib import Path

from switchyard.serving.environment import FOLDER, ROOT
from switchyard.serving.settings import Variables

COMPONENT = "switchyard.serving.component.Model"
POOL = "switchyard.serving.pool.component.Pool"
KEEPALIVE = 75
"""Seconds that an idle connection is kept. What stands in front must give it up sooner, or it will send into a closed one."""


def command(
    http_port: int,
    metrics_port: int,
    grpc_port: int | None = None,
    workers: int = 2,
    threads: int = 2,
    environment: Path = FOLDER,
    component: str = COMPONENT,
) -> list[str]:
    """The stock microservice with our component; without a gRPC port it speaks REST alone.

    More than one thread makes gunicorn keep connections open; with one it closes each after its request.
    """
    grpc = ["--grpc-port", str(grpc_port), "--grpc-workers", "1"] if grpc_port else ["--grpc-workers", "0"]
    return [
        str(environment / "bin" / "seldon-core-microservice"),
        component,
        *("--service-type", "MODEL", "--log-level", "WARNING"),
        *("--http-port", str(http_port), "--metrics-port", str(metrics_port), *grpc),
        *("--workers", str(workers), "--threads", str(threads), "--keepalive", str(KEEPALIVE)),
    ]


def variables(settings: Variables) -> dict[str, str]:
    """What the process's environment needs besides the caller's own."""
    return {
        "PYTHONPATH": str(ROOT),
        # Old libraries, pinned: their warnings tell the operator nothing.
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        **settings.environment(),
    }
