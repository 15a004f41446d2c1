"""Random forest: averaged deep trees on bootstrap samples, or with random cuts on all rows, grown by scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import Estimator, Family, Params, Weights
from switchyard.tabular.families.monitor import Monitor

if TYPE_CHECKING:
    from sklearn.tree._tree import Tree

    from switchyard.tabular.export import trees
    from switchyard.tabular.export.graph import Graph

MAX_LEAVES = 150_000
"""Of the whole forest. Unbounded, a forest on 34,000 rows makes a bundle of 105 MB."""
_BATCH = 8
"""Trees grown between two looks at the clock."""
_ROWS = 16_384
"""Rows that one thread predicts at once."""
_ARRAYS = ("left_child", "right_child", "feature", "threshold", "missing_go_to_left")


class RandomForest(Estimator):
    """Scikit-learn's forest, kept as its trees.

    Attributes
    ----------
    trees_ : list of sklearn.tree._tree.Tree
        Node values are class probabilities, or the mean of the standardised target, of counts of the target over its mean.
    """

    output = "probability"
    weighs = True

    def _fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None = None,
    ) -> None:
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

        settings = {name: value for name, value in self.params.items() if name not in ("iterations", "cuts")}
        if self.params.get("cuts") == "random":
            kind = ExtraTreesClassifier if self.n_classes else ExtraTreesRegressor
            # Its trees differ by their cuts, and each is grown on all rows.
            settings.pop("max_samples", None)
        else:
            kind = RandomForestClassifier if self.n_classes else RandomForestRegressor
        if self.task == "poisson":
            settings["criterion"] = "poisson"
        total = self.params["iterations"]
        share = max(2, int(MAX_LEAVES / total / max(1.0, self.n_classes / 4)))
        settings["max_leaf_nodes"] = min(settings.get("max_leaf_nodes") or share, share)
        forest = kind(n_estimators=0, warm_start=True, random_state=self.seed, n_jobs=self.n_jobs, **settings)
        # A warm start draws the same seeds for the same trees: batches change nothing but when we may stop.
        step = _BATCH if monitor.attentive else total
        while len(getattr(forest, "estimators_", ())) < total:
            done = min(total, len(getattr(forest, "estimators_", ())) + step)
            forest.set_params(n_estimators=done).fit(X, y, sample_weight=weights and weights.fitted)
            classes = forest.classes_ if self.n_classes else None
            self.trees_ = [_with_all_classes(tree.tree_, classes, self.n_classes) for tree in forest.estimators_]
            if monitor.step(done, self._loss(*valid, weights and weights.watched) if valid is not None and monitor.attentive else None):
                break
        self.best_iteration_ = len(self.trees_)

    def _loss(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> float:
        found = self.margins(X)
        if not self.n_classes:
            return float(np.sqrt(np.average((found[:, 0] - y) ** 2, weights=weights)))
        # A forest may give a class no chance at all: a floor keeps the loss finite.
        return float(-np.average(np.log(np.maximum(found[np.arange(len(y)), y], 1e-4)), weights=weights))

    def margins(self, X: np.ndarray) -> np.ndarray:
        size = max(1, min(_ROWS, -(-len(X) // self.n_jobs)))
        parts = [X[start : start + size] for start in range(0, len(X), size)]
        if len(parts) <= 1 or self.n_jobs == 1:
            found = [self._mean(part) for part in parts]
        else:
            with ThreadPoolExecutor(self.n_jobs) as pool:
                found = list(pool.map(self._mean, parts))
        return np.concatenate(found) if found else np.empty((0, self.width))

    def _mean(self, X: np.ndarray) -> np.ndarray:
        total = np.zeros((len(X), self.width))
        for tree in self.trees_:
            total += tree.predict(X).reshape(len(X), self.width)
        return total / len(self.trees_)

    def _write_state(self, folder: Path) -> None:
        states = [tree.__getstate__() for tree in self.trees_]
        arrays = {name: np.concatenate([state["nodes"][name] for state in states]) for name in _ARRAYS}
        np.savez_compressed(
            folder / "trees.npz",
            sizes=np.array([state["node_count"] for state in states]),
            depths=np.array([state["max_depth"] for state in states]),
            values=np.concatenate([state["values"] for state in states]),
            n_features=np.array(self.trees_[0].n_features),
            **arrays,
        )

    def _read_state(self, folder: Path) -> None:
        from sklearn.tree._tree import NODE_DTYPE

        with np.load(folder / "trees.npz", allow_pickle=False) as file:
            kept = dict(file)
        ends = np.cumsum(kept["sizes"])
        self.trees_ = []
        for end, size, depth in zip(ends, kept["sizes"], kept["depths"]):
            part = slice(int(end - size), int(end))
            nodes = np.zeros(int(size), dtype=NODE_DTYPE)
            for name in _ARRAYS:
                nodes[name] = kept[name][part]
            self.trees_.append(_tree(int(kept["n_features"]), nodes, kept["values"][part], int(depth)))


def _tree(n_features: int, nodes: np.ndarray, values: np.ndarray, depth: int) -> Tree:
    from sklearn.tree._tree import Tree

    tree = Tree(n_features, np.array([values.shape[2]], dtype=np.intp), 1)
    tree.__setstate__({"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": np.ascontiguousarray(values)})
    return tree


def _with_all_classes(tree: Tree, classes: np.ndarray | None, n_classes: int) -> Tree:
    # A fold may lack a class; its column is then zero.
    if classes is None or len(classes) == n_classes:
        return tree
    state = tree.__getstate__()
    values = np.zeros((tree.node_count, 1, n_classes))
    values[:, :, classes] = state["values"]
    return _tree(tree.n_features, state["nodes"], values, state["max_depth"])


class RandomForestFamily(Family):
    """Random forests and their search space."""

    name = "random_forest"
    title = "random forest"
    packages = ("scikit-learn",)
    style = "tree"
    estimator = RandomForest
    weight = 1.0
    export_s = 1.0
    # Extremely randomised trees (Geurts, Ernst, Wehenkel, *Extremely randomized trees*, Machine Learning 63, 2006): beside LightGBM
    # they are worth more than a forest on eight of 13 tables (docs/benchmarks.md).
    start_points = ({}, {"cuts": "random", "min_samples_split": 2}, {"cuts": "random", "min_samples_split": 2, "max_features": 1.0})

    def load(self) -> None:
        import sklearn.ensemble  # noqa: F401

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """Breiman's choices with the smallest node to split from ranger's probability and regression forests.

        Trees are bounded by `MAX_LEAVES` for the bundle's sake.

        References
        ----------
        Wright, Ziegler, *ranger: A Fast Implementation of Random Forests*, Journal of Statistical Software 77, 2017
        (node size 10 for probabilities, 5 for regression). Probst, Wright, Boulesteix, *Hyperparameters and Tuning
        Strategies for Random Forest*, WIREs 9, 2019 (square root of the features, a third for regression).
        """
        if task == "regression":
            return {"iterations": 200, "max_features": 0.333, "min_samples_split": 5, "min_samples_leaf": 1}
        return {"iterations": 200, "max_features": "sqrt", "min_samples_split": 10, "min_samples_leaf": 1}

    def most_leaves(self, params: Params, iterations: int, width: int) -> int:
        return MAX_LEAVES

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Features per split, leaf size and sample size: what Probst et al. find worth tuning in a forest.

        References
        ----------
        Probst, Wright, Boulesteix, *Hyperparameters and Tuning Strategies for Random Forest*, WIREs Data Mining and
        Knowledge Discovery 9, 2019.
        """
        least = min(0.9, max(0.05, 1.0 / max(1, n_features)))
        return {
            **self.default_params(task, n_rows, n_features),
            "max_features": trial.suggest_float("max_features", least, 1.0, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, int(np.clip(n_rows // 50, 2, 30)), log=True),
            "max_samples": trial.suggest_float("max_samples", 0.4, 1.0),
            "cuts": trial.suggest_categorical("cuts", ["best", "random"]),
        }

    def emit(self, graph: Graph, estimator: RandomForest, x: str) -> str:
        from switchyard.tabular.export.trees import emit_trees

        return emit_trees(graph, x, list(_trees(estimator)), "BRANCH_LEQ", estimator.width)


def _trees(estimator: RandomForest) -> Iterator[trees.Tree]:
    """The trees of a forest, their values divided by their number."""
    from switchyard.tabular.export import trees

    for tree in estimator.trees_:
        nodes = tree.__getstate__()["nodes"]
        leaf = tree.children_left < 0
        values = tree.value[leaf, 0, :] / len(estimator.trees_)
        missing_left = nodes["missing_go_to_left"] > 0
        targets = tuple(range(estimator.width))
        yield trees.Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, missing_left, leaf, values, targets)


PARTS = (RandomForestFamily(),)
