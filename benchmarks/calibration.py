"""What calibration buys and costs in log loss on rows that nothing was learnt from, against doing nothing.

    python -m benchmarks.calibration --seeds 30 --json calibration.json

Each table is cut 70:30 once a seed; LightGBM with its defaults and a logistic regression answer the 70 % out of fold (five
folds) and, fitted to all of them, the 30 %. Every calibrator is fitted to the former and scored on the latter. wine, iris,
cancer and digits come with scikit-learn; penguins is generated after the one of that name (its species' means and deviations,
so nearly separable), and so are flipped (4,000 rows, two classes, a tenth of the labels wrong) and three (4,000 rows, three
classes, a sixth wrong), on which LightGBM is too sure of itself.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from switchyard.tabular.model.calibration import LEAST, fit_calibrator

Table = tuple[np.ndarray, np.ndarray]
KINDS = ("auto", "temperature", "sigmoid", "beta", "matrix")


def main() -> None:
    """Print a line for each table, family and kind; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    for table in options.tables:
        for family in FAMILIES:
            losses = [one(TABLES[table], family, seed) for seed in range(options.seeds)]
            for kind in KINDS:
                if kind in losses[0]:
                    found.append(summed(table, family, kind, losses))
                    print(shown(found[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def one(make: Callable[[int], Table], family: str, seed: int) -> dict[str, float]:
    """Log loss on the rows that were held out, by kind of calibration."""
    oof, truth, answers, later = answered(make, family, seed)
    binary = oof.shape[1] == 2
    kinds = [kind for kind in ("none", *KINDS) if kind not in (("matrix",) if binary else ("sigmoid", "beta"))]
    result = {}
    for kind in kinds:
        said = fit_calibrator(oof, truth, kind).apply(answers)
        if not (said.min() >= LEAST and said.max() < 1):
            raise AssertionError(f"{kind} answers {said.min()} and {said.max()}")
        result[kind] = float(-np.log(said[np.arange(len(later)), later]).mean())
    return result


def answered(make: Callable[[int], Table], family: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Out-of-fold probabilities and truth of the training part, and both of the rest."""
    X, y = make(seed)
    known, rest, truth, later = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    oof = np.full((len(truth), len(np.unique(y))), np.nan)
    for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(known, truth):
        oof[test] = FAMILIES[family](seed).fit(known[train], truth[train]).predict_proba(known[test])
    return oof, truth, FAMILIES[family](seed).fit(known, truth).predict_proba(rest), later


def summed(table: str, family: str, kind: str, losses: list[dict[str, float]]) -> dict[str, Any]:
    """How much smaller the log loss is than without calibration: mean over the seeds, its standard error, and how often it is larger."""
    gains = np.array([loss["none"] - loss[kind] for loss in losses])
    return {
        "table": table,
        "family": family,
        "kind": kind,
        "none": float(np.mean([loss["none"] for loss in losses])),
        "gain": float(gains.mean()),
        "error": float(gains.std(ddof=1) / len(gains) ** 0.5),
        "worst": float(gains.min()),
        "worse": int((gains < -1e-9).sum()),
        "seeds": len(losses),
    }


def shown(row: dict[str, Any]) -> str:
    """The row as one of a Markdown table."""
    cells = (row["table"], row["family"], row["kind"], f"{row['none']:.4f}")
    return f"| {' | '.join(cells)} | {row['gain']:+.4f} ± {row['error']:.4f} | {row['worst']:+.4f} | {row['worse']} of {row['seeds']} |"


def _packaged(load: Callable[..., Any]) -> Callable[[int], Table]:
    return lambda seed: load(return_X_y=True)


def _penguins(seed: int) -> Table:
    means = np.array([[38.8, 18.3, 190.0, 3700.0], [48.8, 18.4, 196.0, 3733.0], [47.5, 15.0, 217.0, 5076.0]])
    spread = np.array([[2.7, 1.2, 6.5, 459.0], [3.3, 1.1, 7.1, 384.0], [3.1, 1.0, 6.5, 504.0]])
    y = np.repeat([0, 1, 2], [151, 68, 123])
    return np.random.default_rng(seed).normal(means[y], spread[y]), y


def _generated(classes: int, wrong: float) -> Callable[[int], Table]:
    def make(seed: int) -> Table:
        made: Table = datasets.make_classification(
            4000, 12, n_informative=6, n_redundant=0, n_classes=classes, flip_y=wrong, class_sep=0.8, random_state=seed
        )
        return made

    return make


TABLES: dict[str, Callable[[int], Table]] = {
    "wine": _packaged(datasets.load_wine),
    "iris": _packaged(datasets.load_iris),
    "penguins": _penguins,
    "cancer": _packaged(datasets.load_breast_cancer),
    "digits": _packaged(datasets.load_digits),
    "flipped": _generated(2, 0.1),
    "three": _generated(3, 1 / 6),
}
FAMILIES: dict[str, Callable[[int], Any]] = {
    "LightGBM": lambda seed: LGBMClassifier(n_jobs=1, verbose=-1, random_state=seed),
    "logistic": lambda seed: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
}


if __name__ == "__main__":
    main()
