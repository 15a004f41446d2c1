"""`Look`: which predictions are to be looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import model_validator

from switchyard.tabular.config.monitoring import check_span
from switchyard.tabular.errors import InputError
from switchyard.tabular.storable import Fact, Record

TICK = timedelta(microseconds=1)
"""The least time after a moment: windows go up to and without their end."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(window: str) -> timedelta | int:
    """A time, or a number of rows, as config and command line write them: 30m, 12h, 7d, 2w; 2000.

    Raises
    ------
    InputError
        It is neither.
    """
    try:
        check_span(window)
    except ValueError as error:
        raise InputError(f"--window {window!r} is no window: {error}") from None
    return timedelta(**{_UNITS[window[-1]]: int(window[:-1])}) if window[-1] in _UNITS else int(window)


def in_utc(moment: datetime) -> datetime:
    """`moment` in UTC; one without a zone is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Look(Record):
    """A window of the prediction log, or of a table instead of it."""

    since: datetime | None = None
    until: datetime | None = None
    """Without it: with the newest prediction."""
    window: str | None = None
    """Instead of `since`; without both, the config's."""
    of: Literal["auto", "requests", "tables"] | None = None
    """Whose predictions; without it, as the config says."""
    location: str | None = None
    """Where steps read the table; None for the log."""
    source: str = ""
    """The table as the user named it."""

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.since is not None and self.window is not None:
            raise ValueError("--since and --window both say where the window begins; give one")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("--since must be before --until")
        if self.of is not None and self.source:
            raise ValueError("--of chooses predictions of the prediction log, and --data a table instead of it; give one")
        return self

    def metadata(self) -> dict[str, Fact]:
        named = {"since": self.since, "until": self.until, "window": self.window, "of": self.of, "source": self.source or "prediction log"}
        return {name: str(value) for name, value in named.items() if value is not None}
