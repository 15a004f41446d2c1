"""`stack up` and `stack down`: the stacks of stacks/*.yaml."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import click

from switchyard.tabular.errors import InputError

_CLUSTER, _TEAM = "kubernetes", "team"
Say = Callable[[str], None]
_INSTALLED = """
ZenML   {zenml}   (user admin; its password:
        kubectl -n {namespace} get secret zenml-server -o jsonpath='{{.data.admin-password}}' | base64 -d)
MLflow  {mlflow}

Next:   python run.py --pipeline training
        python run.py --pipeline deployment
Back to this machine: zenml stack set local"""


def up(root: Path, name: str, namespace: str, settings_file: Path | None, say: Say) -> None:
    """Register the stack NAME and make it active; the cluster's is installed where it is not.

    Raises
    ------
    SwitchyardError
        What is in the way, and how to mend it.
    """
    from app.repository import ensure_repository

    if name == _TEAM:
        _up_team(root, settings_file, say)
        return
    if name != _CLUSTER:
        from stacks.server import check_server

        check_server()
        from stacks.registration import register_stack

        ensure_repository(root)
        say(f"stack {register_stack(name)} is registered and active")
        return
    _up_cluster(root, namespace, settings_file, say)


def _up_cluster(root: Path, namespace: str, settings_file: Path | None, say: Say) -> None:
    from requests import RequestException

    from app.repository import ensure_repository
    from deployment.kubernetes.lost import lost_models
    from deployment.kubernetes.renewing import renew_models
    from deployment.kubernetes.rights import let_deploy_all, let_read_all
    from deployment.registration import ensure_flavor
    from stacks.cluster.errors import ClusterError
    from stacks.cluster.schedule import renew
    from stacks.installation.install import install
    from stacks.installation.manifests import DEPLOYER, READERS
    from stacks.installation.registration import log_in, register
    from stacks.installation.settings import read_settings
    from steps.provenance import code_commit

    began = time.monotonic()

    def report(line: str) -> None:
        say(f"  {time.monotonic() - began:4.0f} s  {line}")

    given = read_settings(settings_file) if settings_file else None
    installed = install(root, given, namespace, os.environ.get("CONTAINER_REGISTRY"), renew_models, report)
    try:
        ensure_repository(root)
        log_in(installed)
        report(f"logged in to ZenML at {installed.addresses.zenml}")
        register(installed, ensure_flavor)
        let_deploy_all(installed.cluster, DEPLOYER)
        let_read_all(installed.cluster, READERS)
    except RequestException as error:
        raise ClusterError(
            f"ZenML at {installed.addresses.zenml} broke off ({type(error).__name__}): see kubectl -n {namespace} logs deploy/zenml; "
            "the same command goes on where this one was"
        ) from None
    report("registered the stacks local and kubernetes; kubernetes is active")
    renewed = renew(installed.cluster, installed.images["pipelines"], code_commit())
    if renewed:
        report(f"{', '.join(renewed)} {'runs' if len(renewed) == 1 else 'run'} this code from now on")
    for model, versions in lost_models(installed.cluster).items():
        say(f"{model}, version {' and '.join(versions)}, no longer runs: deploy it, or python run.py start {model}")
    say(_INSTALLED.format(zenml=installed.addresses.zenml, mlflow=installed.addresses.mlflow, namespace=namespace))


def _up_team(root: Path, settings_file: Path | None, say: Say) -> None:
    from app.repository import ensure_repository
    from stacks.team import look_at_servers, read_team

    team = read_team(settings_file)
    look_at_servers(team)
    say(f"MLflow, S3 and the database of the team answer this machine: {team.values()['mlflow_url']}")
    from stacks.server import check_server

    check_server()
    from deployment.registration import ensure_flavor
    from stacks.team import register

    ensure_repository(root)
    say(f"stack {register(team, ensure_flavor)} is registered and active")


def down(root: Path, name: str, namespace: str, delete_data: bool | None, say: Say, ask: Callable[[str], bool]) -> None:
    """Remove the cluster's stack; its data only when told to.

    Parameters
    ----------
    delete_data : bool, optional
        None: ask.

    Raises
    ------
    SwitchyardError
        There is nothing to remove, or it can't be.
    """
    if name != _CLUSTER:
        raise InputError(f"stack {name!r} runs nothing that would have to be stopped; `zenml stack delete {name}` forgets it")
    from stacks.installation.install import uninstall, what_is_there
    from stacks.installation.registration import log_out

    volumes, server = what_is_there(namespace)
    if delete_data is None:
        what = (
            f"volumes {' and '.join(volumes)}: all runs, models, artifacts and logged predictions"
            if volumes
            else "secrets, the key to ZenML's among them"
        )
        delete_data = ask(f"Delete the data in namespace {namespace} too ({what})?")
    uninstall(namespace, delete_data, say)
    log_out(server)
    say("python run.py stack up local  goes on on this machine, with its own ZenML store")


@click.group()
def COMMAND() -> None:
    """Stacks of stacks/*.yaml."""


@COMMAND.command("up")
@click.argument("name")
@click.option("--namespace", default="switchyard", show_default=True, help="Of the cluster; for the stack kubernetes.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="KEY=VALUE file: your own S3, databases, ingress; for the stacks kubernetes and team.",
)
@click.pass_obj
def _up(root: Path, name: str, namespace: str, settings: Path | None) -> None:
    """Register the stack NAME and make it the active one of this repository; `kubernetes` is installed first."""
    up(root, name, namespace, settings, click.echo)


@COMMAND.command("down")
@click.argument("name")
@click.option("--namespace", default="switchyard", show_default=True)
@click.option("--yes", is_flag=True, help="Delete data too, without asking.")
@click.option("--keep-data", is_flag=True, help="Keep volumes and secrets, without asking.")
@click.pass_obj
def _down(root: Path, name: str, namespace: str, yes: bool, keep_data: bool) -> None:
    """Remove what `stack up kubernetes` installed."""
    down(root, name, namespace, True if yes else False if keep_data else None, click.echo, click.confirm)
