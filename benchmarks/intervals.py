"""How often the interval of a score on few rows covers the score on many: those of the evaluation beside plain percentiles.

    python -m benchmarks.intervals --tables ../shared --times 100

For each size of holdout four times as many rows train a quick model (a forest, a linear one and LightGBM in turn), the holdout is
scored as a training scores its own, and what is left of the table, six times the holdout and more, is the truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.honesty import tables
from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.measures import scores_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Resampler, resample

SIZES = (20, 60, 200)
CLASSIFIED = ("roc_auc", "accuracy", "f1", "average_precision", "log_loss", "brier")
MEASURED = ("rmse", "mae", "r2")
_RESAMPLES, _FRESH, _MOST_FRESH = 200, 6, 10_000

Hits = dict[tuple[str, int], list[tuple[bool, bool, float]]]
"""Score and size -> whether the interval, and whether percentiles cover it; how wide the interval is."""


def watch(frame: pd.DataFrame, target: str, times: int, found: Hits) -> None:
    """Fit, score and compare, `times` times for each size that the table has rows for."""
    columns = frame.drop(columns=target)
    numbers = pd.get_dummies(columns[[name for name in columns if columns[name].dtype.kind in "ifb" or columns[name].nunique() <= 20]])
    inputs = numbers.fillna(numbers.median()).to_numpy("float64")
    labelled = frame[target].dtype.kind not in "if" or frame[target].nunique() <= 20
    truth = pd.factorize(frame[target], sort=True)[0] if labelled else frame[target].to_numpy("float64")
    classes = tuple(map(str, range(int(truth.max()) + 1))) if labelled else ()
    for size in SIZES:
        for seed in range(times):
            order = np.random.default_rng(seed).permutation(len(truth))
            train, held, fresh = order[: 4 * size], order[4 * size : 5 * size], order[5 * size :][:_MOST_FRESH]
            if len(fresh) < _FRESH * size or (labelled and len(np.unique(truth[train])) < len(classes)):
                continue
            model = _model(labelled, seed).fit(inputs[train], truth[train])
            _compare(model, inputs, truth, held, fresh, classes, size, seed, found)


def _model(labelled: bool, seed: int):  # type: ignore[no-untyped-def]
    if seed % 3 == 2:
        boosting = LGBMClassifier if labelled else LGBMRegressor
        return boosting(n_estimators=60, num_leaves=7, min_child_samples=5, random_state=seed, n_jobs=1, verbose=-1)
    if seed % 3:
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.3) if labelled else Ridge(10))
    forest = RandomForestClassifier if labelled else RandomForestRegressor
    return forest(20, min_samples_leaf=3, random_state=seed)


def _compare(model, inputs, truth, held, fresh, classes, size, seed, found) -> None:  # type: ignore[no-untyped-def]
    task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"

    def answers(rows: np.ndarray) -> Predictions:
        if not classes:
            return Predictions.of_values(model.predict(inputs[rows]))
        # As served: no probability is 0 or 1.
        probabilities = np.clip(model.predict_proba(inputs[rows]), 1e-6, 1)
        return Predictions.of_classes(probabilities / probabilities.sum(axis=1, keepdims=True))

    whole = scores_of(truth[fresh], answers(fresh), task, classes)(np.ones((1, len(fresh))))
    draws = resample({"model": scores_of(truth[held], answers(held), task, classes)}, Resampler(len(held), _RESAMPLES, seed))["model"]
    support = Support.of(truth[held], classes, answers=answers(held))
    for name in CLASSIFIED if classes else MEASURED:
        value = float(whole[name][0])
        estimates = draws[name].estimate(0.95, name, support), draws[name].estimate(0.95)
        if all(estimate.low is not None for estimate in estimates):
            hits = [bool(estimate.low <= value <= estimate.high) for estimate in estimates]
            found.setdefault((name, size), []).append((hits[0], hits[1], estimates[0].high - estimates[0].low))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=Path("../shared"), help="folder with data/ and tables/")
    parser.add_argument("--times", type=int, default=100, help="of each table and size")
    parser.add_argument("--only", nargs="*", help="names of tables")
    arguments = parser.parse_args()
    found: Hits = {}
    for name, frame, target in tables(arguments.tables):
        if not arguments.only or name in arguments.only:
            watch(frame.dropna(subset=[target]), target, arguments.times, found)
    table = Table("score", *(f"{size} rows: intervals (percentiles), width" for size in SIZES))
    for name in (*CLASSIFIED, *MEASURED):
        cells = [np.array(found[name, size]) if (name, size) in found else None for size in SIZES]
        shown = (
            "" if cell is None else f"{cell[:, 0].mean():.1%} ({cell[:, 1].mean():.1%}), {np.median(cell[:, 2]):.3g}" for cell in cells
        )
        table.add_row(name, *shown)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
