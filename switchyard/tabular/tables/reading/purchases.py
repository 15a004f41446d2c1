"""`purchases`, `products` and `members`: a made-up shop whose truth is known: each user likes two categories, and items come in seasons."""

from __future__ import annotations

import numpy as np
import pandas as pd

START = "2024-01-01"
CATEGORIES = ("tea", "coffee", "spice", "pasta", "oil", "chocolate")
ITEMS, USERS, DAYS = 120, 600, 365
_VISITS, _STAY = 14.0, 150
"""Of a user in the mean, within so many days."""
_TOLD = 0.8
"""Share of users whose newsletter is of a category that they like for sure."""
_TASTE = 0.8
"""Share of what a user takes that is of its own two categories."""


def products(seed: int = 0) -> pd.DataFrame:
    """The items: their id, a title, the category and the price."""
    rng = np.random.default_rng(seed)
    kinds = np.arange(ITEMS) % len(CATEGORIES)
    titles = [f"{CATEGORIES[kind].capitalize()} no. {place // len(CATEGORIES) + 1}" for place, kind in enumerate(kinds)]
    return pd.DataFrame(
        {
            "item": [f"p{place:03d}" for place in range(ITEMS)],
            "title": titles,
            "category": np.array(CATEGORIES, dtype=object)[kinds],
            "price": rng.gamma(3.0, 3.0, ITEMS).round(2) + 1,
        }
    )


def purchases(seed: int = 0) -> pd.DataFrame:
    """Who took what and when: user, item, time and quantity, in the order of time.

    Users come for five months from a random day on; a tenth of the items is sold from some day of the year's second half on;
    within a category the k-th item is taken 1/k as often as the first.
    """
    frame = pd.DataFrame(_made(seed)[0], columns=["user", "item", "day", "quantity"]).sort_values("day", kind="stable")
    frame["time"] = pd.Timestamp(START) + pd.to_timedelta((frame.pop("day") * 86_400).round(), unit="s")
    return frame[["user", "item", "time", "quantity"]].reset_index(drop=True)


def members(seed: int = 0) -> pd.DataFrame:
    """The users: their id, the newsletter that they chose, which four times in five is of a category that they like, age and region.

    Age and region say nothing.
    """
    tastes = _made(seed)[1]
    rng = np.random.default_rng(seed + 1)
    chosen = np.where(rng.random(USERS) < _TOLD, tastes[:, 0], rng.integers(0, len(CATEGORIES), USERS))
    return pd.DataFrame(
        {
            "user": [f"u{user:03d}" for user in range(USERS)],
            "newsletter": np.array(CATEGORIES, dtype=object)[chosen],
            "age": rng.integers(18, 80, USERS),
            "region": rng.choice(np.array(["north", "south", "east", "west"], dtype=object), USERS),
        }
    )


def _made(seed: int) -> tuple[list[tuple[str, str, float, int]], np.ndarray]:
    """Rows of user, item, day and quantity; and of each user the two categories that it likes, (USERS, 2)."""
    rng = np.random.default_rng(seed)
    kinds, popular = np.arange(ITEMS) % len(CATEGORIES), 1.0 / (np.arange(ITEMS) // len(CATEGORIES) + 1)
    from_day = np.where(rng.random(ITEMS) < 0.1, rng.uniform(DAYS / 2, DAYS, ITEMS), 0.0)
    rows: list[tuple[str, str, float, int]] = []
    tastes = np.empty((USERS, 2), dtype=np.int64)
    for user in range(USERS):
        first, own = rng.uniform(-_STAY, DAYS), rng.choice(len(CATEGORIES), 2, replace=False)
        tastes[user] = own
        days = np.sort(rng.uniform(first, first + _STAY, 1 + rng.poisson(_VISITS)))
        for day in days[(days >= 0) & (days < DAYS)]:
            liked = np.isin(kinds, own)
            weights = popular * np.where(liked, _TASTE / liked.sum(), (1 - _TASTE) / (~liked).sum()) * (from_day <= day)
            item = rng.choice(ITEMS, p=weights / weights.sum())
            rows.append((f"u{user:03d}", f"p{item:03d}", float(day), 1 + int(rng.poisson(0.5))))
    return rows, tastes
