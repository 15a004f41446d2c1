"""`shoppers`: made-up customers of a made-up shop, of four kinds that are known, so that it can be seen whether they are found."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.errors import InputError

KINDS = ("families", "regulars", "bargain hunters", "collectors")
"""The most frequent first. Which row is of which kind is in no column: `kinds_of` says it."""
_SHARES = (0.4, 0.3, 0.2, 0.1)
_SPENT = (2_400.0, 900.0, 350.0, 3_200.0)
_VISITS = (40.0, 90.0, 12.0, 8.0)
_DISCOUNTS = (0.25, 0.10, 0.75, 0.05)
_ONLINE = (0.35, 0.10, 0.60, 0.85)
_RETURNS = (0.06, 0.02, 0.15, 0.08)


def shoppers(rows: int = 1_200, seed: int = 0) -> pd.DataFrame:
    """A year of `rows` customers: spent (EUR), visits, shares bought at a discount and online, share sent back; a number, a joining day.

    Raises
    ------
    InputError
        Where `rows` is less than 1 or more than ten million.
    """
    if not 1 <= rows <= 10_000_000:
        raise InputError(f"builtin:shoppers: rows is {rows:,}; give 1 to 10,000,000")
    kinds, rng = kinds_of(rows, seed), np.random.default_rng((seed, 1))
    spent = np.array(_SPENT)[kinds] * rng.lognormal(0, 0.25, rows)
    visits = rng.poisson(np.array(_VISITS)[kinds] * rng.lognormal(0, 0.15, rows))
    return pd.DataFrame(
        {
            "customer_no": [f"C{number:07d}" for number in range(1, rows + 1)],
            "joined": pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1_800, rows), unit="D"),
            "spent_eur": spent.round(2),
            "visits": np.maximum(visits, 1),
            "at_discount": _share(np.array(_DISCOUNTS)[kinds], rng),
            "online": _share(np.array(_ONLINE)[kinds], rng),
            "sent_back": _share(np.array(_RETURNS)[kinds], rng),
        }
    )


def kinds_of(rows: int, seed: int = 0) -> np.ndarray:
    """The kind of each row of `shoppers(rows, seed)`, by its place in `KINDS`: int64 of shape (rows,)."""
    return np.random.default_rng((seed, 0)).choice(len(KINDS), rows, p=_SHARES)


def _share(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.beta(40 * mean, 40 * (1 - mean)).round(3)
