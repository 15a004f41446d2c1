"""Two models nobody has to tune, on the same split: what any training has to beat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.predictions import Predictions, encode_truth
from switchyard.tabular.families import BASELINE, FAMILIES
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import TASKS, metric_of

CONSTANT = "constant"
DEFAULTS = f"{BASELINE}_defaults"


@dataclass(frozen=True)
class Baselines(Storable):
    """Holdout predictions of the baselines, by name."""

    predictions: dict[str, Predictions]
    columns: tuple[str, ...]
    """What the baseline of a library's defaults saw."""

    def write(self, folder: Path) -> None:
        for name, part in self.predictions.items():
            np.save(folder / f"{name}.npy", part.values if part.probabilities is None else part.probabilities)
        kinds = {name: "regression" if part.probabilities is None else "classification" for name, part in self.predictions.items()}
        (folder / "baselines.json").write_text(json.dumps({"kinds": kinds, "columns": self.columns}, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        rest = json.loads((folder / "baselines.json").read_text(encoding="utf-8"))
        predictions = {}
        for name, kind in rest["kinds"].items():
            array = np.load(folder / f"{name}.npy")
            predictions[name] = Predictions.of_values(array) if kind == "regression" else Predictions.of_classes(array)
        return cls(predictions, tuple(rest["columns"]))

    def metadata(self) -> dict[str, Fact]:
        return {"baselines": ", ".join(self.predictions), "columns": len(self.columns)}


def fit_baselines(split: Split, columns: tuple[Column, ...], problem: Problem, classes: tuple[str, ...] = ()) -> Baselines:
    """Fit the baselines on the training part and predict the holdout.

    The constant answers the class shares, or the mean or median, whichever the metric likes better. The library behind
    `BASELINE` runs with its defaults on the raw columns: categories as ordinal codes of the training values, missing and
    unseen as NaN.

    Parameters
    ----------
    split : Split
    columns : tuple of Column
        What the tuned model may see too; leave out what was dropped as leaking.
    problem : Problem
        With its task decided.
    classes : tuple of str
        For classifications, in the model's order.
    """
    target = problem.data.target
    truth = encode_truth(split.train[target].to_numpy(), problem.task, classes)
    # What was found in the columns has no opponent that is given it.
    columns = tuple(column for column in columns if column.kind != "text") if TASKS[problem.task].target else ()
    train, holdout = _coded(split, columns)
    weights = weights_of(split.train, split.schema)
    constant = constant_answers(truth, weights, problem, len(classes), len(split.holdout))
    fitted = constant
    if columns:
        answers = FAMILIES[BASELINE].answers_by_library_defaults(
            train, truth, holdout, problem.loss, len(classes), problem.tuning.seed, weights
        )
        fitted = Predictions.of_values(answers) if problem.task == "regression" else Predictions.of_classes(answers)
    found = {CONSTANT: constant, DEFAULTS: fitted} if TASKS[problem.task].target else {CONSTANT: constant}
    return Baselines(found, tuple(column.name for column in columns))


def constant_answers(truth: np.ndarray, weights: np.ndarray | None, problem: Problem, n_classes: int, rows: int) -> Predictions:
    """For so many rows the class shares, or the mean or median, of `truth`, as `encode_truth` has it; the rows of `truth` may weigh."""
    if problem.task != "regression":
        shares = np.bincount(truth, weights, n_classes) / (len(truth) if weights is None else weights.sum())
        return Predictions.of_classes(np.tile(shares, (rows, 1)))
    median = metric_of(problem.task, problem.metric).constant == "median"
    centre = _median(truth, weights) if median else np.average(truth, weights=weights)
    return Predictions.of_values(np.full(rows, centre))


def _median(values: np.ndarray, weights: np.ndarray | None) -> float:
    if weights is None:
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    shares = np.cumsum(weights[order])
    # As of rows written out: the mean of both where half of the weight ends between two values.
    places = np.searchsorted(shares, shares[-1] / 2 * np.array([1 - 1e-12, 1 + 1e-12]))
    return float(values[order[places]].mean())


def _coded(split: Split, columns: tuple[Column, ...]) -> tuple[np.ndarray, np.ndarray]:
    train, holdout = (model_frame(part, columns) for part in (split.train, split.holdout))
    for column in columns:
        if column.kind == "categorical":
            known = pd.Index(sorted(split.train[column.name].dropna().unique()))
            for frame in (train, holdout):
                codes = known.get_indexer(frame[column.name]).astype("float64")
                frame[column.name] = np.where(codes < 0, np.nan, codes)
    return train.to_numpy("float64"), holdout.to_numpy("float64")
