"""Explaining a bundle: which rows against which background, with how many calls, and which rows are looked at closely."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from switchyard.bundle.shapley import MOST_PLAYERS, Function, combined, shapley_values
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.predictions import encode_truth
from switchyard.tabular.explanation.coding import Coding
from switchyard.tabular.explanation.explanation import ChosenRow, Explanation, Summary, leading_outputs
from switchyard.tabular.explanation.importance import agreement, importances
from switchyard.tabular.explanation.shifting import partial_dependence, permutation_importance
from switchyard.tabular.explanation.surrogate import surrogates
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import metric_of

if TYPE_CHECKING:
    from switchyard.bundle.scorer import Scorer

_LOG = logging.getLogger(__name__)
MOST_CALLS = 300_000
"""Rows the function may be asked for: background rows are as many as this allows, between the two limits below.
A count and not a time, so that the same input gives the same explanation everywhere."""
_MOST_CELLS = 30_000_000
"""Of all those rows together, which of a wide table are fewer."""
_FEWEST_BACKGROUND, _MOST_BACKGROUND = 16, 100
_POOL = 2000
"""Training rows that the background is picked from and LIME takes frequencies from; holdout rows whose columns are changed."""


def explain(scorer: Scorer, split: Split, problem: Problem) -> Explanation:
    """Explain what the bundle answers for rows of the holdout.

    Two classes: the probability of the positive one. Several: the probability of each. Regression: the prediction.
    Rows are `problem.evaluation.explained_rows` of the holdout, drawn by the seed.
    """
    signature = scorer.signature
    used = {column.name: column.kind for column in signature.columns}
    columns = tuple(_as_used(split.schema[name], kind) for name, kind in used.items())
    coding = Coding.of(columns, split.train, split.holdout)

    def function(matrix: np.ndarray) -> np.ndarray:
        answer = scorer.score(coding.decode(matrix))
        if signature.task == "regression":
            return np.asarray(answer.prediction, dtype="float64").reshape(-1, 1)
        probabilities = np.asarray(answer.probabilities, dtype="float64")
        return probabilities[:, 1:] if signature.task == "binary" else probabilities

    return explain_function(function, coding, split, problem, tuple(signature.classes), signature.threshold)


def _strongest(values: np.ndarray) -> np.ndarray:
    """Places of the columns with the largest Shapley values, at most `MOST_PLAYERS`, in their order."""
    size = np.abs(values).mean(axis=(0, 2))
    return np.sort(np.argsort(-size, kind="stable")[:MOST_PLAYERS])


def _as_used(column: Column, kind: str) -> Column:
    return column if column.kind == kind else column.model_copy(update={"kind": kind})


def explain_function(
    function: Function, coding: Coding, split: Split, problem: Problem, classes: tuple[str, ...] = (), threshold: float | None = None
) -> Explanation:
    """Explain any function of coded rows; `explain` says of what.

    Parameters
    ----------
    function : callable
        From coded rows, shape (n, n_columns), to outputs, shape (n, n_outputs).
    coding : Coding
    split : Split
    problem : Problem
    classes : tuple of str
    threshold : float, optional
        Two classes: decides which rows count as mistakes.
    """
    seed, config = problem.tuning.seed, problem.evaluation
    rng = np.random.default_rng(seed)
    positions = np.sort(rng.permutation(len(split.holdout))[: config.explained_rows])
    holdout = split.holdout.iloc[positions]
    rows = coding.encode(holdout)
    pool = coding.encode(split.train.iloc[np.sort(rng.permutation(len(split.train))[:_POOL])])
    width = max(1, len(coding.columns))
    size = min(MOST_CALLS, _MOST_CELLS // width) // (len(rows) * min(width, MOST_PLAYERS))
    background = _background(function, pool, min(max(size, _FEWEST_BACKGROUND), _MOST_BACKGROUND))
    halves, base, outputs = shapley_values(function, rows, background, seed)
    values = combined(halves, len(background))
    truth = encode_truth(holdout[problem.data.target].to_numpy(), problem.task, classes)
    names = classes if values.shape[2] > 1 else (classes[1],) if classes else (problem.data.target,)
    chosen = list(_choose(outputs, truth, problem.task, classes, threshold))
    for at in rng.permutation(len(rows))[: max(0, config.lime_rows - len(chosen))]:
        chosen.append(_chosen(int(at), "drawn at random", outputs, truth, classes))
    if around := chosen[: config.lime_rows]:
        places, of = [row.position for row in around], [row.output for row in around]
        local = surrogates(function, coding, pool, rows[places], of, problem.task != "regression", seed, _strongest(values))
        chosen[: len(local)] = [row.model_copy(update={"surrogate": found}) for row, found in zip(around, local)]
    importance = importances(values, rows, coding, config.bootstrap, config.confidence, seed)
    _LOG.info("explained %d rows of %d columns against %d background rows", len(rows), rows.shape[1], len(background))
    summary = Summary(
        task=problem.task,
        explained=_explained(problem, classes),
        outputs=names,
        base=tuple(base.tolist()),
        background_rows=len(background),
        importance=importance,
        **_shifted(function, coding, split, problem, classes, [coding.names.index(part.column) for part in importance], outputs),
        agreement=agreement(halves),
        class_importance=_by_class(values, names, coding),
        confidence=config.confidence,
        chosen=tuple(chosen),
        categorical=tuple(name in coding.categories for name in coding.names),
        shown=tuple(tuple(coding.shown(k, value) for k, value in enumerate(row)) for row in rows),
        of_rows=split.schema.of,
    )
    return Explanation(summary, values, outputs, pd.DataFrame(rows, columns=list(coding.names)), positions)


def _by_class(values: np.ndarray, names: tuple[str, ...], coding: Coding) -> dict[str, dict[str, float]]:
    """Mean absolute value of each column by output; empty where there is one output."""
    if len(names) == 1:
        return {}
    return {name: dict(zip(coding.names, np.abs(values[:, :, k]).mean(axis=0).tolist())) for k, name in enumerate(names)}


def _shifted(
    function: Function,
    coding: Coding,
    split: Split,
    problem: Problem,
    classes: tuple[str, ...],
    columns: list[int],
    outputs: np.ndarray,
) -> dict[str, Any]:
    """What single columns do, the most important ones first: fields of the summary."""
    seed, metric = problem.tuning.seed, metric_of(problem.task, problem.metric)
    sample = split.holdout.iloc[np.sort(np.random.default_rng([seed, 0]).permutation(len(split.holdout))[:_POOL])]
    matrix, truth = coding.encode(sample), encode_truth(sample[problem.data.target].to_numpy(), problem.task, classes)
    kept = leading_outputs(outputs)
    return {
        "metric": metric.name,
        "permuted": permutation_importance(function, matrix, truth, columns, coding, metric, seed),
        "dependence": partial_dependence(function, matrix, columns, coding, kept, seed),
        "dependence_outputs": kept,
    }


def _explained(problem: Problem, classes: tuple[str, ...]) -> str:
    if problem.task == "regression":
        return f"the prediction of {problem.data.target}"
    return f"the probability of {classes[1]}" if problem.task == "binary" else "the probability of each class"


def _background(function: Function, pool: np.ndarray, size: int) -> np.ndarray:
    """Training rows at evenly spaced ranks of the output: their mean output is close to that of the whole training
    part with far fewer rows than a random draw needs, and neighbours are alike, which the antithetic walks use."""
    size = min(size, len(pool)) // 2 * 2 or len(pool)
    outputs = function(pool)
    leading = outputs.argmax(axis=1)
    order = np.lexsort((outputs[np.arange(len(pool)), leading], leading))
    return pool[order[((np.arange(size) + 0.5) * len(pool) / size).astype(int)]]


def _choose(outputs: np.ndarray, truth: np.ndarray, task: str, classes: tuple[str, ...], threshold: float | None) -> list[ChosenRow]:
    """The highest and the lowest answer, the largest error and the most typical answer; each row once."""
    leading = outputs.argmax(axis=1)
    score = outputs.max(axis=1)
    error = np.abs(score - truth) if task != "multiclass" else 1 - outputs[np.arange(len(truth)), truth]
    if task == "regression":
        mistake = np.ones(len(truth), dtype=bool)
    elif task == "binary":
        mistake = (score >= (0.5 if threshold is None else threshold)) != truth
    else:
        mistake = leading != truth
    picks = {"highest answer": score.argmax(), "lowest answer": score.argmin()}
    if mistake.any():
        picks["largest error"] = np.where(mistake, error, -np.inf).argmax()
    picks["typical answer"] = np.abs(score - np.median(score)).argmin()
    chosen: dict[int, ChosenRow] = {}
    for why, at in picks.items():
        chosen.setdefault(int(at), _chosen(int(at), why, outputs, truth, classes))
    return list(chosen.values())


def _chosen(at: int, why: str, outputs: np.ndarray, truth: np.ndarray, classes: tuple[str, ...]) -> ChosenRow:
    shown = classes[truth[at]] if classes else f"{truth[at]:.6g}"
    return ChosenRow(position=at, why=why, output=int(outputs[at].argmax()), truth=shown)
