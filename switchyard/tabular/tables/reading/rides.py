"""`rides`: made-up rides of a made-up bicycle hire, counted by the hour by a law that is known, so that it can be seen what is learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.errors import InputError

_FIRST = "2024-01-01"
_MOST_ROWS = 100_000
"""Eleven years of hours."""


def rides(rows: int = 4_000, seed: int = 0) -> pd.DataFrame:
    """`rows` hours from January 2024 on: the hour, temperature (degrees Celsius), rain (mm), whether it is a holiday, and the rides.

    Raises
    ------
    InputError
        Where `rows` is less than 1 or more than a hundred thousand.
    """
    if not 1 <= rows <= _MOST_ROWS:
        raise InputError(f"builtin:rides: rows is {rows:,}; give 1 to {_MOST_ROWS:,}")
    frame, rng = _hours(rows, seed), np.random.default_rng((seed, 1))
    return frame.assign(rides=rng.poisson(expected_rides(frame)))


def expected_rides(hours: pd.DataFrame) -> np.ndarray:
    """The mean of the Poisson law that the rides of each of the `hours` are drawn by, float64 of shape (n,)."""
    hour = hours["hour"].dt.hour.to_numpy()
    free = (hours["hour"].dt.dayofweek.to_numpy() >= 5) | (hours["holiday"] == "yes").to_numpy()
    commuting = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17) ** 2) / 6)
    outing = np.exp(-((hour - 14) ** 2) / 18)
    usual = np.where(free, 1.6 * outing, 2.0 * commuting + 0.6 * outing)
    warm = 0.06 * (hours["temperature"].to_numpy() - 10)
    return np.exp(-0.5 + 1.6 * usual + warm - 0.7 * np.minimum(hours["rain_mm"].to_numpy(), 3))


def _hours(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng((seed, 0))
    hour = pd.Series(pd.date_range(_FIRST, periods=rows, freq="h"))
    season = -np.cos(2 * np.pi * hour.dt.dayofyear / 366).to_numpy()
    day = -np.cos(2 * np.pi * (hour.dt.hour - 3) / 24).to_numpy()
    rain = np.where(rng.random(rows) < 0.1, rng.exponential(1.5, rows), 0.0)
    days = hour.dt.normalize()
    holidays = rng.choice(days.unique(), max(1, len(days.unique()) // 40), replace=False)
    return pd.DataFrame(
        {
            "hour": hour,
            "temperature": (11 + 9 * season + 4 * day + rng.normal(0, 2, rows)).round(1),
            "rain_mm": rain.round(1),
            "holiday": np.where(days.isin(holidays), "yes", "no"),
        }
    )
