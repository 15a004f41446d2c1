"""What of day, week and year the rows of a training are of, and which of them a window is to be held against.

A column that follows the hour or the weekday is another one on Monday morning, and no drift for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

FEWEST = 100
"""Rows of the training at the same hours and weekdays, below which it does not say how it was then."""
_MOST_UNSEEN = 0.5
"""Share of a window's hours in months that training did not see, from which on it is outside of what training saw."""
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
_WEEK, _DAY = timedelta(days=7), timedelta(days=1)


def covered(moments: pd.Series) -> str:
    """What `moments` are of, in a sentence."""
    known = moments.dropna()
    if known.empty:
        return ""
    hours = sorted(known.dt.hour.unique())
    said = [_parts(sorted(known.dt.month.unique() - 1), _MONTHS, "months"), _parts(sorted(known.dt.weekday.unique()), _DAYS, "weekdays")]
    if hours != [0]:
        said.append("every hour" if len(hours) == 24 else f"hours {hours[0]} to {hours[-1]}, {len(hours)} of 24")
    return f"{known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}: {', '.join(said)}"


def same_season(moments: pd.Series, since: datetime, until: datetime) -> tuple[np.ndarray | None, str]:
    """Rows of the training at the weekdays and hours of a window.

    Parameters
    ----------
    moments : Series of datetime64
        Of the training's rows, without a zone.
    since, until : datetime
        Of the window, up to and without its end.

    Returns
    -------
    positions : ndarray of int or None
        None where the window is of a whole week and longer, or the training has too few such rows.
    outside : str
        What of the window the training does not cover, in a sentence; empty where it covers all.
    """
    hours = pd.date_range(
        pd.Timestamp(since).tz_localize(None).floor("h"), pd.Timestamp(until).tz_localize(None) - pd.Timedelta(1), freq="h"
    )
    known = moments.dropna()
    if known.empty or hours.empty:
        return None, ""
    unseen = ~hours.month.isin(known.dt.month.unique())
    if unseen.mean() >= _MOST_UNSEEN:
        month = _MONTHS[hours[unseen][0].month - 1]
        return None, f"outside of what training saw: it has no row of {month}, so a season is not told from drift"
    if until - since >= _WEEK:
        return None, ""
    timed = bool((known.dt.hour != 0).any()) and until - since < _DAY
    place = moments.dt.weekday * 24 + (moments.dt.hour if timed else 0)
    at = np.flatnonzero(place.isin(set(hours.weekday * 24 + (hours.hour if timed else 0))).to_numpy())
    if len(at) >= FEWEST:
        return at, ""
    when = f"{_DAYS[hours[0].weekday()]}{f' {hours[0]:%H:%M}' if timed else ''}"
    rows = f"{len(at):,} rows" if len(at) else "no row"
    return None, f"outside of what training saw: it has {rows} of the like of {when}, so a season is not told from drift"


def _parts(found: Sequence[int], names: Sequence[str], noun: str) -> str:
    if len(found) == len(names):
        return f"all {noun}"
    return (
        f"no {', '.join(name for place, name in enumerate(names) if place not in found)}"
        if len(found) > len(names) / 2
        else ", ".join(names[place] for place in found)
    )
