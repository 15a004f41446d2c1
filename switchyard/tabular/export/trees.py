"""`emit_trees`: boosters and forests, given as arrays, as one ONNX operator.

The operator compares and sums in double, where its float form would round thresholds that are doubles and drift over long
sums of small leaves. Its input is the same float32 matrix the native model sees, so every comparison is the native one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import numpy_helper

from switchyard.tabular.export.graph import Graph

_DOUBLE = 11
"""Number of the element type in the ONNX standard."""


@dataclass(frozen=True)
class Tree:
    """One tree; arrays have an entry for each node, and node 0 is the root.

    Attributes
    ----------
    feature, threshold, left, right : ndarray
        Rows with `x <= threshold` (or `<`, see `emit_trees`) go to `left`. Meaningless at leaves.
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
