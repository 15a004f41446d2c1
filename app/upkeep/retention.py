"""`Retention`: for how long what kind of thing is kept; the clock is given, so that a year can be tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

DAYS: Mapping[str, float | None] = MappingProxyType(
    {
        "runs": 14,
        "trainings": 30,
        "versions": 90,
        "windows": 30,
        "studies": 30,
        "tables": 90,
        "bundles": 1,
        "reports": 90,
        "logs": 30,
        "predictions": None,
    }
)
"""Kind -> days; None: for ever, or of predictions as long as each model's `serving.retention_days` says."""
MEANING: Mapping[str, str] = MappingProxyType(
    {
        "runs": "ZenML's runs of deployment, inference, monitoring and experiments, with their artifacts and logs",
        "trainings": "ZenML's runs of trainings, with their artifacts, pages and logs",
        "versions": "registered versions that were never in production, and trainings that registered none",
        "windows": "windows of monitoring that Evidently shows",
        "studies": "searches that a killed or repeated training would go on with",
        "tables": "tables staged for runs, and files that runs elsewhere wrote",
        "bundles": "copies of bundles that nothing serves; a deployment makes them anew from the registry",
        "reports": "pages in reports/ of versions that are gone and of runs that registered none",
        "logs": "logs of services that are not deployed any more",
        "predictions": "the prediction log's rows with their labels",
    }
)


@dataclass(frozen=True)
class Retention:
    """Days by kind; a kind of None is kept for ever."""

    days: Mapping[str, float | None] = field(default_factory=lambda: dict(DAYS))

    def is_due(self, kind: str, made: datetime, now: datetime) -> bool:
        """Whether what was made at `made` is kept no longer."""
        last = self.last(kind, now)
        return last is not None and made < last

    def last(self, kind: str, now: datetime) -> datetime | None:
        """Until when what was made is kept no longer; None where it is kept for ever."""
        days = self.days[kind]
        return None if days is None else now - timedelta(days=days)


def retention_from(changes: Iterable[str]) -> Retention:
    """The defaults, changed by `KIND=DAYS`; `all` in place of days keeps a kind for ever.

    Raises
    ------
    InputError
        There is no such kind, or what stands for days is no number.
    """
    days = dict(DAYS)
    for change in changes:
        kind, _, value = change.partition("=")
        if kind not in days:
            raise InputError(f"--keep {change}: there is no kind {kind!r}{did_you_mean(kind, list(days))}; kinds: {', '.join(days)}")
        try:
            days[kind] = None if value == "all" else float(value)
        except ValueError:
            raise InputError(f"--keep {change}: give days, as in {kind}=30, or {kind}=all to keep them for ever") from None
        if days[kind] is not None and not 0 <= (days[kind] or 0) <= 36_500:
            raise InputError(f"--keep {change}: give 0 to 36,500 days, or {kind}=all")
    return Retention(days)
