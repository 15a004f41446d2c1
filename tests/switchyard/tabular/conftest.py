"""Small frames with known effects, of which nothing is trained, and real tables where this machine has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.tables.split import Split
from tests.switchyard.tabular.cases import make_split

SHARED = Path(__file__).parents[4] / "shared" / "data"


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


@pytest.fixture(scope="session")
def adult() -> pd.DataFrame:
    return _shared("adult.csv.gz", na_values="?")


@pytest.fixture(scope="session")
def ames() -> pd.DataFrame:
    return _shared("ames_housing.csv.gz", keep_default_na=True)


@pytest.fixture(scope="session")
def bank() -> pd.DataFrame:
    return _shared("bank_marketing.csv.gz")


def _shared(name: str, **options) -> pd.DataFrame:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return pd.read_csv(path, **options)
