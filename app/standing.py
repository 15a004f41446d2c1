"""`Standing`: how one model stands: what is served where and since when, what it answered, when it was last looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployment.flavor import SwitchyardDeployer
    from deployment.host import Deployment
    from switchyard.monitoring.decision import Decision

RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class VersionStanding:
    """One deployed version."""

    version: str
    role: str
    """live or shadow."""
    state: str
    """starting, ready, failed or stopped."""
    share: float
    """Of the requests, 0 to 1."""
    reason: str
    """Why it is not ready; empty where it is."""
    restarts: int
    predictions_last_hour: int | None
    """In the prediction log; None where it can't be asked."""
    requests: int | None
    """Answered since the front door started; None where it can't be asked."""
    errors: int | None
    """Of them, with 5xx."""
    refused: int | None
    """Of them, with 4xx."""


@dataclass(frozen=True)
class LookStanding:
    """One window of monitoring."""

    until: str
    """End of the window, ISO 8601, UTC."""
    version: str
    action: str
    """nothing, alert or retrain."""
    reason: str


@dataclass(frozen=True)
class Standing:
    """One model on the active stack."""

    model: str
    address: str
    """Of the front door; empty where nothing is deployed."""
    champion: str | None
    """The registry's; None where it has none, or can't be asked (`trouble`)."""
    production_since: str
    """When the champion was promoted, ISO 8601; empty where unknown."""
    promoted_by: str
    versions: tuple[VersionStanding, ...]
    last_monitoring: LookStanding | None
    last_alert: LookStanding | None
    """The last window that led to more than nothing."""
    schedules: tuple[str, ...]
    trouble: tuple[str, ...]
    """What could not be asked, and what is not as it should be, a line each."""

    def to_json(self) -> dict[str, Any]:
        """The object that `status --json` prints."""
        return asdict(self)


def standing_of(deployer: SwitchyardDeployer, model: str, schedules: tuple[str, ...] = ()) -> Standing:
    """Ask the host, the registry, the front door and the prediction log; what does not answer is told, not raised."""
    from switchyard.tabular.errors import SwitchyardError

    trouble: list[str] = []
    deployment = deployer.host.inspect(model)
    champion, since, by = None, "", ""
    try:
        from registry.production import production_of

        champion, since, by = production_of(model)
    except SwitchyardError as error:
        trouble.append(str(error))
    recent, looks = _from_log(deployer, model, trouble)
    counted = _counted(deployer, model, trouble)
    versions = tuple(_versions(deployment, recent, counted)) if deployment else ()
    stable = deployment.stable if deployment else None
    if not versions:
        trouble.append(f"nothing of it runs; python run.py --pipeline deployment --name {model} deploys it")
    elif stable is None:
        trouble.append(f"nothing of it answers; python run.py start {model} starts it")
    elif champion is not None and stable.version != champion:
        trouble.append(f"the registry's champion is version {champion}, and version {stable.version} serves")
    for one in versions:
        if one.state == "failed" or (one.state != "ready" and one.share):
            trouble.append(f"version {one.version} is {one.state}: {one.reason or 'see its logs'}")
    address = deployment.url if deployment else ""
    return Standing(model, address, champion, since, by, versions, *looks, schedules, tuple(trouble))


def _versions(deployment: Deployment, recent: dict[str, int] | None, counted: dict[str, Any]) -> Iterator[VersionStanding]:
    for instance in deployment.instances:
        seen = counted.get(instance.name)
        yield VersionStanding(
            version=instance.version,
            role=instance.role,
            state=instance.state,
            share=deployment.share(instance.name),
            reason=instance.reason,
            restarts=instance.restarts,
            predictions_last_hour=None if recent is None else recent.get(instance.digest, 0),
            requests=seen.requests if seen else None,
            errors=seen.errors if seen else None,
            refused=seen.refused if seen else None,
        )


def _counted(deployer: SwitchyardDeployer, model: str, trouble: list[str]) -> dict[str, Any]:
    """Name of an instance -> what the front door counted."""
    from deployment.host import DeploymentError
    from switchyard.serving.frontdoor.statistics import read_statistics

    try:
        return dict(read_statistics(deployer.host.statistics(model)))
    except DeploymentError as error:
        trouble.append(str(error))
        return {}


def _from_log(
    deployer: SwitchyardDeployer, model: str, trouble: list[str]
) -> tuple[dict[str, int] | None, tuple[LookStanding | None, LookStanding | None]]:
    """Digest -> predictions within `RECENT`, and the last look at the model and the last that was more than one."""
    from sqlalchemy.exc import SQLAlchemyError

    from switchyard.monitoring.ledger import Ledger
    from switchyard.predictionlog import connect, count_versions, create_tables
    from switchyard.tabular.errors import SwitchyardError
    from switchyard.tabular.tables.reading.credentials import first_line

    try:
        url = deployer.host.log_url(model)
        if not url:
            return None, (None, None)
        engine = connect(url)
        try:
            create_tables(engine)
            now = datetime.now(UTC)
            recent: dict[str, int] = {}
            for role in ("live", "shadow"):
                for (_version, digest), rows in count_versions(engine, now - RECENT, now, model, role).items():
                    recent[digest] = recent.get(digest, 0) + rows
            ledger = Ledger(engine)
            return recent, (_look(ledger.last(model)), _look(ledger.last(model, ("alert", "retrain"))))
        finally:
            engine.dispose()
    except (SQLAlchemyError, SwitchyardError) as error:
        trouble.append(f"the prediction log does not answer: {first_line(getattr(error, 'orig', None) or error)}")
        return None, (None, None)


def _look(decision: Decision | None) -> LookStanding | None:
    if decision is None:
        return None
    return LookStanding(decision.until.isoformat(timespec="seconds"), decision.version, decision.action, decision.reason)
