"""Predictions that the log keeps no longer, on demand: by itself each model's service keeps its own `serving.retention_days`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.upkeep.item import Item
from switchyard.predictionlog import connect, count_versions, create_tables, prune
from switchyard.predictionlog.records import BATCH

if TYPE_CHECKING:
    from app.upkeep.retention import Retention

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


def old_predictions(retention: Retention, now: datetime, deployer: Any, models: Collection[str]) -> Iterator[Item]:
    """One item for each of the `models` that has predictions which are due; none where their retention is `all`."""
    days = retention.days["predictions"]
    if days is None:
        return
    for model in models:
        url = deployer.host.log_url(model)
        if url and (count := _count(url, model, now - timedelta(days=days))):
            yield Item("predictions", f"{count:,} predictions of {model}", partial(_delete, url, model, days, now))


def _count(url: str, model: str, until: datetime) -> int:
    engine = connect(url)
    try:
        create_tables(engine)
        return sum(rows for role in ("live", "shadow", BATCH) for rows in count_versions(engine, _BEFORE_ALL, until, model, role).values())
    finally:
        engine.dispose()


def _delete(url: str, model: str, days: float, now: datetime) -> None:
    engine = connect(url)
    try:
        prune(engine, model, days, now)
    finally:
        engine.dispose()
