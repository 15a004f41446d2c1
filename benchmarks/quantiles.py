"""Quantiles by distances from the prediction beside quantile heads of LightGBM: pinball loss and shares of outcomes below.

    python -m benchmarks.quantiles --data ../shared/data

A quarter of the rows (8,000 at most) is held out; out-of-fold predictions of four folds give the distances. Tables that are not there
are left out: bikes_hourly.csv.gz, ames_housing.csv.gz.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import KFold, cross_val_predict, train_test_split

from switchyard.tabular.model.quantiles import quantiles_around

TABLES = {"bikes_hourly": "cnt", "ames_housing": "SalePrice"}
LEVELS = (0.1, 0.5, 0.9)
_SETTINGS = {"n_estimators": 300, "learning_rate": 0.05, "subsample": 0.8, "subsample_freq": 1, "verbose": -1, "n_jobs": 1}
_MOST_ROWS = 8_000


def main() -> None:
    """Print a line for each table and way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data
    for name, target in TABLES.items():
        if not (folder / f"{name}.csv.gz").exists():
            continue
        frame = pd.read_csv(folder / f"{name}.csv.gz")
        frame = frame.sample(min(len(frame), _MOST_ROWS), random_state=0)
        y = frame.pop(target).to_numpy("float64")
        X = frame.apply(lambda values: values if values.dtype.kind in "iuf" else values.astype("category").cat.codes).to_numpy("float64")
        for way, values, truth in ways(X, y):
            losses = [mean_pinball_loss(truth, values[:, at], alpha=level) for at, level in enumerate(LEVELS)]
            below = ", ".join(f"{share:.3f}" for share in (truth[:, None] <= values).mean(axis=0))
            print(f"{name:13} {way:22} pinball {np.mean(losses):10,.2f}   below {below}", flush=True)


def ways(X: np.ndarray, y: np.ndarray) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Each way, its quantiles of the rows held out, of shape (n, n_levels), and their outcomes."""
    train, held, known, truth = train_test_split(X, y, test_size=0.25, random_state=0)
    oof = cross_val_predict(lgb.LGBMRegressor(**_SETTINGS), train, known, cv=KFold(4, shuffle=True, random_state=0))
    predicted = lgb.LGBMRegressor(**_SETTINGS).fit(train, known).predict(held)
    everywhere = quantiles_around(np.zeros(len(oof)), known - oof, LEVELS)
    heads = [lgb.LGBMRegressor(objective="quantile", alpha=level, **_SETTINGS).fit(train, known).predict(held) for level in LEVELS]
    return [
        ("the same everywhere", predicted[:, None] + np.array(everywhere.offsets[0]), truth),
        ("by the prediction", quantiles_around(oof, known, LEVELS).values(predicted), truth),
        ("quantile heads, sorted", np.sort(np.column_stack(heads), axis=1), truth),
    ]


if __name__ == "__main__":
    main()
