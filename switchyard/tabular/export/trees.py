"""`Trees`: boosters and forests as arrays, and from there as one ONNX operator.

The operator compares and sums in double, where its float form would round LightGBM's thresholds and drift over long
sums of small leaves. Its input is the same float32 matrix the native model sees, so every comparison is the native one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from onnx import numpy_helper

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families.lightgbm import LightGBM
from switchyard.tabular.families.random_forest import RandomForest
from switchyard.tabular.families.xgboost import XGBoost

_DOUBLE = 11
"""Number of the element type in the ONNX standard."""
_DEFAULT_LEFT, _MISSING_TYPE, _MISSING_NAN = 2, 12, 8  # bits of LightGBM's decision_type


@dataclass(frozen=True)
class Tree:
    """One tree; arrays have an entry for each node, and node 0 is the root.

    Attributes
    ----------
    feature, threshold, left, right : ndarray
        Rows with `x <= threshold` (or `<`, see `Trees.mode`) go to `left`. Meaningless at leaves.
    missing_left : ndarray of bool
        Where rows with NaN go.
    leaf : ndarray of bool
    values : ndarray of shape (n_leaves, n_values)
        Of the leaves, in the order of their nodes.
    targets : tuple of int
        To which outputs the columns of `values` are added.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    values: np.ndarray
    targets: tuple[int, ...]


def emit_trees(graph: Graph, x: str, trees: list[Tree], mode: str, width: int) -> str:
    """The sum of `trees` over the float matrix `x`, as a double tensor of shape [n, width].

    Parameters
    ----------
    mode : {"BRANCH_LEQ", "BRANCH_LT"}
        How a value is compared with the threshold.
    """
    sizes = [len(tree.leaf) for tree in trees]
    leaf = np.concatenate([tree.leaf for tree in trees])
    leaves = [np.flatnonzero(tree.leaf) for tree in trees]

    def nodes(name: str) -> np.ndarray:
        return np.where(leaf, 0, np.concatenate([getattr(tree, name) for tree in trees]))

    summed = graph.node(
        "TreeEnsembleRegressor",
        graph.node("Cast", x, to=_DOUBLE),
        domain="ai.onnx.ml",
        n_targets=width,
        nodes_treeids=np.repeat(np.arange(len(trees)), sizes),
        nodes_nodeids=np.concatenate([np.arange(size) for size in sizes]),
        nodes_featureids=nodes("feature"),
        nodes_values_as_tensor=numpy_helper.from_array(nodes("threshold").astype(np.float64), "thresholds"),
        nodes_modes=np.where(leaf, "LEAF", mode),
        nodes_truenodeids=nodes("left"),
        nodes_falsenodeids=nodes("right"),
        nodes_missing_value_tracks_true=nodes("missing_left").astype(np.int64),
        target_treeids=np.concatenate([np.full(tree.values.size, number) for number, tree in enumerate(trees)]),
        target_nodeids=np.concatenate([np.repeat(found, len(tree.targets)) for found, tree in zip(leaves, trees)]),
        target_ids=np.concatenate([np.tile(tree.targets, len(tree.values)) for tree in trees]),
        target_weights_as_tensor=numpy_helper.from_array(np.concatenate([tree.values.ravel() for tree in trees]), "weights"),
    )
    return graph.node("Cast", summed, to=_DOUBLE)


def trees_of_lightgbm(estimator: LightGBM) -> Iterator[Tree]:
    """The trees of a booster's text."""
    text = estimator.booster_.model_to_string()
    blocks = text.split("\nTree=")[1:]
    for number, block in enumerate(blocks):
        lines = dict(line.split("=", 1) for line in block.split("\n\n")[0].splitlines()[1:] if "=" in line)
        target = (number % estimator.width,)
        leaf_values = _floats(lines["leaf_value"])
        inner = int(lines["num_leaves"]) - 1
        leaf = np.arange(inner + len(leaf_values)) >= inner
        if not inner:
            none = np.zeros(1, dtype=np.int64)
            yield Tree(none, none, none, none, none, leaf, leaf_values[:, None], target)
            continue
        decision = _ints(lines["decision_type"])
        threshold = _floats(lines["threshold"])
        # Where training saw no gap in a column, LightGBM takes NaN for zero.
        as_nan = (decision & _MISSING_TYPE) == _MISSING_NAN
        missing_left = np.where(as_nan, decision & _DEFAULT_LEFT > 0, threshold >= 0.0)
        children = [_ints(lines[name]) for name in ("left_child", "right_child")]
        left, right = (np.where(child < 0, inner + ~child, child) for child in children)
        arrays = (_ints(lines["split_feature"]), threshold, left, right, missing_left)
        padded = (np.append(array, np.zeros(len(leaf_values), dtype=array.dtype)) for array in arrays)
        yield Tree(*padded, leaf, leaf_values[:, None], target)


def trees_of_xgboost(estimator: XGBoost) -> Iterator[Tree]:
    """The trees of a booster's JSON, whose numbers are float32."""
    kept = json.loads(estimator.booster_.save_raw("json"))["learner"]["gradient_booster"]["model"]
    for tree, target in zip(kept["trees"], kept["tree_info"]):
        left = np.array(tree["left_children"], dtype=np.int64)
        leaf = left < 0
        conditions = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
        yield Tree(
            np.array(tree["split_indices"], dtype=np.int64),
            conditions,
            left,
            np.array(tree["right_children"], dtype=np.int64),
            np.array(tree["default_left"], dtype=bool),
            leaf,
            conditions[leaf][:, None],
            (int(target),),
        )


def trees_of_forest(estimator: RandomForest) -> Iterator[Tree]:
    """The trees of a forest, their values divided by their number."""
    for tree in estimator.trees_:
        nodes = tree.__getstate__()["nodes"]
        leaf = tree.children_left < 0
        values = tree.value[leaf, 0, :] / len(estimator.trees_)
        missing_left = nodes["missing_go_to_left"] > 0
        targets = tuple(range(estimator.width))
        yield Tree(tree.feature, tree.threshold, tree.children_left, tree.children_right, missing_left, leaf, values, targets)


def _floats(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


def _ints(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.int64)
