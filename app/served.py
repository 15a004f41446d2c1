"""What the active stack serves of a model, and how it is stopped, started, restarted and listened to, by its name."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

if TYPE_CHECKING:
    from deployment.flavor import SwitchyardDeployer
    from deployment.host import Deployment, Instance
    from deployment.service import ServedVersion

Say = Callable[[str], None]


def deployer_of(root: Path) -> SwitchyardDeployer:
    """The active stack's deployer, as a command finds it that needs no problem.

    Raises
    ------
    InputError
        The stack has none of ours.
    """
    from app.repository import ensure_stack
    from deployment.registration import active_deployer, ensure_deployer

    ensure_stack(root)
    ensure_deployer()
    return active_deployer()


def models_of(deployer: SwitchyardDeployer) -> dict[str, list[ServedVersion]]:
    """Model -> its services, of every model that was deployed by `deployer` and not deleted."""
    found: dict[str, list[ServedVersion]] = {}
    for service in deployer.find_model_server():
        found.setdefault(service.config.model, []).append(service)
    return dict(sorted(found.items()))


def chosen(deployer: SwitchyardDeployer, model: str, version: str | None = None) -> list[ServedVersion]:
    """The services of `model`, or the one of its `version`.

    Raises
    ------
    InputError
        Nothing of the model, or not that version, is deployed; says what is.
    """
    models = models_of(deployer)
    if model not in models:
        raise InputError(
            f"no model {model!r} is deployed on this stack{did_you_mean(model, list(models))}; "
            f"deployed: {', '.join(models) or 'none'}; python run.py --pipeline deployment --name {model} deploys it"
        )
    found = [service for service in models[model] if version in (None, service.config.version)]
    if not found:
        there = ", ".join(sorted({service.config.version for service in models[model]}))
        raise InputError(f"version {version!r} of {model!r} is not deployed on this stack; deployed: {there}")
    return found


def stop(deployer: SwitchyardDeployer, model: str, version: str | None, say: Say) -> None:
    """Stop the versions once they have answered what they were asked; candidates first, so that nothing goes to them meanwhile."""
    stable = _stable(deployer, model)
    for service in sorted(chosen(deployer, model, version), key=lambda service: service.config.instance == stable):
        instance = _instance(deployer, service)
        if instance is not None and instance.state == "stopped":
            say(f"{model}, version {service.config.version}: is stopped already")
            continue
        deployer.stop_model_server(service.uuid)
        say(f"{model}, version {service.config.version}: stopped; python run.py start {model} brings it back")


def start(deployer: SwitchyardDeployer, model: str, version: str | None, say: Say) -> None:
    """Start what was stopped: the champion where no version is named, since that is what should answer.

    Raises
    ------
    InputError
        No version is named, and the champion is not among what is deployed.
    """
    from registry.production import version_of
    from registry.versions import CHAMPION

    services = chosen(deployer, model, version)
    if version is None and len(services) > 1:
        champion = version_of(model, CHAMPION)
        others = ", ".join(sorted(service.config.version for service in services if service.config.version != champion))
        services = [service for service in services if service.config.version == champion]
        if not services:
            raise InputError(f"the champion of {model!r}, version {champion or 'none'}, is not deployed; name one of {others} by --version")
        say(f"{model}: the champion, version {champion}; not started: version {others} (--version N)")
    for service in services:
        deployer.start_model_server(service.uuid)
        share = deployer.host.inspect(model).share(service.config.instance)
        say(f"{model}, version {service.config.version}: ready, answers {share:.0%} of the requests")


def restart(deployer: SwitchyardDeployer, model: str, version: str | None, say: Say) -> None:
    """Stop the versions and start them again, one after the other, and give the traffic back as it was.

    Where no other version can take over, the front door answers 503 in between.
    """
    for service in chosen(deployer, model, version):
        before = deployer.host.inspect(model)
        instance = _instance(deployer, service)
        if before is None or instance is None or instance.state == "stopped":
            say(f"{model}, version {service.config.version}: is stopped; python run.py start {model} starts it")
            continue
        deployer.stop_model_server(service.uuid)
        deployer.start_model_server(service.uuid)
        deployer.host.shift(model, before.traffic, deployer.config.timeout_s)
        say(f"{model}, version {service.config.version}: restarted, answers {before.share(instance.name):.0%} of the requests")


def bring_up(deployer: SwitchyardDeployer, say: Say, timeout_s: float = 120.0) -> None:
    """Have all that should run on this machine run, and wait until it does; what does not come up is said with its reason."""
    for model in models_of(deployer):
        if not deployer.host.keep_alive(model):
            continue
        deadline = time.monotonic() + timeout_s
        while (deployment := deployer.host.inspect(model)) and time.monotonic() < deadline:
            waiting = [one for one in deployment.instances if one.state == "starting"]
            if not waiting:
                break
            time.sleep(0.3)
        for one in deployment.instances if deployment else ():
            said = f"answers {deployment.share(one.name):.0%} of the requests at {deployment.url}" if one.state == "ready" else one.reason
            say(f"{model}, version {one.version}: {one.state}, {said or 'see its logs'}")


def lines(deployer: SwitchyardDeployer, model: str, version: str | None, tail: int) -> Iterator[str]:
    """The last `tail` lines that the versions printed, each with its version in front where they are several."""
    services = chosen(deployer, model, version)
    for service in services:
        mark = f"{service.config.version}: " if len(services) > 1 else ""
        for line in deque(deployer.host.logs(model, service.config.instance, tail), tail):
            yield f"{mark}{line}"


def _stable(deployer: SwitchyardDeployer, model: str) -> str | None:
    deployment: Deployment | None = deployer.host.inspect(model)
    return deployment.stable.name if deployment and deployment.stable else None


def _instance(deployer: SwitchyardDeployer, service: ServedVersion) -> Instance | None:
    deployment = deployer.host.inspect(service.config.model)
    return deployment.instance(service.config.instance) if deployment else None
