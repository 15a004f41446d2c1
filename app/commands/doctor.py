"""`doctor`: what runs need of this machine and the active stack, and what that stack serves, with the way to mend each."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.health import Check
from switchyard.project import CODE, folder
from switchyard.tabular.errors import SwitchyardError


def examine(root: Path, as_json: bool = False) -> int:
    """Print every check, as JSON where that is wanted; 0 when all are fine, else 1."""
    # What does not answer at once is a finding; MLflow's clients would try for minutes.
    os.environ |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
    checks = [check for look in (_python, _packages, _disk, _server) for check in _safely(look, root)]
    # Without its server ZenML would try for a minute at each of the others, and find nothing.
    if all(check.what != "ZenML server" for check in checks):
        checks += [check for look in (_stack, _runs, _servers, _store, _tracking, _models, _ports) for check in _safely(look, root)]
    if as_json:
        click.echo(json.dumps([check._asdict() for check in checks], indent=1))
        return 0 if all(check.fine for check in checks) else 1
    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(show_edge=False)
    for header in ("check", "", "found"):
        table.add_column(header, overflow="fold")
    for check in checks:
        table.add_row(check.what, "[green]ok[/]" if check.fine else "[red]no[/]", escape(check.found))
    console.print(table)
    # Not in the table: commands are copied from whole lines.
    for check in checks:
        if not check.fine:
            console.print(f"{check.what}: {check.mend}", markup=False, highlight=False, soft_wrap=True)
    return 0 if all(check.fine for check in checks) else 1


def _safely(look: Callable[[Path], Iterator[Check]], root: Path) -> list[Check]:
    try:
        return list(look(root))
    except Exception as error:  # a check that cannot be made is a finding, not a crash
        return [Check(look.__name__.strip("_"), False, f"{type(error).__name__}: {error}", _way_out())]


def _way_out() -> str:
    """What to do where something can't be looked at: on this machine's own store it is missing, on a server's it does not answer."""
    from zenml.config.global_config import GlobalConfiguration

    url = GlobalConfiguration().store_configuration.url
    if url.startswith("http"):
        from stacks.server import ways_back

        return ways_back(url)
    return f"{_setup()}; then python run.py stack up local"


def _setup() -> str:
    """What installs the locked packages, in the project's folder or one of one's own, which has no Makefile."""
    return "make setup" if folder() == CODE else f"python -m pip install -r {CODE / 'requirements.txt'}"


def _python(root: Path) -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("Python", sys.version_info[:2] == (3, 11), version, "make PYTHON=/path/to/python3.11 setup, after rm -r .venv")


def _packages(_root: Path) -> Iterator[Check]:
    wrong = []
    pins = [line.split("==") for line in (CODE / "requirements.txt").read_text().splitlines() if "==" in line]
    for name, version in pins:
        try:
            found = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            found = "missing"
        if found != version.strip():
            wrong.append(f"{name} {found} (locked {version.strip()})")
    yield Check("packages", not wrong, f"{len(pins)} as locked" if not wrong else ", ".join(wrong[:5]), _setup())


def _disk(root: Path) -> Iterator[Check]:
    from app.health.disk import look_at_disk

    yield from look_at_disk(root)


def _server(root: Path) -> Iterator[Check]:
    from stacks.server import check_server

    try:
        check_server()
    except SwitchyardError as error:
        found, _, ways = str(error).partition(" Ways back: ")
        yield Check("ZenML server", False, found, ways)


def _stack(root: Path) -> Iterator[Check]:
    from zenml.client import Client

    from deployment.moved import follow_the_move

    client = Client()
    # Before any look at what is deployed: an older installation recorded it by names that are gone.
    follow_the_move()
    store = client.zen_store.config.url
    yield Check("ZenML store", True, store, "")
    stack = client.active_stack_model
    yield Check("active stack", stack.name != "default", stack.name, "python run.py stack up local")


def _runs(root: Path) -> Iterator[Check]:
    from app.killed import killed_runs

    killed = killed_runs()
    found = f"killed, and shown as running: {', '.join(killed)}" if killed else "none that was killed is shown as running"
    yield Check("runs of this machine", not killed, found, "the next run of any pipeline records them as failed")


def _servers(root: Path) -> Iterator[Check]:
    from zenml.client import Client
    from zenml.enums import StackComponentType

    orchestrator = Client().active_stack_model.components[StackComponentType.ORCHESTRATOR][0]
    if orchestrator.flavor_name == "kubernetes":
        from app.health.servers import look_at_servers
        from stacks.cluster.client import Cluster

        where = orchestrator.configuration
        yield from look_at_servers(Cluster(where["kubernetes_namespace"], where.get("kubernetes_context")))


def _store(root: Path) -> Iterator[Check]:
    from app.health.store import look_at_store

    yield from look_at_store()


def _models(root: Path) -> Iterator[Check]:
    from zenml.enums import StackComponentType

    from app.health.models import look_at_models
    from deployment.flavor import SwitchyardDeployer
    from stacks.active import component

    deployer = component(StackComponentType.MODEL_DEPLOYER)
    if isinstance(deployer, SwitchyardDeployer):
        yield from look_at_models(deployer)


def _tracking(root: Path) -> Iterator[Check]:
    from stacks.active import connect_mlflow

    uri = connect_mlflow()
    import mlflow

    count = len(mlflow.MlflowClient().search_experiments())
    yield Check("MLflow", True, f"{uri} ({count} experiments)", "")


def _ports(root: Path) -> Iterator[Check]:
    from app.pages import MLFLOW_PORT, ZENML_PORT, is_ours

    for name, port in (("zenml", ZENML_PORT), ("mlflow", MLFLOW_PORT)):
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        ours = taken and is_ours(name, port)
        found = "free" if not taken else "our dashboard" if ours else "another program"
        yield Check(f"port {port}", not taken or ours, found, f"python run.py dashboard --{name}-port ANOTHER")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def COMMAND(root: Path, as_json: bool) -> None:
    """Check Python, packages, disk, ZenML's store, the active stack, MLflow and two ports, and say how to mend each."""
    click.echo("doctor: looking at this machine, the stack and what it serves", err=as_json)
    raise SystemExit(examine(root, as_json))
