"""Starts and stops the pages a person looks at, all on loopback: ZenML's dashboard, the MLflow UI, Evidently's windows, and Prometheus."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from app.repository import ensure_stack
from switchyard.files import write_whole
from switchyard.project import CODE
from switchyard.tabular.errors import SwitchyardError

_HOST = "127.0.0.1"
ZENML_PORT, MLFLOW_PORT = 8237, 5001
_WAIT_S = 90.0


@dataclass(frozen=True)
class _Service:
    """A process of ours that answers HTTP on loopback."""

    name: str
    port: int
    health: str
    command: tuple[str, ...]
    environment: dict[str, str]
    says: str = "OK"
    """What the health page's text holds."""

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.port}"


@dataclass(frozen=True)
class _Started:
    """A service and the process that it was started in; None where it was running."""

    service: _Service
    process: subprocess.Popen[bytes] | None


def start(root: Path, zenml_port: int, mlflow_port: int, evidently_port: int) -> None:
    """Start the pages, or find them running, and print where they are.

    Raises
    ------
    SwitchyardError
        When a port belongs to something else or a page does not come up.
    """
    click.echo("dashboard  starting; each page's address comes when it answers")
    ensure_stack(root)
    # All at once: each spends its first seconds on imports.
    started = [_begin(make(port)) for make, port in ((_evidently, evidently_port), (_zenml, zenml_port), (_mlflow, mlflow_port))]
    for service in _as_they_answer(started):
        if service.name == "zenml":
            _skip_survey(service.url)
    click.echo("stop    python run.py dashboard --stop")


def start_prometheus(root: Path, exporter_port: int, port: int) -> None:
    """Write Prometheus' configuration, start the exporter that it asks, and Prometheus itself where it is installed.

    Raises
    ------
    SwitchyardError
        As `start`.
    """
    from app.textfile import metrics_folder

    ensure_stack(root)
    folder, here = _state_folder() / "prometheus", CODE / "stacks" / "prometheus"
    folder.mkdir(exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text((here / "prometheus.yml").read_text(encoding="utf-8").replace("@EXPORTER@", str(exporter_port)), encoding="utf-8")
    (folder / "alerts.yml").write_text((here / "alerts.yml").read_text(encoding="utf-8"), encoding="utf-8")
    token = folder / "exporter.token"
    if not token.is_file():
        write_whole(token, secrets.token_urlsafe(32), 0o600)
    serving = _state_folder().parent / "serving"
    command = (sys.executable, "-m", "deployment.exporter", str(exporter_port), str(metrics_folder()), str(serving), str(token))
    _ensure(_Service("exporter", exporter_port, "/health", command, {"PYTHONPATH": str(CODE)}))
    program = shutil.which("prometheus")
    if program:
        command = (
            program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={_HOST}:{port}",
            "--storage.tsdb.retention.time=30d",
        )  # fmt: skip
        _ensure(_Service("prometheus", port, "/-/ready", command, {}, says="READY"))
    else:
        click.echo(f"no prometheus on the PATH (apt-get install prometheus); run yours with --config.file={config}")
    click.echo(f"grafana import {here / 'grafana' / 'switchyard.json'} with this Prometheus as its data source")
    click.echo("stop    python run.py dashboard --stop")


def _ensure(service: _Service) -> None:
    """Start `service`, or find it running, and say where it is."""
    for _ in _as_they_answer([_begin(service)]):
        pass


def _begin(service: _Service) -> _Started:
    """Start `service`, or find it running; it need not answer yet.

    Raises
    ------
    SwitchyardError
        Another program has its port.
    """
    if _answers(service):
        return _Started(service, None)
    if _taken(service.port):
        taken = f"port {service.port} is taken by another program"
        raise SwitchyardError(f"{taken}; choose another for {service.name} (--{service.name}-port)")
    return _Started(service, _launch(service))


def _as_they_answer(started: Sequence[_Started]) -> Iterator[_Service]:
    """Each service once it answers, having said where it is.

    Raises
    ------
    SwitchyardError
        One has ended, or said nothing for too long.
    """
    waiting, deadline = list(started), time.monotonic() + _WAIT_S
    while waiting:
        for one in waiting:
            if one.process is None or _answers(one.service):
                state = "already running" if one.process is None else "started"
                click.echo(f"{one.service.name:<10} {one.service.url}   {state}")
                waiting.remove(one)
                yield one.service
                break
            if one.process.poll() is not None or time.monotonic() > deadline:
                raise SwitchyardError(_last_words(one.service))
        else:
            time.sleep(0.3)


def stop_all() -> None:
    """Stop the pages that `start` started."""
    for record in sorted(_state_folder().glob("*.pid")):
        try:
            os.killpg(int(record.read_text()), signal.SIGTERM)
            click.echo(f"{record.stem} stopped")
        except ProcessLookupError:
            click.echo(f"{record.stem} was not running")
        record.unlink()


def _zenml(port: int) -> _Service:
    from zenml.client import Client
    from zenml.config.global_config import GlobalConfiguration

    store = Client().zen_store
    if not store.config.url.startswith("sqlite"):
        raise SwitchyardError(f"this client is connected to the ZenML server at {store.config.url}; its dashboard is there")
    environment = {
        "ZENML_SERVER": "true",
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        # NO_AUTH is only ever offered on loopback: the store is this user's own file.
        "ZENML_SERVER_AUTH_SCHEME": "NO_AUTH",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "local",
        "ZENML_SERVER_ALLOW_LOCAL_FILE_ACCESS": "true",
        "ZENML_LOCAL_STORES_PATH": GlobalConfiguration().local_stores_path,
        "ZENML_STORE_URL": store.config.url,
    }
    command = (
        sys.executable, "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host", _HOST, "--port", str(port),
        "--log-level", "warning",
    )  # fmt: skip
    return _Service("zenml", port, "/health", command, environment)


def _mlflow(port: int) -> _Service:
    from stacks.active import connect_mlflow, mlflow_artifact_root

    uri = connect_mlflow()
    artifacts = mlflow_artifact_root()
    if artifacts is None:
        raise SwitchyardError(f"the stack's MLflow server is at {uri}; its pages are there")
    from mlflow import server

    # `mlflow server` would start this too, wait beside it in as much memory, and start eight consumers of jobs that nothing of ours has.
    command = (
        sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", "--host", _HOST, "--port", str(port), "--log-level", "warning",
    )  # fmt: skip
    environment = {
        server.BACKEND_STORE_URI_ENV_VAR: uri,
        server.REGISTRY_STORE_URI_ENV_VAR: uri,
        server.ARTIFACT_ROOT_ENV_VAR: artifacts,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return _Service("mlflow", port, "/health", command, environment)


def workspace_folder() -> Path:
    """Where the windows are that Evidently shows."""
    return _state_folder().parent / "evidently"


def _evidently(port: int) -> _Service:
    folder = workspace_folder()
    folder.mkdir(parents=True, exist_ok=True)
    program = str(Path(sys.executable).with_name("evidently"))
    command = (program, "ui", "--host", _HOST, "--port", str(port), "--workspace", str(folder))
    return _Service("evidently", port, "/api/version", command, {}, says="EVIDENTLY UI")


def _state_folder() -> Path:
    from zenml.config.global_config import GlobalConfiguration

    folder = Path(GlobalConfiguration().local_stores_path) / "switchyard" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _launch(service: _Service) -> subprocess.Popen[bytes]:
    folder = _state_folder()
    with (folder / f"{service.name}.log").open("wb") as sink:
        process = subprocess.Popen(
            service.command,
            stdout=sink,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **service.environment},
            start_new_session=True,
        )
    (folder / f"{service.name}.pid").write_text(str(process.pid))
    return process


def _last_words(service: _Service) -> str:
    log = _state_folder() / f"{service.name}.log"
    end = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    return f"{service.name} did not come up on port {service.port}; the end of {log}:\n{end}"


def is_ours(name: str, port: int) -> bool:
    """Whether the page `name` (zenml or mlflow) is what answers on `port`."""
    says = {"zenml": "OK", "mlflow": "OK"}[name]
    return _answers(_Service(name, port, "/health", (), {}, says))


def _answers(service: _Service) -> bool:
    try:
        with urllib.request.urlopen(service.url + service.health, timeout=2) as answer:
            return bool(answer.status == 200 and service.says.encode() in answer.read(64).upper())
    except (OSError, urllib.error.URLError):
        return False


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((_HOST, port)) == 0


def _skip_survey(url: str) -> None:
    """The dashboard's first page asks for a name and an e-mail address; say once that there is nothing to ask."""
    body = {"full_name": "Local", "email_opted_in": False, "user_metadata": {"finished_onboarding_survey": True}}
    request = urllib.request.Request(
        f"{url}/api/v1/current-user", json.dumps(body).encode(), {"content-type": "application/json"}, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
