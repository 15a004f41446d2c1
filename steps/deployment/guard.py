"""Keeps the old version serving when a deployment fails, whatever fails."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from serving.frontdoor.state import Traffic
from stacks.deployer.flavor import SwitchyardDeployer
from stacks.deployer.host import Deployment, DeploymentError
from tabular.errors import SwitchyardError

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0


@contextmanager
def old_version_keeps_serving(deployer: SwitchyardDeployer, model: str, traffic: Traffic, present: Sequence[str]) -> Iterator[None]:
    """On any error give the traffic back as it was, retire what this deployment started, and say what serves now.

    Parameters
    ----------
    deployer : SwitchyardDeployer
    model : str
    traffic : Traffic
        Before the deployment.
    present : sequence of str
        Instances that were there before.
    """
    try:
        yield
    except BaseException as error:
        deployment = deployer.host.inspect(model)
        if deployment is not None:
            _restore(deployer, deployment, traffic, present)
        if not isinstance(error, Exception):
            raise
        serving = deployer.host.inspect(model)
        stable = serving.stable if serving else None
        still = f"version {stable.version} still serves" if stable else "no version serves"
        reason = str(error) if isinstance(error, SwitchyardError) else f"{type(error).__name__}: {error}"
        raise DeploymentError(f"{model} was not deployed, {still}: {reason}") from error


def retire_idle(deployer: SwitchyardDeployer, deployment: Deployment, keep: Sequence[str] = ()) -> None:
    """Retire instances without traffic; one that can't be is left for the next deployment."""
    for instance in deployment.instances:
        if instance.name in deployment.traffic.names or instance.name in keep:
            continue
        try:
            deployer.retire(deployment.model, instance.name, TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - the deployment itself has succeeded or failed already
            logger.warning("%s, %s could not be stopped: %s", deployment.model, instance.name, error)


def _restore(deployer: SwitchyardDeployer, deployment: Deployment, traffic: Traffic, present: Sequence[str]) -> None:
    try:
        if deployment.traffic != traffic:
            deployer.host.shift(deployment.model, traffic, TIMEOUT_S)
    except SwitchyardError as error:
        logger.error("the traffic could not be given back: %s", error)
    now = deployer.host.inspect(deployment.model)
    if now is not None:
        retire_idle(deployer, now, keep=present)
