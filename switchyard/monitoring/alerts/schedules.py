"""`ScheduleLedger`: since when a schedule fails; `failing` and `runs_again`: what people are told of that, once each.

It lies beside the prediction log like the other ledgers, so that a pod knows what the one before it met with.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Engine, MetaData, Table, delete, select
from sqlalchemy.exc import IntegrityError

from switchyard.monitoring.alerts.alert import Alert
from switchyard.predictionlog.columns import text_type, time_type
from switchyard.predictionlog.database import make_tables, now
from switchyard.project import shown

GUIDE = "docs/operations.md#trouble-by-symptom"
_NAME = 160
_metadata = MetaData()
_failing = Table(
    "monitoring_schedules",
    _metadata,
    Column("name", text_type(_NAME), primary_key=True),
    Column("since", time_type(), nullable=False),
    mysql_charset="utf8mb4",
)
"""One row for each schedule that fails."""


class ScheduleLedger:
    """Schedules that fail, in the database of `engine`; the table is made where it is missing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        make_tables(engine, _metadata)

    def begin(self, name: str) -> datetime:
        """Note that the schedule fails; since when it does, UTC."""
        name = name[:_NAME]
        try:
            with self._engine.begin() as connection:
                connection.execute(_failing.insert().values(name=name, since=now()))
        except IntegrityError:
            pass
        return self.since(name) or now()

    def since(self, name: str) -> datetime | None:
        """Since when the schedule fails, UTC; None where its last run went well."""
        with self._engine.connect() as connection:
            found = connection.execute(select(_failing.c.since).where(_failing.c.name == name[:_NAME])).scalar()
        return None if found is None else found.replace(tzinfo=UTC)

    def end(self, name: str) -> None:
        """Note that it went well."""
        with self._engine.begin() as connection:
            connection.execute(delete(_failing).where(_failing.c.name == name[:_NAME]))


def failing(model: str, name: str, command: str, why: str, since: datetime) -> Alert:
    """That a schedule does not do its work, with the reason of the run that ends now."""
    what = f"{model}: a schedule fails"
    plain = (
        f"{command} did not get to its end: {why}",
        f"Since {since:%Y-%m-%d %H:%M} UTC. The version keeps serving; nobody looks at it meanwhile.",
        f"To do: run the command by hand, and python run.py doctor; the schedule goes on by itself. More: {shown(GUIDE)}",
    )
    return _alert(_key(name, since), "critical", what, plain, (f"schedule {name}", why))


def runs_again(model: str, name: str, command: str, since: datetime, until: datetime) -> Alert:
    """That it does again."""
    what = f"{model}: the schedule runs again"
    plain = (f"{command} got to its end at {until:%Y-%m-%d %H:%M} UTC. It had failed since {since:%Y-%m-%d %H:%M} UTC.",)
    return _alert(f"{_key(name, since)}:ended", "recovered", what, plain, (f"schedule {name}",))


def _key(name: str, since: datetime) -> str:
    return f"schedule:{name[:_NAME]}:{since:%Y%m%dT%H%M%S}"


def _alert(key: str, severity: str, what: str, plain: tuple[str, ...], lines: tuple[str, ...]) -> Alert:
    return Alert.model_validate(
        {"key": key, "severity": severity, "title": f"[{severity}] {what}", "lines": lines, "worst": (), "links": ()}
        | {"decision": None, "headline": what, "plain": plain}
    )
