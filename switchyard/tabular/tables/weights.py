"""How much each row counts: the column `data.weight`, read, checked and passed on.

A weight says nothing about what is predicted, so it is no feature and need not come when the model is asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.parts import registry_at
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.surroundings import Surroundings
from switchyard.tabular.tasks import kind_of

_FAMILIES = "switchyard.tabular.families:FAMILIES"
"""By name, as in `switchyard.tabular.config.names`: reading a table depends on no family's code."""


def weight_column(problem: Problem) -> str | None:
    """The column that `data.weight`, or a role in `data.columns`, names; None where every row counts alike."""
    named = [name for name, override in problem.data.columns.items() if override.role == "weight"]
    return problem.data.weight or next(iter(named), None)


def weights_of(frame: pd.DataFrame, schema: Schema) -> np.ndarray | None:
    """Weights of the rows of a canonical frame, float64 of shape (n,), in the column's own unit; None where every row counts alike."""
    column = schema.weight
    return None if column is None else frame[column.name].to_numpy("float64")


def with_weight(frame: pd.DataFrame, problem: Problem, around: Surroundings) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """The rows that count, with their numbers in the table from 1 on, and a note of those that do not.

    Parameters
    ----------
    frame : DataFrame
        As read.
    problem : Problem
    around : Surroundings
        Of the weight's column.

    Returns
    -------
    frame : DataFrame
        Without the rows of weight zero.
    rows : ndarray of int
    notes : list of str
    """
    rows, name = np.arange(len(frame)) + 1, weight_column(problem)
    if name is None:
        return frame, rows, []
    values = read_column(frame[name], name, "numeric", rows, around).values.astype("float64")
    nothing = values == 0
    if (nothing | np.isnan(values)).all():
        raise InputError(f"data.weight: {name!r} is zero or no number in every row, so that none counts; name another column, or none")
    if not nothing.any():
        return frame, rows, []
    note = f"{count_of(int(nothing.sum()), 'row')} of weight zero in {name!r} {'is' if nothing.sum() == 1 else 'are'} left out"
    return frame[~nothing].reset_index(drop=True), rows[~nothing], [note]


def check_weights(values: np.ndarray, said: pd.Series, name: str, rows: np.ndarray) -> None:
    """Refuse what is no weight.

    Parameters
    ----------
    values : ndarray of float of shape (n,)
        As read; NaN where they could not be.
    said : Series of shape (n,)
        As they stand in the table.
    name : str
    rows : ndarray of int of shape (n,)
        Numbers of the rows in the table.

    Raises
    ------
    InputError
        Names the first row whose weight is missing, negative or no number.
    """
    wrong = ~(np.isfinite(values) & (values >= 0))
    if not wrong.any():
        return
    place = int(wrong.argmax())
    cell = said.iloc[place]
    empty = pd.isna(cell) or not str(cell).strip()
    what = (
        "has no weight" if empty else f"weighs {str(cell)[:40]!r}, which is {'below zero' if values[place] < 0 else 'not a finite number'}"
    )
    more = f" (and {count_of(int(wrong.sum()) - 1, 'more row')} like it)" if wrong.sum() > 1 else ""
    raise InputError(f"data.weight: row {rows[place]} {what} in {name!r}{more}; write a number from 0 on, or leave the row out")


def check_weighing(problem: Problem, metric: str) -> None:
    """Refuse a weight where a task, or a metric or family of one's own, counts every row alike.

    Raises
    ------
    InputError
        Names it.
    """
    name = weight_column(problem)
    if name is None:
        return
    if not kind_of(problem.task).target:
        raise InputError(f"data.weight is {name!r}, and task: {problem.task} counts every row alike; remove it")
    if not METRICS[metric].weighs:
        raise InputError(
            f"metric: {metric!r} counts every row alike, and data.weight is {name!r}; give its function a third argument, weights, "
            "and weighs=True, or choose another metric"
        )
    for family in problem.tuning.families:
        if not registry_at(_FAMILIES)[family].estimator.weighs:
            raise InputError(
                f"tuning.families: {family!r} counts every row alike, and data.weight is {name!r}; let its _fit take weights, and say "
                "weighs = True, or leave the family out"
            )
