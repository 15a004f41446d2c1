"""Small frames with known effects; nothing here is trained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.tables.split import Split
from tests.switchyard.tabular.cases import make_split


@pytest.fixture(scope="session")
def people() -> Split:
    """Loan-like rows: `y` depends on `income` and `job`, not on `noise`; group b is rarer and harder."""
    rng = np.random.default_rng(0)
    n = 2000
    frame = pd.DataFrame(
        {
            "income": rng.normal(50, 15, n),
            "job": rng.choice(["clerk", "cook", "smith"], n).astype(object),
            "group": rng.choice(["a", "b"], n, p=[0.8, 0.2]).astype(object),
            "noise": rng.normal(size=n),
            "household": rng.integers(0, n // 3, n).astype(float),
        }
    )
    logit = (frame.income - 50) / 8 + (frame.job == "smith") * 1.5 - 1
    frame["y"] = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no").astype(object)
    frame.loc[rng.random(n) < 0.1, "income"] = np.nan
    frame.loc[rng.random(n) < 0.1, "job"] = None
    return make_split(frame)
