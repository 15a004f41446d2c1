"""`cluster`: from a frame without a target to its groups and a model that gives them to new rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.clustering.finding import find_groups
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.fitting import Fitted, problem_of, raw_table, train
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.table import Table


@dataclass(frozen=True, eq=False)
class Clustered:
    """The groups of a frame.

    Attributes
    ----------
    groups : Groups
        What was found: sizes, rules, stability; `groups.html()` shows it.
    labels : ndarray of shape (n_rows,)
        The group of each row of the frame, object of str.
    fitted : Fitted
        The model that gives groups to new rows: `fitted.predict(frame)`, `fitted.bundle`.
    """

    groups: Groups
    labels: np.ndarray
    fitted: Fitted


def cluster(
    frame: pd.DataFrame,
    clusters: int | tuple[int, int] | str = "auto",
    *,
    names: Sequence[str] = (),
    seed: int = 0,
    name: str = "model",
    **settings: Any,
) -> Clustered:
    """Find the groups of the rows of `frame`, and train a model of them as the pipeline would.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Columns of any type. It is not changed.
    clusters : int, (int, int) or "auto"
        How many groups, or between which numbers to look.
    names : sequence of str
        What they are called, the largest first.
    seed : int
    name : str
        What the bundle calls the model.
    **settings
        Other keys of a config, as in its YAML.

    Raises
    ------
    InputError
        When the frame or a setting is wrong, or all rows are equal.
    GateClosed
        When there are no groups.
    """
    own = {"clusters": clusters, "names": tuple(names)}
    table, problem, notes = resolve(raw_table(frame), _asked(seed, {"name": name, "clustering": own, **settings}))
    grouped, settled, groups = find_groups(table, problem)
    return Clustered(groups, grouped.frame[problem.data.target].to_numpy(), train(grouped, settled, (*notes, groups.sentence)))


def resolved_for(frame: pd.DataFrame, seed: int = 0, **settings: Any) -> tuple[Table, Problem]:
    """The table and the problem that `cluster` would find groups for."""
    table, problem, _ = resolve(raw_table(frame), _asked(seed, settings))
    return table, problem


def _asked(seed: int, settings: dict[str, Any]) -> Problem:
    return problem_of(None, {"seed": seed}, {"task": "clustering", "name": "model", **settings})
