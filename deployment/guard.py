"""Keeps the old version serving when a deployment fails, whatever fails."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deployment.flavor import SwitchyardDeployer
from deployment.host import DeploymentError, Instance
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0


@dataclass
class Changes:
    """What a deployment has done to a model; what others do meanwhile is not in it."""

    before: Traffic
    after: Traffic | None = None
    """The traffic that it set in place of `before`, once it does."""
    started: list[str] = field(default_factory=list)
    """Instances."""


@contextmanager
def old_version_keeps_serving(deployer: SwitchyardDeployer, model: str, changes: Changes) -> Iterator[None]:
    """On any error undo `changes` as far as nobody else has built upon them, and say what serves now.

    Parameters
    ----------
    deployer : SwitchyardDeployer
    model : str
    changes : Changes
        As they are when the error comes.
    """
    try:
        yield
    except BaseException as error:
        _undo(deployer, model, changes)
        if not isinstance(error, Exception):
            raise
        deployment = deployer.host.inspect(model)
        still = _what_serves(deployment.stable if deployment else None)
        reason = str(error) if isinstance(error, SwitchyardError) else f"{type(error).__name__}: {first_line(error)}"
        raise DeploymentError(f"{model} was not deployed, {still}: {reason}") from error


def require_traffic(deployer: SwitchyardDeployer, model: str, *expected: Traffic) -> None:
    """Stop where somebody else has shifted the traffic of `model` since this deployment looked at it, or set it.

    Raises
    ------
    DeploymentError
        It is none of `expected`.
    """
    deployment = deployer.host.inspect(model)
    if deployment is None or deployment.traffic not in expected:
        raise DeploymentError("its traffic was shifted meanwhile, by another deployment or by hand; look at what serves and deploy again")


def retire_idle(deployer: SwitchyardDeployer, model: str, names: Collection[str]) -> None:
    """Retire those instances of `names` that have no traffic; one that can't be is left for the next deployment."""
    deployment = deployer.host.inspect(model)
    for instance in deployment.instances if deployment else ():
        if instance.name in deployment.traffic.names or instance.name not in names:
            continue
        try:
            deployer.retire(model, instance.name, TIMEOUT_S)
        except Exception as error:
            logger.warning("%s, %s could not be stopped: %s", model, instance.name, error)


def _what_serves(stable: Instance | None) -> str:
    """What a client may expect of `stable`, the instance that has the traffic."""
    if stable is None:
        return "no version serves"
    if stable.state == "ready":
        return f"version {stable.version} still serves"
    state = f"{stable.state}: {stable.reason}" if stable.reason else stable.state
    return f"version {stable.version} has the traffic and is not ready to answer ({state})"


def _undo(deployer: SwitchyardDeployer, model: str, changes: Changes) -> None:
    deployment = deployer.host.inspect(model)
    try:
        if deployment is not None and changes.after not in (None, changes.before) and deployment.traffic == changes.after:
            deployer.host.shift(model, changes.before, TIMEOUT_S)
    except SwitchyardError as error:
        logger.error("the traffic could not be given back: %s", error)
    retire_idle(deployer, model, changes.started)
