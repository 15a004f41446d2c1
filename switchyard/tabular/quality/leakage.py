"""Columns that give the target away: each feature alone is asked for the target, out of fold.

A column whose own cross-validated score is near perfect is a copy of the target, or was written after it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.report import Finding, action_for
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tasks import TASKS

FOLDS = 3
MAX_ROWS = 50_000
"""Rows beyond this are sampled (seed 0): a score to three digits needs no more."""
MIN_ROWS = 40
_MAX_CLASSES = 20
_LEVELS = 64


def check_leakage(split: Split, problem: Problem) -> tuple[dict[str, float], list[Finding]]:
    """The score of every feature alone, and the findings where the limit is passed by more than a standard error.

    In a small honest table (iris) a column may score 0.98 by luck.
    """
    train = split.train
    if len(train) < MIN_ROWS:
        return {}, []
    limit = problem.quality.leakage_score
    scores = single_column_scores(train, split.schema.features, problem.data.target, problem.task)
    measure = "AUC" if TASKS[problem.task].classification else "R2"
    findings = []
    for name, (score, error) in scores.items():
        if score - error > limit:
            findings.append(
                Finding(
                    check="target_leakage",
                    column=name,
                    action=action_for(problem, "target_leakage", name),
                    measured=score,
                    limit=limit,
                    message=(
                        f"{name!r} alone gives {problem.data.target!r} away ({measure} {score:.4f}, limit {limit:g}); "
                        f"set data.columns.{name}.role: ignored, or role: feature if its value is known before the target"
                    ),
                )
            )
    return {name: round(score, 6) for name, (score, _) in scores.items()}, findings


def single_column_scores(frame: pd.DataFrame, columns: Iterable[Column], target: str, task: str) -> dict[str, tuple[float, float]]:
    """How well each column alone predicts the target, out of fold.

    Columns of few values are target-encoded; many-valued numbers go through a small decision tree and are also
    taken as a score themselves (for a regression, through an isotonic curve): steps lose the fine order of a noisy copy.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Canonical training rows; at most `MAX_ROWS` of them are used.
    columns : iterable of Column
        The features to score.
    target, task : str
        Column to predict, and binary, multiclass or regression.

    Returns
    -------
    dict of str to (score, standard error)
        Macro one-vs-rest AUC, or R2 (at least 0).

    References
    ----------
    Standard errors: Hanley & McNeil, *Radiology* 143 (1982) for the AUC; Olkin & Finn, *Psychol. Bull.* 118 (1995) for R2.
    Out-of-fold target encoding: Micci-Barreca, *SIGKDD Explorations* 3 (2001).
    """
    rng = np.random.default_rng(0)
    if len(frame) > MAX_ROWS:
        frame = frame.iloc[np.sort(rng.choice(len(frame), MAX_ROWS, replace=False))]
    fold = rng.permutation(len(frame)) % FOLDS
    outcome = _outcome(frame[target], task)
    columns = tuple(columns)
    features = model_frame(frame, columns)
    return {column.name: _score(_predict(features[column.name], outcome, fold, task), outcome, task) for column in columns}


def _outcome(target: pd.Series, task: str) -> np.ndarray:
    """Shape (n, k): one 0/1 column per class (binary: one), or the centred number."""
    if task == "regression":
        values = target.to_numpy("float64")
        return (values - values.mean())[:, None]
    codes, classes = pd.factorize(target, sort=True)
    if len(classes) == 2:
        return (codes == 1).astype("float64")[:, None]
    frequent = np.sort(np.argsort(-np.bincount(codes), kind="stable")[:_MAX_CLASSES])
    return (codes[:, None] == frequent[None, :]).astype("float64")


def _predict(values: pd.Series, outcome: np.ndarray, fold: np.ndarray, task: str) -> list[np.ndarray]:
    """Out-of-fold predictions of shape (n, k), one for each way of modelling the column."""
    codes, levels = pd.factorize(values, use_na_sentinel=False)
    if values.dtype == object or len(levels) <= _LEVELS:
        return [_encode(codes, len(levels), outcome, fold)]
    numbers = values.to_numpy()
    ways = [_tree(numbers, outcome, fold, task)]
    if task == "regression":
        ways.append(_isotonic(numbers, outcome, fold))
    elif outcome.shape[1] == 1:
        ways += _as_score(numbers)
    return ways


def _encode(codes: np.ndarray, n_levels: int, outcome: np.ndarray, fold: np.ndarray) -> np.ndarray:
    # One pass per fold and class over integer codes; the prior keeps levels unseen outside the fold at the mean.
    prior_rows = 1.0
    predicted = np.empty_like(outcome)
    for k in range(outcome.shape[1]):
        total, rows = np.bincount(codes, outcome[:, k], n_levels), np.bincount(codes, minlength=n_levels)
        for number in range(FOLDS):
            inside = fold == number
            rest = rows - np.bincount(codes[inside], minlength=n_levels)
            means = total - np.bincount(codes[inside], outcome[inside, k], n_levels) + prior_rows * outcome[~inside, k].mean()
            predicted[inside, k] = (means / (rest + prior_rows))[codes[inside]]
    return predicted


def _tree(numbers: np.ndarray, outcome: np.ndarray, fold: np.ndarray, task: str) -> np.ndarray:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    leaf = max(5, len(numbers) // 2000)
    predicted = np.empty_like(outcome)
    column = numbers.astype("float32")[:, None]
    for number in range(FOLDS):
        inside = fold == number
        if task == "regression":
            tree = DecisionTreeRegressor(max_leaf_nodes=256, min_samples_leaf=leaf, random_state=0)
            tree.fit(column[~inside], outcome[~inside, 0])
            predicted[inside, 0] = tree.predict(column[inside])
        else:
            # One tree with the class as its target; the classes left out of `outcome` are its class -1.
            classes = np.where(outcome.any(axis=1), outcome.argmax(axis=1), -1) if outcome.shape[1] > 1 else outcome[:, 0].astype(int)
            tree = DecisionTreeClassifier(max_leaf_nodes=64, min_samples_leaf=leaf, random_state=0)
            tree.fit(column[~inside], classes[~inside])
            seen = dict(zip(tree.classes_.tolist(), tree.predict_proba(column[inside]).T, strict=True))
            wanted = range(outcome.shape[1]) if outcome.shape[1] > 1 else (1,)
            for k, name in enumerate(wanted):
                predicted[inside, k] = seen.get(name, 0.0)
    return predicted


def _as_score(numbers: np.ndarray) -> list[np.ndarray]:
    """The number itself, up and down: nothing is fitted, so every row counts as held out."""
    filled = np.where(np.isfinite(numbers), numbers, np.nanmedian(numbers))[:, None]
    return [filled, -filled]


def _isotonic(numbers: np.ndarray, outcome: np.ndarray, fold: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata
    from sklearn.isotonic import IsotonicRegression

    known = np.isfinite(numbers)
    predicted = np.zeros_like(outcome)
    for number in range(FOLDS):
        inside = fold == number
        fitted, blank = ~inside & known, ~inside & ~known
        if fitted.sum() < 2:
            continue
        slope = np.corrcoef(rankdata(numbers[fitted]), outcome[fitted, 0])[0, 1]
        curve = IsotonicRegression(increasing=bool(slope >= 0), out_of_bounds="clip").fit(numbers[fitted], outcome[fitted, 0])
        predicted[inside & known, 0] = curve.predict(numbers[inside & known])
        predicted[inside & ~known, 0] = outcome[blank, 0].mean() if blank.any() else 0.0
    return predicted


def _score(ways: list[np.ndarray], outcome: np.ndarray, task: str) -> tuple[float, float]:
    if task == "regression":
        spread = float((outcome[:, 0] ** 2).mean())
        r2 = max(0.0, *(1.0 - float(((outcome[:, 0] - way[:, 0]) ** 2).mean()) / spread for way in ways)) if spread else 0.0
        return r2, 2.0 * np.sqrt(r2) * (1.0 - r2) / np.sqrt(len(outcome))
    return max(_macro_auc(outcome, way) for way in ways)


def _macro_auc(outcome: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    from scipy.stats import rankdata

    areas, errors = [], []
    for k in range(outcome.shape[1]):
        positive = outcome[:, k] > 0
        n, m = int(positive.sum()), int((~positive).sum())
        if not n or not m:
            continue
        area = (rankdata(predicted[:, k])[positive].sum() - n * (n + 1) / 2) / (n * m)
        q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
        variance = (area * (1 - area) + (n - 1) * (q1 - area**2) + (m - 1) * (q2 - area**2)) / (n * m)
        areas.append(area)
        errors.append(max(variance, 0.0) ** 0.5)
    return (float(np.mean(areas)), float(np.mean(errors))) if areas else (0.5, 0.0)
