"""The ways to serve one model that `benchmarks.serving` compares: what each needs, how it is started, what it is asked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.environments import ROOT, ensure
from switchyard.serving import environment, launch
from switchyard.serving.frontdoor import environment as envoy_environment
from switchyard.serving.settings import Settings

FOLDER = "BENCHMARK_FOLDER"
"""Variable that names the folder with the trained model's forms."""
MODEL_LIBRARIES = ("scikit-learn==1.9.1", "pandas==2.3.3", "lightgbm==4.7.0", "pydantic")
# Its workers ask for an event loop in a way that later releases of uvloop refuse.
_MLSERVER = ("mlserver==1.7.1", "uvloop==0.21.0", "onnxruntime==1.26.0")
_FASTAPI = ("fastapi==0.115.14", "uvicorn[standard]==0.54.0", "onnxruntime==1.26.0", "orjson")


@dataclass(frozen=True)
class Trained:
    """One model in the forms that the contestants serve."""

    folder: Path
    row: dict[str, Any]

    @property
    def bundle(self) -> Path:
        """Folder of the bundle."""
        return self.folder / "bundle"


@dataclass(frozen=True)
class Target:
    """A server that answers, and the request that it gets again and again."""

    port: int
    path: str
    message: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    """One way to serve."""

    name: str
    what: str
    prepare: Callable[[], Any]
    """Installs what it needs."""
    start: Callable[[Trained, int], contextlib.AbstractContextManager[Target]]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def process(command: list[str], variables: dict[str, str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until the block ends, from when its port answers.

    It works in a folder of its own below `folder`: MLServer's metrics, for one, are files in the working folder.
    """
    here = folder / "working"
    here.mkdir(exist_ok=True)
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, env={**os.environ, **variables}, cwd=here, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 90
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{(folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)
        time.sleep(1.0)
        yield
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


@contextlib.contextmanager
def component(trained: Trained, workers: int) -> Iterator[Target]:
    """Our component, with log and validation, alone."""
    port, folder = free_port(), trained.folder
    settings = Settings(str(trained.bundle), log_url=f"sqlite:///{folder}/log.db", journal=str(folder / "journal"))
    with process(launch.command(port, free_port(), workers=workers), launch.variables(settings), port, folder):
        yield Target(port, "/api/v1.0/predictions", {"rows": [trained.row]})


@contextlib.contextmanager
def front_door(trained: Trained, workers: int) -> Iterator[Target]:
    """The component as it is deployed: Envoy with tokens, limits, access log and statistics, a supervisor, log, validation."""
    from deployment.host import Release
    from deployment.process.host import ProcessHost
    from deployment.process.options import ProcessOptions
    from switchyard.bundle import digest
    from switchyard.serving.frontdoor.state import Traffic

    host = ProcessHost(trained.folder / "serving", ProcessOptions(workers=workers, requests_per_second=1_000_000))
    files = {path.name: path.read_bytes() for path in trained.bundle.iterdir()}
    try:
        instance = host.start(Release("loans", "1", digest(trained.bundle), files), 120)
        host.shift("loans", Traffic.all_to(instance.name), 60)
        port = urlsplit(host.inspect("loans").inner_url).port
        yield Target(port, "/predict", {"rows": [trained.row]}, {"Authorization": f"Bearer {host.token('loans')}"})
    finally:
        host.remove("loans", 60)


@contextlib.contextmanager
def pickled(trained: Trained, workers: int) -> Iterator[Target]:
    """The pickled pipeline in the stock wrapper, as its documentation starts it."""
    port, python = free_port(), _pickled_python()
    command = [str(python.with_name("seldon-core-microservice")), "benchmarks.pickled.Pickled", "--http-port", str(port)]
    command += ["--metrics-port", str(free_port()), "--grpc-workers", "0", "--workers", str(workers), "--log-level", "WARNING"]
    variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", FOLDER: str(trained.folder)}
    with process(command, variables, port, trained.folder):
        yield Target(port, "/api/v1.0/predictions", {"data": {"names": list(trained.row), "ndarray": [list(trained.row.values())]}})


@contextlib.contextmanager
def mlserver(trained: Trained, workers: int) -> Iterator[Target]:
    """MLServer around the scorer, by a custom runtime in `workers` inference processes."""
    port, python, folder = free_port(), _mlserver_python(), trained.folder / "mlserver"
    folder.mkdir(exist_ok=True)
    settings = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port(), "host": "127.0.0.1", "parallel_workers": workers}
    (folder / "settings.json").write_text(json.dumps({**settings, "debug": False}))
    (folder / "model-settings.json").write_text(json.dumps({"name": "loans", "implementation": "benchmarks.mlserver_runtime.Loans"}))
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
        for name, value in ((name, float(value) if isinstance(value, (bool, int)) else value) for name, value in trained.row.items())
    ]
    variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", FOLDER: str(trained.folder)}
    with process([str(python.with_name("mlserver")), "start", str(folder)], variables, port, trained.folder):
        _wait_ready(f"http://127.0.0.1:{port}/v2/models/loans/ready")
        yield Target(port, "/v2/models/loans/infer", {"inputs": inputs})


def _wait_ready(url: str) -> None:
    """Its port answers before its model does."""
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{url} did not answer within 60 s")
        time.sleep(0.1)


@contextlib.contextmanager
def fastapi(trained: Trained, workers: int) -> Iterator[Target]:
    """FastAPI around the scorer, by uvicorn, without log, ids and metrics."""
    port, python = free_port(), _fastapi_python()
    command = [str(python), "-m", "uvicorn", "benchmarks.fastapi_app:app", "--factory", "--port", str(port)]
    command += ["--workers", str(workers), "--log-level", "warning", "--no-access-log"]
    with process(command, {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", FOLDER: str(trained.folder)}, port, trained.folder):
        yield Target(port, "/predict", {"rows": [trained.row]})


def _pickled_python() -> Path:
    return ensure("pickled", MODEL_LIBRARIES, environment.LOCK)


def _mlserver_python() -> Path:
    return ensure("mlserver", _MLSERVER)


def _fastapi_python() -> Path:
    return ensure("fastapi", _FASTAPI)


def _install_front_door() -> None:
    environment.install()
    if envoy_environment.find_envoy() is None:
        subprocess.run([sys.executable, "-m", "switchyard.serving.frontdoor.environment"], cwd=ROOT, check=True)


CONTESTANTS = (
    Contestant("component", "ours alone: log and validation", environment.install, component),
    Contestant("front door", "ours as deployed: all of it", _install_front_door, front_door),
    Contestant("pickled pipeline", "scikit-learn, in the stock Seldon wrapper", _pickled_python, pickled),
    Contestant("MLServer", "the same scorer, no log", _mlserver_python, mlserver),
    Contestant("FastAPI", "the same scorer, no log", _fastapi_python, fastapi),
)
