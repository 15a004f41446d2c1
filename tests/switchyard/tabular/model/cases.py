"""Small tables of every kind of column, and models fitted to them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.model.calibration import Calibrator
from switchyard.tabular.model.model import Member, Model, encode_target
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame

TASKS = ("binary", "multiclass", "regression")
FAMILY_NAMES = ("lightgbm", "xgboost", "random_forest", "neural_network")
CLASSES = {"binary": ("no", "yes"), "multiclass": ("high", "low", "middle"), "regression": ()}
ITERATIONS = {"lightgbm": 40, "xgboost": 40, "random_forest": 20, "neural_network": 3}


@cache
def mixed_split(task: str, rows: int = 600, seed: int = 0) -> Split:
    """A table with every kind of column and gaps in all of them; a third of it is the holdout."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(8, 1, rows)
    rate = rng.normal(size=rows)
    flag = rng.integers(0, 2, rows).astype(float)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), unit="D")
    grade = rng.choice(["a", "b", "ç"], rows)
    city = rng.choice([f"city {number}" for number in range(15)], rows)
    score = np.log(amount) + rate + flag + (grade == "a") + rng.normal(0, 0.5, rows)
    gaps = [rng.random(rows) < 0.08 for _ in range(6)]
    frame = pd.DataFrame(
        {
            "amount": np.where(gaps[0], np.nan, amount),
            "rate": np.where(gaps[1], np.nan, rate),
            "flag": np.where(gaps[2], np.nan, flag),
            "day": pd.Series(day).where(~gaps[3]),
            "grade": np.where(gaps[4], None, grade),
            "city": np.where(gaps[5], None, city),
        }
    )
    cuts = np.quantile(score, [1 / 3, 2 / 3])
    targets = {
        "binary": np.where(score > cuts[1], "yes", "no").astype(object),
        "multiclass": np.array(["low", "middle", "high"], dtype=object)[np.digitize(score, cuts)],
        "regression": 1e6 + 5e3 * score,
    }
    frame["y"] = targets[task]
    cut = rows * 2 // 3
    return Split(frame[:cut].reset_index(drop=True), frame[cut:].reset_index(drop=True), _schema(frame), "random", None)


def tempered(task: str, slope: float) -> dict[str, Calibrator]:
    """The decisions of a model whose log-probabilities are taken times `slope`; of a regression none."""
    if task == "regression":
        return {}
    classes = len(CLASSES[task])
    weights = ((-slope,), (slope,)) if classes == 2 else tuple(tuple(row) for row in (slope * np.eye(classes)).tolist())
    return {"calibrator": Calibrator("temperature", weights, (0.0,) * (1 if classes == 2 else classes))}


def _schema(frame: pd.DataFrame) -> Schema:
    kinds = {"amount": "numeric", "rate": "numeric", "flag": "boolean", "day": "datetime", "grade": "categorical", "city": "categorical"}
    columns = []
    for name, kind in kinds.items():
        categories = tuple(frame[name].value_counts().index) if kind == "categorical" else ()
        unique = max(2, frame[name].nunique())
        columns.append(Column(name=name, kind=kind, role="feature", categories=categories, unique=unique, missing=0.08))
    kind = "numeric" if frame["y"].dtype == float else "categorical"
    categories = tuple(sorted(set(frame["y"]))) if kind == "categorical" else ()
    columns.append(Column(name="y", kind=kind, role="target", categories=categories, unique=frame["y"].nunique()))
    return Schema(columns=tuple(columns))


@cache
def problem_of(task: str) -> Problem:
    positive = "yes" if task == "binary" else None
    data = {"source": "none.csv", "target": "y"}
    return Problem.model_validate({"name": "mixed", "data": data, "task": task, "positive_class": positive})


@cache
def plan_of(task: str) -> FeaturePlan:
    return plan_features(mixed_split(task), {}, problem_of(task))


def target_of(task: str, frame: pd.DataFrame) -> np.ndarray:
    return frame["y"].to_numpy(float) if task == "regression" else encode_target(frame["y"], CLASSES[task])


def small_params(family: str, task: str) -> dict:
    return {**FAMILIES[family].default_params(task, 400, 20), "iterations": ITERATIONS[family]}


@cache
def member_of(family: str, task: str, seed: int = 0) -> Member:
    """A model of one family fitted to the training rows."""
    split, plan = mixed_split(task), plan_of(task)
    y = target_of(task, split.train)
    preprocessor = build_preprocessor(plan, FAMILIES[family].style, {})
    X = preprocessor.fit_transform(model_frame(split.train, plan.used), y)
    params = small_params(family, task)
    estimator = FAMILIES[family].build(task, params, seed, len(CLASSES[task]), 1, preprocessor.categorical_sizes_)
    return Member(family, params, preprocessor, estimator.fit(X, y))


def model_of(task: str, *members: Member, **decisions: object) -> Model:
    """A model of these members, with an interval where it is a regression."""
    if task == "regression":
        decisions = {"half_width": 800.0, "coverage": 0.9, **decisions}
    return Model(task=task, target="y", columns=plan_of(task).used, members=members, classes=CLASSES[task], **decisions)
