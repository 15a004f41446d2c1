"""Outliers: `ClipOutliers`, `FlagOutliers` (by column) and `IsolationFlag` (by row) in the model, `inliers` for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.ensemble import IsolationForest

from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.operators import DOUBLE, FLOAT, Operator, apply

Method = Literal["iqr", "zscore", "isolation_forest"]
DEFAULT_THRESHOLDS = {"iqr": 1.5, "zscore": 3.0, "isolation_forest": 0.01}
"""IQR multiples beyond the quartiles, standard deviations from the mean, share of rows taken for outliers."""

_TREE_ATTRIBUTES = (
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids",
    "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids", "target_weights",
)  # fmt: skip


def bounds(X: np.ndarray, method: Literal["iqr", "zscore"], threshold: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound of each column, infinite for columns without spread.

    A column whose quartiles coincide (mostly one value) has no IQR bounds: every other value would lie outside.
    """
    threshold = threshold or DEFAULT_THRESHOLDS[method]
    low, high = np.full(X.shape[1], -np.inf), np.full(X.shape[1], np.inf)
    for position, column in enumerate(X.T):
        seen = column[~np.isnan(column)]
        if not len(seen):
            continue
        if method == "iqr":
            lower, upper = np.quantile(seen, [0.25, 0.75])
            reach = threshold * (upper - lower)
        else:
            lower = upper = seen.mean()
            reach = threshold * seen.std()
        if reach > 0:
            low[position], high[position] = lower - reach, upper + reach
    return low, high


class _ByColumn(Computed):
    """Bounds for the columns at `positions`; see `bounds` for the rest."""

    def __init__(self, positions: tuple[int, ...], method: Literal["iqr", "zscore"], threshold: float | None = None) -> None:
        self.positions = positions
        self.method = method
        self.threshold = threshold

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.low_, self.high_ = np.full(X.shape[1], -np.inf), np.full(X.shape[1], np.inf)
        chosen = list(self.positions)
        self.low_[chosen], self.high_[chosen] = bounds(X[:, chosen], self.method, self.threshold)


class ClipOutliers(_ByColumn):
    """Values beyond the bounds moved onto them; NaN stays."""

    def compute(self, op: Operator, x: Any) -> Any:
        raised = op("Where", op("Less", x, self.low_), self.low_, x)
        return op("Where", op("Greater", raised, self.high_), self.high_, raised)


class FlagOutliers(_ByColumn):
    """An appended 0/1 column for each column that had values beyond its bounds in training."""

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        super().learn(X, y)
        self.flagged_ = np.flatnonzero(((self.low_ > X) | (self.high_ < X)).any(axis=0))

    def compute(self, op: Operator, x: Any) -> Any:
        if not len(self.flagged_):
            return x
        values = op("Gather", x, self.flagged_, axis=1)
        outside = op("Or", op("Less", values, self.low_[self.flagged_]), op("Greater", values, self.high_[self.flagged_]))
        return op("Concat", x, op("Cast", outside, to=DOUBLE), axis=1)

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return [f"{names[position]} is an outlier" for position in self.flagged_.tolist()]


class IsolationFlag(Computed):
    """An appended 0/1 column: whether scikit-learn's isolation forest takes the row for an outlier.

    Gaps count as the median. Path lengths are rounded to 1/1024, so that their sum over the trees is exact in float32,
    in any order: the flag in the ONNX graph is the same, not just nearly so.

    Parameters
    ----------
    positions : tuple of int
        Columns the forest sees.
    contamination : float
        Share of the training rows to flag.
    seed : int
        Of the forest.
    """

    def __init__(self, positions: tuple[int, ...], contamination: float | None = None, seed: int = 0) -> None:
        self.positions = positions
        self.contamination = contamination
        self.seed = seed

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.median_ = np.array([_median(X[:, position]) for position in self.positions])
        rows = apply("Cast", self._filled(apply, X), to=FLOAT)
        forest = IsolationForest(n_estimators=100, random_state=self.seed, n_jobs=1).fit(rows)
        self.trees_ = _ensemble(forest)
        self.limit_ = float(np.quantile(self._depth(apply, X), self.contamination or DEFAULT_THRESHOLDS["isolation_forest"]))

    def _filled(self, op: Operator, x: Any) -> Any:
        chosen = op("Gather", x, np.array(self.positions), axis=1)
        return op("Where", op("IsNaN", chosen), self.median_, chosen)

    def _depth(self, op: Operator, x: Any) -> Any:
        """Sum of the path lengths over the trees, shape (n, 1), in 1/1024; small for outliers."""
        rows = op("Cast", self._filled(op, x), to=FLOAT)
        return op("Cast", op("TreeEnsembleRegressor", rows, domain="ai.onnx.ml", **self.trees_), to=DOUBLE)

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Concat", x, op("Cast", op("Less", self._depth(op, x), self.limit_), to=DOUBLE), axis=1)

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return ["row is an outlier"]


def _median(column: np.ndarray) -> float:
    seen = column[~np.isnan(column)]
    return float(np.median(seen)) if len(seen) else 0.0


def _unbuilt_length(rows: np.ndarray) -> np.ndarray:
    """Mean path length of an isolation tree over as many rows.

    References
    ----------
    Liu, Ting and Zhou, *Isolation Forest*, ICDM 2008, equation 1.
    """
    n = np.maximum(rows, 2).astype("float64")
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n))


def _ensemble(forest: IsolationForest) -> dict[str, Any]:
    """The trees as attributes of ai.onnx.ml's TreeEnsembleRegressor, whose leaves hold path lengths in 1/1024.

    A leaf's path length is its depth plus what an isolation tree would still need for the rows it holds. Thresholds
    are rounded down to float32: for a float32 feature, x <= t holds exactly when x <= floor32(t).
    """
    columns: dict[str, list[Any]] = {key: [] for key in _TREE_ATTRIBUTES}
    for number, (estimator, features) in enumerate(zip(forest.estimators_, forest.estimators_features_, strict=True)):
        tree = estimator.tree_
        leaf = tree.children_left < 0
        depth = np.zeros(tree.node_count)
        for node in np.flatnonzero(~leaf):
            depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1
        length = np.round((depth + _unbuilt_length(tree.n_node_samples)) * 1024)
        nearest = tree.threshold.astype("float32")
        floored = np.where(nearest > tree.threshold, np.nextafter(nearest, np.float32(-np.inf)), nearest)
        columns["nodes_treeids"] += [number] * tree.node_count
        columns["nodes_nodeids"] += range(tree.node_count)
        columns["nodes_featureids"] += np.where(leaf, 0, features[tree.feature]).tolist()
        columns["nodes_values"] += np.where(leaf, 0.0, floored).tolist()
        columns["nodes_modes"] += ["LEAF" if end else "BRANCH_LEQ" for end in leaf]
        columns["nodes_truenodeids"] += np.where(leaf, 0, tree.children_left).tolist()
        columns["nodes_falsenodeids"] += np.where(leaf, 0, tree.children_right).tolist()
        columns["target_treeids"] += [number] * int(leaf.sum())
        columns["target_nodeids"] += np.flatnonzero(leaf).tolist()
        columns["target_ids"] += [0] * int(leaf.sum())
        columns["target_weights"] += length[leaf].tolist()
    # Arrays, because that is how a fitted model is kept in few bytes and read fast.
    return {**{key: np.array(values) for key, values in columns.items()}, "n_targets": 1}


def inliers(X: np.ndarray, method: Method, threshold: float | None = None, seed: int = 0) -> np.ndarray:
    """Which rows of `X`, shape (n, k), have no outlier, as a bool array of shape (n,); for training rows only."""
    if not X.shape[1]:
        return np.ones(len(X), dtype=bool)
    if method == "isolation_forest":
        flag = IsolationFlag(tuple(range(X.shape[1])), threshold, seed).fit(X)
        return flag.transform(X)[:, -1] == 0
    low, high = bounds(X, method, threshold)
    return ~np.asarray(((low > X) | (high < X)).any(axis=1))
