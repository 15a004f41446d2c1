"""Who applies for the made-up loans: `people_of`, a month's applicants, and the random streams that all of it is drawn from."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

START = "2023-01-01"
"""First day of month 0."""
RETURNING = 0.2
"""Share of applications by people of the twelve months before."""

_EDUCATION = {"secondary": 0.45, "vocational": 0.25, "bachelor": 0.20, "master": 0.10}


def stream(seed: int, month: int, purpose: int) -> np.random.Generator:
    """Random numbers for one purpose in one month, whatever else was drawn."""
    return np.random.default_rng([seed, month, purpose])


def choice(rng: np.random.Generator, shares: dict[str, float], size: int) -> np.ndarray:
    """`size` of the keys of `shares`, each as often as its share."""
    return rng.choice(np.array(list(shares), dtype=object), size, p=np.array(list(shares.values())))


@functools.lru_cache(maxsize=16)
def _cohort(month: int, size: int, seed: int) -> pd.DataFrame:
    """The people who may apply first in `month`: what about them does not change between applications."""
    rng = stream(seed, month, 0)
    sex = np.where(rng.random(size) < 0.48, "female", "male").astype(object)
    education = choice(rng, _EDUCATION, size)
    schooling = pd.Series(education).map({"secondary": 0.0, "vocational": 0.1, "bachelor": 0.3, "master": 0.45}).to_numpy()
    earning = 10.35 + schooling - 0.12 * (sex == "female") + rng.normal(0, 0.42, size)
    opened = np.datetime64(START, "D") + np.timedelta64(30, "D") * month - rng.integers(30, 5000, size).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "applicant_id": np.char.add(f"P{month:03d}-", np.char.zfill(np.arange(size).astype(str), 6)).astype(object),
            "age": rng.integers(20, 75, size),
            "sex": sex,
            "education": education,
            "region": np.char.add("R", np.char.zfill(rng.integers(1, 13, size).astype(str), 2)).astype(object),
            "account_opened": opened.astype("datetime64[ns]"),
            "earning": earning,
        }
    )


def people_of(month: int, size: int, cohort: int, seed: int) -> pd.DataFrame:
    """Who applies in `month`: mostly new people, some of the last twelve months again."""
    rng = stream(seed, month, 1)
    returning = rng.random(cohort) < (RETURNING if month else 0.0)
    since = month - rng.integers(1, 13, cohort)
    whose = rng.integers(0, cohort, cohort)
    people = _cohort(month, cohort, seed).copy()
    for earlier in range(max(0, month - 12), month):
        again = np.flatnonzero(returning & (since == earlier))
        if again.size:
            people.iloc[again] = _cohort(earlier, cohort, seed).iloc[whose[again]].to_numpy()
    return people.iloc[:size].reset_index(drop=True)
