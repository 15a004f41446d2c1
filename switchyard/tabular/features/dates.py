"""`DateParts`: calendar parts of moments given in epoch seconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.operators import DOUBLE, INT64, Operator

PARTS = ("year", "month", "day", "weekday", "hour", "elapsed", "yearday")
"""weekday: Monday is 0; elapsed: days since the earliest moment of the training rows, fractions included; yearday: 1 to
365, as in a year of 365 days, so that a date has one number in every year (29 February has that of 1 March)."""

_DAY = 86400.0


class DateParts(Computed):
    """Appended calendar parts (UTC, proleptic Gregorian); NaN where the moment is missing.

    Parameters
    ----------
    parts : tuple of (int, tuple of str)
        Position of a column of epoch seconds, and which of `PARTS` to make of it.
    """

    def __init__(self, parts: tuple[tuple[int, tuple[str, ...]], ...]) -> None:
        self.parts = parts

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        moments = X[:, [position for position, _ in self.parts]]
        self.origin_ = np.where(np.isnan(moments), np.inf, moments).min(axis=0)
        self.origin_[~np.isfinite(self.origin_)] = 0.0

    def compute(self, op: Operator, x: Any) -> Any:
        seconds = op("Gather", x, np.array([position for position, _ in self.parts]), axis=1)
        missing = op("IsNaN", seconds)
        # Casting NaN to an integer is undefined, so gaps become the epoch first and NaN again at the end.
        known = op("Where", missing, 0.0, seconds)
        all_parts = {"elapsed": op("Div", op("Sub", seconds, self.origin_), _DAY)}
        if any(part != "elapsed" for _, wanted in self.parts for part in wanted):
            whole = op("Floor", op("Div", known, _DAY))
            hour = op("Floor", op("Div", op("Sub", known, op("Mul", whole, _DAY)), 3600.0))
            calendar = {**_calendar(op, op("Cast", whole, to=INT64)), "hour": hour}
            for part, values in calendar.items():
                all_parts[part] = op("Where", missing, np.nan, op("Cast", values, to=DOUBLE))
        made = [x]
        for part in PARTS:
            columns = self._columns_with(part)
            if columns:
                values = all_parts[part]
                made.append(op("Gather", values, np.array(columns), axis=1) if len(columns) < len(self.parts) else values)
        return op("Concat", *made, axis=1)

    def _columns_with(self, part: str) -> list[int]:
        return [number for number, (_, wanted) in enumerate(self.parts) if part in wanted]

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return [f"{names[self.parts[number][0]]} {part}" for part in PARTS for number in self._columns_with(part)]

    @property
    def width(self) -> int:
        """Number of appended columns."""
        return sum(len(wanted) for _, wanted in self.parts)


def _calendar(op: Operator, days: Any) -> dict[str, Any]:
    """Year, month, day and weekday of days since 1970-01-01, as int64.

    References
    ----------
    Howard Hinnant, *chrono-Compatible Low-Level Date Algorithms*, `civil_from_days`: years start in March, so that the
    leap day is the last, in eras of 400 years, which are all equally long.
    """
    shifted = op("Add", days, 719468)
    day_of_era = op("Mod", shifted, 146097)
    era = op("Div", op("Sub", shifted, day_of_era), 146097)
    leap_days = op("Sub", op("Add", op("Div", day_of_era, 1460), op("Div", day_of_era, 146096)), op("Div", day_of_era, 36524))
    year_of_era = op("Div", op("Sub", day_of_era, leap_days), 365)
    days_before = op("Sub", op("Add", op("Mul", year_of_era, 365), op("Div", year_of_era, 4)), op("Div", year_of_era, 100))
    day_of_year = op("Sub", day_of_era, days_before)
    month_from_march = op("Div", op("Add", op("Mul", day_of_year, 5), 2), 153)
    days_of_months = op("Div", op("Add", op("Mul", month_from_march, 153), 2), 5)
    early = op("Less", month_from_march, 10)
    month = op("Add", month_from_march, op("Where", early, 3, -9))
    year = op("Add", op("Add", year_of_era, op("Mul", era, 400)), op("Where", early, 0, 1))
    return {
        "year": year,
        "month": month,
        "day": op("Add", op("Sub", day_of_year, days_of_months), 1),
        "weekday": op("Mod", op("Add", days, 3), 7),
        "yearday": op("Add", day_of_year, op("Where", op("Less", day_of_year, 306), 60, -305)),
    }
