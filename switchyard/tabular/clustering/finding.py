"""`find_groups`: from a table without a target to the same table with its groups as the target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from switchyard.tabular.clustering.describing import describe
from switchyard.tabular.clustering.finder import Finder
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.clustering.search import MOST_ROWS, choose_groups
from switchyard.tabular.clustering.stability import silhouette_of
from switchyard.tabular.clustering.succession import GroupsBefore, Succession, succeed
from switchyard.tabular.config.names import our_families
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.quality import check_quality
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tables.table import Table, model_frame

RANGE = (2, 8)
"""Numbers of groups that are tried where the config names none."""
_STARTS = 10
_FEWEST_ROWS = 5
"""Of a group, lest it be missing in a fold."""


def find_groups(table: Table, problem: Problem, before: GroupsBefore | None = None) -> tuple[Table, Problem, Groups]:
    """The table with the group of each row as its target, the problem of giving them to new rows, and what was found.

    Parameters
    ----------
    table : Table
        Resolved for task clustering: its target is one class.
    problem : Problem
        Resolved.
    before : GroupsBefore, optional
        The champion's groups of the same rows, whose names the new ones take over.

    Raises
    ------
    InputError
        Where rows do not differ, or fewer differ than groups are asked for, or the names are not as many as the groups.
    GateClosed
        Where there are no groups, and the config fixes no number of them.
    """
    _check_rows_differ(table, problem)
    plan, X = features_of(table, problem)
    fixed = isinstance(problem.clustering.clusters, int)
    least, most = _range(problem)
    _check_rows(X, least)
    choice = choose_groups(X, least, most, problem.tuning.seed, _finders(problem))
    best = choice.best
    notes: tuple[str, ...] = ()
    if choice.objection:
        if not fixed:
            raise GateClosed(f"no groups were found: {choice.objection}; clustering.clusters: {best.clusters} makes them all the same")
        notes = (f"The number was fixed by the config, and there may be no groups: {choice.objection}.",)
    found = best.finder.find(X, best.clusters, problem.tuning.seed, starts=_STARTS)
    distances = found.squared_distances(X)
    groups = found.groups(X)
    if (there := len(np.unique(groups))) < best.clusters:
        raise InputError(f"only {there} of {best.clusters} groups have any rows; set clustering.clusters: {there}")
    own = distances[np.arange(len(X)), groups]
    codes = _by_size(groups, best.clusters)
    _check_sizes(codes, best.clusters)
    names, succession = _named(codes, best.clusters, problem, before, X)
    described = describe(table.frame, plan.used, X, own, codes, names, choice, problem, notes)
    described = described.model_copy(update={"succession": succession})
    tuning = problem.tuning.model_copy(update={"families": (best.finder.family,)})
    settled = problem.model_copy(update={"tuning": tuning})
    return _with_groups(table, np.array(names, dtype=object)[codes], problem.data.target), settled, described


def features_of(table: Table, problem: Problem) -> tuple[FeaturePlan, np.ndarray]:
    """The plan of the columns, and what is clustered: float32 of shape (n, m)."""
    from switchyard.tabular.features.preprocess import build_preprocessor

    split = split_table(table, problem)
    plan = plan_features(split, check_quality(split, problem).dropped, problem)
    seen = model_frame(table.frame, plan.used)
    return plan, np.asarray(build_preprocessor(plan, "distances").fit_transform(seen, np.zeros(len(seen))), dtype=np.float32)


def _finders(problem: Problem) -> list[Finder]:
    families = [FAMILIES[name] for name in problem.tuning.families]
    if strange := [family.name for family in families if family.finder is None]:
        raise InputError(f"tuning.families: {strange[0]} finds no groups; choose of {', '.join(our_families('clustering'))}")
    return [family.finder for family in families if family.finder is not None]


def _range(problem: Problem) -> tuple[int, int]:
    asked = problem.clustering.clusters
    if asked == "auto":
        return RANGE
    return (asked, asked) if isinstance(asked, int) else (asked[0], asked[1])


def _check_rows_differ(table: Table, problem: Problem) -> None:
    """Before every column is dropped for a reason of its own."""
    columns = table.frame.drop(columns=problem.data.target)
    if (columns.nunique(dropna=False) <= 1).all():
        raise InputError(f"all {len(columns):,} rows are equal in every column; there are no groups to find")


def _check_rows(X: np.ndarray, least: int) -> None:
    different = len(np.unique(X, axis=0))
    if different == 1:
        raise InputError(f"all {len(X):,} rows are equal in the columns that are used; there are no groups to find")
    if different < least or len(X) < 2 * least:
        raise InputError(f"clustering.clusters: {least} groups want more than {different:,} different rows of {len(X):,}; ask for fewer")


def _check_sizes(codes: np.ndarray, clusters: int) -> None:
    """A group of hardly a row is a row far from all others, and in no fold."""
    alone = np.flatnonzero(codes == clusters - 1)
    if len(alone) < min(_FEWEST_ROWS, len(codes) // (2 * clusters)):
        raise InputError(
            f"{count_of(len(alone), 'row')} (the first: row {alone[0] + 1} of {len(codes):,}) would be a group alone, far from all others; "
            "leave such rows out, or set features.outliers: {method: iqr, action: clip}"
        )


def _by_size(codes: np.ndarray, clusters: int) -> np.ndarray:
    """Codes renumbered, the largest group first."""
    place = np.empty(clusters, dtype=np.int64)
    place[np.argsort(-np.bincount(codes, minlength=clusters), kind="stable")] = np.arange(clusters)
    return place[codes]


def _named(
    codes: np.ndarray, clusters: int, problem: Problem, before: GroupsBefore | None, X: np.ndarray
) -> tuple[list[str], Succession | None]:
    """Names by code, and how the groups follow the champion's."""
    from sklearn.metrics import adjusted_rand_score

    names = problem.clustering.names
    if names and len(names) != clusters:
        raise InputError(
            f"clustering.names has {len(names)} names, and {clusters} groups were found; set clustering.clusters: {len(names)}"
        )
    if before is None or not before.classes:
        return list(names) or [str(number + 1) for number in range(clusters)], None
    found, moved, lost = succeed(codes, clusters, before, names)
    some = slice(None, None, max(1, len(X) // MOST_ROWS))
    return found, Succession(
        version=before.version,
        moved=moved,
        agreement=float(adjusted_rand_score(before.codes, codes)),
        silhouette=silhouette_of(X[some], before.codes[some]),
        silhouette_now=silhouette_of(X[some], codes[some]),
        lost=lost,
        renamed=bool(names) and not set(before.classes) <= set(names),
    )


def _with_groups(table: Table, groups: np.ndarray, target: str) -> Table:
    counts = pd.Series(groups).value_counts()
    categories = tuple(sorted(counts.index, key=lambda name: (-counts[name], name)))
    columns = tuple(
        column.model_copy(update={"unique": len(categories), "categories": categories}) if column.name == target else column
        for column in table.schema.columns
    )
    schema = table.schema.model_copy(update={"columns": columns})
    return replace(table, frame=table.frame.assign(**{target: groups}), schema=schema)
