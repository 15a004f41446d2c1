"""Interactions made up: two kinds of people, who take two kinds of things."""

from __future__ import annotations

import numpy as np
import pandas as pd


def shop(users: int = 120, items: int = 40, each: int = 12, seed: int = 0) -> pd.DataFrame:
    """Users u0, u2, ... take items of the first half, others of the second; one time in ten it is any item."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        own = np.arange(items // 2) + (user % 2) * (items // 2)
        # From another day on each: some come after the split only.
        start = rng.uniform(0, 300)
        for item in rng.choice(own, each, replace=False):
            rows.append((f"u{user}", f"i{rng.integers(items) if rng.random() < 0.1 else item}", start + rng.uniform(0, 65)))
    frame = pd.DataFrame(rows, columns=["user", "item", "day"])
    frame["time"] = pd.Timestamp("2025-01-01") + pd.to_timedelta((frame.pop("day") * 86_400).round(), unit="s")
    return frame.sort_values("time").reset_index(drop=True)
