"""`describe`: what makes each group itself, how sure it is, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from switchyard.tabular.clustering.groups import Difference, Group, Groups, Map, Number
from switchyard.tabular.clustering.rules import differences_of, readable, rule_of
from switchyard.tabular.clustering.search import MOST_ROWS, RESAMPLES, Choice
from switchyard.tabular.clustering.stability import stability_by_group
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.report.words import shown
from switchyard.tabular.tables.schema import Column

_EXAMPLES = 3
_SHOWN_COLUMNS = 8
_DOTS = 800


def describe(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    X: np.ndarray,
    distances: np.ndarray,
    codes: np.ndarray,
    names: Sequence[str],
    choice: Choice,
    problem: Problem,
    notes: tuple[str, ...],
) -> Groups:
    """The groups of a table.

    Parameters
    ----------
    frame : DataFrame of shape (n, ...)
    columns : sequence of Column
        That the groups were found in.
    X : ndarray of shape (n, m)
        What they were found in.
    distances : ndarray of shape (n,)
        Of each row to the centre of its group, in any unit.
    codes : ndarray of shape (n,)
        The group of each row, by its place in `names`.
    names : sequence of str
    choice : Choice
    problem : Problem
    notes : tuple of str
    """
    groups = _groups(frame, columns, distances, codes, names, _stabilities(X, codes, choice, problem.tuning.seed))
    return Groups(
        answer=problem.data.target,
        algorithm=choice.best.finder.title,
        groups=groups,
        tried=_tried(choice),
        measure=choice.ground.finder.measure,
        strength=choice.ground.strength,
        strength_without=choice.ground.without,
        notes=notes,
        map=_map_of(X, codes),
    )


def _tried(choice: Choice) -> tuple[Number, ...]:
    return tuple(
        Number(
            algorithm=one.finder.title,
            clusters=one.clusters,
            stability=one.stability,
            silhouette=one.silhouette,
            smallest=one.smallest,
            bic=one.bic,
        )
        for one in choice.tried
    )


def _stabilities(X: np.ndarray, codes: np.ndarray, choice: Choice, seed: int) -> np.ndarray:
    some = slice(None, None, -(-len(X) // MOST_ROWS))
    return stability_by_group(X[some], codes[some], choice.best.finder, choice.best.clusters, RESAMPLES, seed)


def _map_of(X: np.ndarray, codes: np.ndarray) -> Map:
    """Rows on the plane in which they vary most."""
    from sklearn.decomposition import PCA

    some = slice(None, None, -(-len(X) // _DOTS))
    if X.shape[1] < 2:
        return Map(x=tuple(map(float, X[some, 0])), y=(0.0,) * len(X[some]), groups=tuple(map(int, codes[some])), held=1.0)
    plane = PCA(2, random_state=0).fit(X)
    x, y = np.round(plane.transform(X[some]), 3).T
    held = float(np.nan_to_num(plane.explained_variance_ratio_.sum()))
    return Map(x=tuple(map(float, x)), y=tuple(map(float, y)), groups=tuple(map(int, codes[some])), held=held)


def _groups(
    frame: pd.DataFrame, columns: Sequence[Column], distances: np.ndarray, codes: np.ndarray, names: Sequence[str], stabilities: np.ndarray
) -> tuple[Group, ...]:
    X, labels = readable(frame, columns)
    groups = []
    for code, name in enumerate(names):
        inside = codes == code
        rule, coverage, precision = rule_of(X, labels, inside)
        nearest = np.flatnonzero(inside)[np.argsort(distances[inside], kind="stable")[:_EXAMPLES]]
        groups.append(
            Group(
                name=name,
                rows=int(inside.sum()),
                share=float(inside.mean()),
                rule=rule,
                coverage=coverage,
                precision=precision,
                stability=float(stabilities[code]),
                differences=tuple(
                    Difference(what=what, inside=mean, overall=all_) for what, mean, all_ in differences_of(X, labels, inside)
                ),
                examples=tuple(_row(frame.iloc[at], columns) for at in nearest),
            )
        )
    return tuple(groups)


def _row(row: pd.Series, columns: Sequence[Column]) -> str:
    cells = [f"{c.name}={shown(row[c.name]) if isinstance(row[c.name], float) else row[c.name]}" for c in columns[:_SHOWN_COLUMNS]]
    return ", ".join(cells) + (", ..." if len(columns) > _SHOWN_COLUMNS else "")
