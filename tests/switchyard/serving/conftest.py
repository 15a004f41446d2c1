"""Fixtures: the real microservice as a process of its own, and bundles for it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from switchyard.serving import environment, launch
from switchyard.serving.predictor import Predictor
from switchyard.serving.settings import Settings
from tests.switchyard.serving.cases import make_bundle


class Service:
    """One running microservice."""

    def __init__(self, settings, folder, grpc=False, workers=2):
        self.settings, self.folder, self.workers = settings, folder, workers
        self.http_port, self.metrics_port = free_port(), free_port()
        self.grpc_port = free_port() if grpc else None
        self.log = folder / "service.log"
        self.process = None

    def start(self, wait=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                launch.command(self.http_port, self.metrics_port, self.grpc_port, self.workers),
                env={**os.environ, **launch.variables(self.settings)},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while wait:
            with contextlib.suppress(OSError):
                if self.request("GET", "/health/status")[0] == 200:
                    return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service did not start:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def request(self, method, path, body=None, headers=None, port=None):
        """Status and decoded body."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=10)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if answer.headers.get_content_type() == "application/json" else content.decode()
        finally:
            connection.close()

    def predict(self, body, **headers):
        return self.request("POST", "/api/v1.0/predictions", body, {name.replace("_", "-"): value for name, value in headers.items()})

    def feedback(self, body):
        return self.request("POST", "/api/v1.0/feedback", body)

    def stop(self, number=signal.SIGTERM):
        """End the whole group; a clean end is waited for."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="session")
def installed():
    """The serving environment."""
    if not environment.is_installed():
        pytest.skip("the serving environment is not installed: python -m switchyard.serving.environment")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of the bundles by task."""
    folder = tmp_path_factory.mktemp("bundles")
    return {task: make_bundle(folder / task, task) for task in ("binary", "multiclass", "regression")}


@contextlib.contextmanager
def running(folder, bundle, grpc=False, workers=2, **settings):
    folder.mkdir(parents=True, exist_ok=True)
    defaults = {"bundle": str(bundle), "version": "3", "log_url": f"sqlite:///{folder}/log.db", "journal": str(folder / "journal")}
    service = Service(Settings(**{**defaults, **settings}), folder, grpc, workers)
    try:
        yield service.start()
    finally:
        service.stop()


@pytest.fixture(scope="module")
def service(installed, bundles, tmp_path_factory):
    """A binary model's service with gRPC, shared by the tests of a module."""
    with running(
        tmp_path_factory.mktemp("service"), bundles["binary"], grpc=True, entity_column="customer", max_rows=50, max_bytes=100_000
    ) as service:
        yield service


@pytest.fixture
def start(installed, bundles, tmp_path):
    """Start a service of one's own: `start(task, **settings)`."""
    with contextlib.ExitStack() as stack:
        yield lambda task="binary", **settings: stack.enter_context(running(tmp_path / "service", bundles[task], **settings))


@pytest.fixture(scope="module")
def predictors(bundles):
    return {task: Predictor(Settings(bundle=str(folder))) for task, folder in bundles.items()}
