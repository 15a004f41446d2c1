"""What makes a group itself: a rule that a person can read, and the columns in which it differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from switchyard.tabular.report.words import shown
from switchyard.tabular.tables.schema import Column

_DEPTH = 3
_MOST_ROWS = 20_000
_MOST_CATEGORIES = 20
"""Of a column that a rule may name, the most frequent."""


def readable(frame: pd.DataFrame, columns: Sequence[Column]) -> tuple[np.ndarray, list[tuple[str, str | None]]]:
    """Numbers as they are and a column of 0 and 1 for each category; and of each the column, with its category where it has one."""
    values: list[np.ndarray] = []
    names: list[tuple[str, str | None]] = []
    for column in columns:
        if column.kind in ("numeric", "boolean"):
            numbers = frame[column.name].to_numpy("float64")
            values.append(np.where(np.isnan(numbers), np.nanmedian(numbers), numbers))
            names.append((column.name, None))
        elif column.kind == "categorical":
            for category in column.categories[:_MOST_CATEGORIES]:
                values.append((frame[column.name] == category).to_numpy("float64"))
                names.append((column.name, category))
    return np.column_stack(values) if values else np.empty((len(frame), 0)), names


def rule_of(X: np.ndarray, names: Sequence[tuple[str, str | None]], inside: np.ndarray) -> tuple[str, float, float]:
    """The best leaf of a shallow tree for the rows `inside`: its rule, what share of them it covers, and how often it is right."""
    if not X.shape[1]:
        return "", 0.0, 0.0
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(
        max_depth=_DEPTH, min_samples_leaf=max(1, int(inside.sum()) // 20), class_weight="balanced", random_state=0
    )
    some = slice(None, None, max(1, len(X) // _MOST_ROWS))
    tree.fit(X[some], inside[some])
    leaves = tree.apply(X)
    scored = {}
    for leaf in np.unique(leaves):
        right = float(inside[leaves == leaf].sum())
        precision, coverage = right / float((leaves == leaf).sum()), right / max(1.0, float(inside.sum()))
        scored[int(leaf)] = (2 * precision * coverage / max(1e-12, precision + coverage), coverage, precision)
    best = max(scored, key=lambda leaf: scored[leaf][0])
    return " and ".join(_conditions(tree.tree_, best, names)) or "all rows", scored[best][1], scored[best][2]


def differences_of(
    X: np.ndarray, names: Sequence[tuple[str, str | None]], inside: np.ndarray, most: int = 5
) -> list[tuple[str, float, float]]:
    """The columns in which rows `inside` lie farthest from all, in standard deviations: what, mean inside, mean of all."""
    spread = X.std(axis=0)
    apart = np.abs(X[inside].mean(axis=0) - X.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    order = np.argsort(-apart, kind="stable")[:most]
    return [(_label(names[at]), float(X[inside, at].mean()), float(X[:, at].mean())) for at in order]


def _label(name: tuple[str, str | None]) -> str:
    return name[0] if name[1] is None else f"{name[0]} is {name[1]}"


def _conditions(tree: object, leaf: int, names: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    """The tests on the way to `leaf`, those of one number as one range."""
    left, right, feature, threshold = (getattr(tree, name) for name in ("children_left", "children_right", "feature", "threshold"))
    parents = {int(child): (node, side) for side, children in ((0, left), (1, right)) for node, child in enumerate(children) if child >= 0}
    bounds: dict[int, list[float | None]] = {}
    while leaf in parents:
        leaf, side = parents[leaf]
        ends = bounds.setdefault(int(feature[leaf]), [None, None])
        # Upwards from the leaf the tests get weaker: the first of each side counts.
        if ends[1 - side] is None:
            ends[1 - side] = float(threshold[leaf])
    for at, (low, high) in bounds.items():
        column, category = names[at]
        if category is not None:
            yield f"{column} is {'' if low is not None else 'not '}{category}"
        elif low is None:
            yield f"{column} <= {shown(high or 0.0)}"
        elif high is None:
            yield f"{column} > {shown(low)}"
        else:
            yield f"{shown(low)} < {column} <= {shown(high)}"
