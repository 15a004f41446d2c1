"""Which calendar parts (`switchyard.tabular.features.dates.PARTS`) are made of a column of moments, from its training rows."""

from __future__ import annotations

import pandas as pd

_CYCLES = {"month": 364, "weekday": 14, "hour": 2, "yearday": 728}
"""Days that training rows must span for a part of the column that orders them. A month of a table of half a year is a
place on the trend; a day of the year that was seen once is a date, not a season."""


def differing_parts(moments: pd.Series, calendar: bool) -> tuple[str, ...]:
    """For a column that is a feature: days since its earliest moment and, with `calendar`, the parts that differ between rows."""
    parts = ["elapsed"]
    if calendar:
        known = moments.dropna().dt
        found = {"year": known.year, "month": known.month, "day": known.day, "weekday": known.weekday, "hour": known.hour}
        parts += [part for part, values in found.items() if values.nunique() > 1]
    return tuple(parts)


def cyclic_parts(moments: pd.Series) -> tuple[str, ...]:
    """The parts whose whole cycle the training rows went through, for the column that orders them.

    Neither elapsed time nor the year: later rows lie outside of what was seen of them, so they would tell the model
    nothing but the trend of its training rows. Nor the day of the month, by which little goes
    and much is learnt by chance.

    Parameters
    ----------
    moments : Series of datetime64, shape (n_rows,)

    Returns
    -------
    tuple of str
        Of `PARTS`, those that differ between rows.
    """
    known = moments.dropna()
    if known.empty:
        return ()
    span = (known.max() - known.min()) / pd.Timedelta(days=1)
    at, dates = known.dt, known.dt.normalize().nunique()
    found = {"month": at.month, "weekday": at.weekday, "hour": at.hour, "yearday": at.dayofyear}
    parts = [part for part, values in found.items() if span >= _CYCLES[part] and values.nunique() > 1]
    # Of rows a month apart the weekday is chance, and the day of the year is the month over again.
    sparse = {"weekday"} if dates < span / 7 else set()
    monthly = {"yearday"} if at.day.nunique() == 1 else set()
    return tuple(part for part in parts if part not in sparse | monthly)
