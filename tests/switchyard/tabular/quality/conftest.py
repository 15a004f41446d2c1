"""Real tables, where this machine has them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

SHARED = Path(__file__).parents[5] / "shared" / "data"


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
