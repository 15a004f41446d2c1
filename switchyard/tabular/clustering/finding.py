"""`find_groups`: from a table without a target to the same table with its groups as the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from switchyard.tabular.clustering.centres import centres_of, squared_distances
from switchyard.tabular.clustering.groups import Difference, Group, Groups, Number
from switchyard.tabular.clustering.rules import differences_of, readable, rule_of
from switchyard.tabular.clustering.search import Choice, choose_clusters
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.quality import check_quality
from switchyard.tabular.report.words import shown
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tables.table import Table, model_frame

RANGE = (2, 8)
"""Numbers of groups that are tried where the config names none."""
_EXAMPLES = 3
_SHOWN_COLUMNS = 8


def find_groups(table: Table, problem: Problem) -> tuple[Table, Groups]:
    """The table with the group of each row as its target, and what was found.

    Parameters
    ----------
    table : Table
        Resolved for task clustering: its target is one class.
    problem : Problem
        Resolved.

    Raises
    ------
    InputError
        Where rows do not differ, or fewer differ than groups are asked for, or the names are not as many as the groups.
    GateClosed
        Where there are no groups, and the config fixes no number of them.
    """
    split = split_table(table, problem)
    plan = plan_features(split, check_quality(split, problem).dropped, problem)
    seen = model_frame(table.frame, plan.used)
    X = np.asarray(build_preprocessor(plan, "distances").fit_transform(seen, np.zeros(len(seen))), dtype=np.float32)
    fixed = isinstance(problem.clustering.clusters, int)
    least, most = _range(problem)
    _check_rows(X, least)
    choice = choose_clusters(X, least, most, problem.tuning.seed)
    notes: tuple[str, ...] = ()
    if choice.objection:
        if not fixed:
            raise GateClosed(f"no groups were found: {choice.objection}; clustering.clusters: {choice.clusters} makes them all the same")
        notes = (f"The number was fixed by the config, and there may be no groups: {choice.objection}.",)
    centres = centres_of(X, choice.clusters, problem.tuning.seed)
    distances = squared_distances(X, centres)
    codes = _by_size(distances.argmin(axis=1), choice.clusters)
    names = _names(problem, choice.clusters)
    found = _described(table.frame, plan.used, distances.min(axis=1), codes, names, choice, problem.data.target, notes)
    return _with_groups(table, np.array(names, dtype=object)[codes], problem.data.target), found


def _range(problem: Problem) -> tuple[int, int]:
    asked = problem.clustering.clusters
    if asked == "auto":
        return RANGE
    return (asked, asked) if isinstance(asked, int) else (asked[0], asked[1])


def _check_rows(X: np.ndarray, least: int) -> None:
    different = len(np.unique(X, axis=0))
    if different == 1:
        raise InputError(f"all {len(X):,} rows are equal in the columns that are used; there are no groups to find")
    if different < least or len(X) < 2 * least:
        raise InputError(f"clustering.clusters: {least} groups want more than {different:,} different rows of {len(X):,}; ask for fewer")


def _by_size(codes: np.ndarray, clusters: int) -> np.ndarray:
    """Codes renumbered, the largest group first."""
    place = np.empty(clusters, dtype=np.int64)
    place[np.argsort(-np.bincount(codes, minlength=clusters), kind="stable")] = np.arange(clusters)
    return place[codes]


def _names(problem: Problem, clusters: int) -> list[str]:
    names = problem.clustering.names
    if not names:
        return [str(number + 1) for number in range(clusters)]
    if len(names) != clusters:
        raise InputError(
            f"clustering.names has {len(names)} names, and {clusters} groups were found; set clustering.clusters: {len(names)}"
        )
    return list(names)


def _with_groups(table: Table, groups: np.ndarray, target: str) -> Table:
    counts = pd.Series(groups).value_counts()
    categories = tuple(sorted(counts.index, key=lambda name: (-counts[name], name)))
    columns = tuple(
        column.model_copy(update={"unique": len(categories), "categories": categories}) if column.name == target else column
        for column in table.schema.columns
    )
    schema = table.schema.model_copy(update={"columns": columns})
    return replace(table, frame=table.frame.assign(**{target: groups}), schema=schema)


def _described(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    distances: np.ndarray,
    codes: np.ndarray,
    names: Sequence[str],
    choice: Choice,
    answer: str,
    notes: tuple[str, ...],
) -> Groups:
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
                differences=tuple(
                    Difference(what=what, inside=mean, overall=all_) for what, mean, all_ in differences_of(X, labels, inside)
                ),
                examples=tuple(_row(frame.iloc[at], columns) for at in nearest),
            )
        )
    tried = tuple(
        Number(clusters=one.clusters, stability=one.stability, silhouette=one.silhouette, smallest=one.smallest) for one in choice.tried
    )
    return Groups(
        answer=answer,
        algorithm="k-means",
        groups=tuple(groups),
        tried=tried,
        strength=choice.strength,
        strength_without=choice.strength_without,
        notes=notes,
    )


def _row(row: pd.Series, columns: Sequence[Column]) -> str:
    cells = [f"{c.name}={shown(row[c.name]) if isinstance(row[c.name], float) else row[c.name]}" for c in columns[:_SHOWN_COLUMNS]]
    return ", ".join(cells) + (", ..." if len(columns) > _SHOWN_COLUMNS else "")
