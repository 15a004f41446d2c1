"""`emit_trees`: boosters and forests, given as arrays, as one ONNX operator.

The operator compares and sums in double, where its float form would round thresholds that are doubles and drift over long
sums of small leaves. Its input is the same float32 matrix the native model sees, so every comparison is the native one. It is the
one of before version 5 of ai.onnx.ml, and the one since where a tree asks whether a category is in a set (`ensembles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import numpy_helper

from switchyard.tabular.export.ensembles import BEFORE, MEMBER, SINCE, as_ensemble
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
    sets : mapping of int to ndarray
        Of nodes that compare nothing: rows whose value is among these go to `left`, others and NaN to `right`.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    leaf: np.ndarray
    values: np.ndarray
    targets: tuple[int, ...]
    sets: Mapping[int, np.ndarray] = field(default_factory=dict)


def emit_trees(graph: Graph, x: str, trees: list[Tree], mode: str, width: int) -> str:
    """The sum of `trees` over the float matrix `x`, as a double tensor of shape [n, width].

    Parameters
    ----------
    mode : {"BRANCH_LEQ", "BRANCH_LT"}
        How a value is compared with the threshold.
    """
    x = graph.node("Cast", x, to=_DOUBLE)
    starts = np.cumsum([0, *(len(tree.leaf) for tree in trees[:-1])])
    sets = {int(start + node): members for start, tree in zip(starts, trees) for node, members in sorted(tree.sets.items())}
    attributes = _attributes(trees, mode, width, list(sets))
    if sets:
        summed = graph.node(SINCE, x, domain="ai.onnx.ml", **as_ensemble(attributes, list(sets.values())))
    else:
        summed = graph.node(BEFORE, x, domain="ai.onnx.ml", **attributes)
    return graph.node("Cast", summed, to=_DOUBLE)


def _attributes(trees: list[Tree], mode: str, width: int, asking: list[int]) -> dict[str, Any]:
    """In the form of before version 5, but that the nodes `asking`, counted over all trees, have the mode of those since."""
    sizes = [len(tree.leaf) for tree in trees]
    leaf = np.concatenate([tree.leaf for tree in trees])
    leaves = [np.flatnonzero(tree.leaf) for tree in trees]

    def nodes(name: str) -> np.ndarray:
        return np.where(leaf, 0, np.concatenate([getattr(tree, name) for tree in trees]))

    modes = np.where(leaf, "LEAF", mode).astype(object)
    modes[asking] = MEMBER
    return {
        "n_targets": width,
        "nodes_treeids": np.repeat(np.arange(len(trees)), sizes),
        "nodes_nodeids": np.concatenate([np.arange(size) for size in sizes]),
        "nodes_featureids": nodes("feature"),
        "nodes_values_as_tensor": numpy_helper.from_array(nodes("threshold").astype(np.float64), "thresholds"),
        "nodes_modes": modes,
        "nodes_truenodeids": nodes("left"),
        "nodes_falsenodeids": nodes("right"),
        "nodes_missing_value_tracks_true": nodes("missing_left").astype(np.int64),
        "target_treeids": np.concatenate([np.full(tree.values.size, number) for number, tree in enumerate(trees)]),
        "target_nodeids": np.concatenate([np.repeat(found, len(tree.targets)) for found, tree in zip(leaves, trees)]),
        "target_ids": np.concatenate([np.tile(tree.targets, len(tree.values)) for tree in trees]),
        "target_weights_as_tensor": numpy_helper.from_array(np.concatenate([tree.values.ravel() for tree in trees]), "weights"),
    }
