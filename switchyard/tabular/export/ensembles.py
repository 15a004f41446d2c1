"""`as_ensemble`: trees as ai.onnx.ml had them before version 5, in the form that it has had since.

Only the later form can ask whether a value is in a set, and a graph that has one node of it can have none of the earlier, which ONNX
withdrew in the same version. The earlier form is what all other graphs keep: a leaf of it adds to several outputs at once, as
those of a forest over classes do, where the later one needs the tree once for each output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto, helper, numpy_helper

BEFORE, SINCE = "TreeEnsembleRegressor", "TreeEnsemble"
MEMBER = "BRANCH_MEMBER"
_MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", MEMBER)
"""In the order of the standard's numbers."""
_SUM = 1


def as_ensemble(trees: Mapping[str, Any], sets: Sequence[np.ndarray] = ()) -> dict[str, Any]:
    """The attributes of a `TreeEnsemble` that answers as a `TreeEnsembleRegressor` with the attributes `trees` does.

    Parameters
    ----------
    trees : mapping
        Nodes of a tree stand together, by number from 0, the root; leaves are added up. Thresholds and weights may be tensors of
        double, and are then double in the answer too, else they are float.
    sets : sequence of ndarray
        What the nodes with the mode BRANCH_MEMBER ask for, in their order.
    """
    copies = _Copies.of(trees)
    asks, modes = copies.node[copies.asks], np.asarray(trees["nodes_modes"])
    splits = _numbers(trees, "nodes_values")
    missing = trees.get("nodes_missing_value_tracks_true")
    true, true_leaf = copies.children(trees["nodes_truenodeids"])
    false, false_leaf = copies.children(trees["nodes_falsenodeids"])
    attributes = {
        "aggregate_function": _SUM,
        "n_targets": int(trees["n_targets"]),
        "tree_roots": copies.asking_place[copies.first],
        "nodes_featureids": np.asarray(trees["nodes_featureids"])[asks],
        "nodes_splits": numpy_helper.from_array(splits[asks], "splits"),
        "nodes_modes": numpy_helper.from_array(_numbers_of_modes(modes[asks]), "modes"),
        "nodes_truenodeids": true,
        "nodes_trueleafs": true_leaf,
        "nodes_falsenodeids": false,
        "nodes_falseleafs": false_leaf,
        "nodes_missing_value_tracks_true": np.zeros(len(asks), dtype=np.int64) if missing is None else np.asarray(missing)[asks],
        "leaf_targetids": copies.output[copies.leaf],
        "leaf_weights": numpy_helper.from_array(copies.weight[copies.leaf], "weights"),
    }
    if len(sets):
        number = np.cumsum(modes == MEMBER) - 1
        ended = [np.append(sets[number[node]], np.nan) for node in asks[modes[asks] == MEMBER]]
        attributes["membership_values"] = numpy_helper.from_array(np.concatenate(ended).astype(splits.dtype), "members")
    return attributes


def in_later_form(node: NodeProto) -> NodeProto:
    """`node`, as a `TreeEnsemble` where it is a `TreeEnsembleRegressor`."""
    if node.op_type != BEFORE:
        return node
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    given["nodes_modes"] = [mode.decode() for mode in given["nodes_modes"]]
    plain = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in as_ensemble(given).items()}
    later = helper.make_node(SINCE, list(node.input), list(node.output), domain=node.domain, **plain)
    later.attribute.sort(key=lambda attribute: attribute.name)
    return later


@dataclass(frozen=True)
class _Copies:
    """Each tree once for each output that it adds to; arrays have an entry for each node of each copy, but for `first`.

    Attributes
    ----------
    node : ndarray of int
        Which of the nodes of before it is.
    root : ndarray of int
        Where its copy begins.
    leaf, asks : ndarray of bool
        A tree of one leaf has it as both: it asks for anything, and leads to itself.
    output, weight : ndarray
        What a leaf adds to which output.
    first : ndarray of int, of shape (n_copies,)
        Where each copy begins.
    """

    node: np.ndarray
    root: np.ndarray
    leaf: np.ndarray
    asks: np.ndarray
    output: np.ndarray
    weight: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, trees: Mapping[str, Any]) -> _Copies:
        leaf = np.asarray(trees["nodes_modes"]) == "LEAF"
        roots = np.flatnonzero(np.asarray(trees["nodes_nodeids"]) == 0)
        weights = _numbers(trees, "target_weights")
        pairs = np.column_stack([trees["target_treeids"], trees["target_ids"]])
        copies, copy_of = np.unique(pairs, axis=0, return_inverse=True)
        tree = np.searchsorted(np.asarray(trees["nodes_treeids"])[roots], copies[:, 0])
        size = np.diff(roots, append=len(leaf))[tree]
        first = np.cumsum(size) - size
        node = np.repeat(roots[tree] - first, size) + np.arange(size.sum())
        weight = np.zeros(len(node), dtype=weights.dtype)
        weight[first[copy_of.ravel()] + np.asarray(trees["target_nodeids"])] = weights
        asks = ~leaf[node]
        asks[first] = True
        return cls(node, np.repeat(first, size), leaf[node], asks, np.repeat(copies[:, 1], size), weight, first)

    @property
    def asking_place(self) -> np.ndarray:
        """Of each node among those that ask."""
        return np.cumsum(self.asks) - 1

    def children(self, ids: Any) -> tuple[np.ndarray, np.ndarray]:
        """Of the nodes that ask, where a branch leads: the place among the leaves, or among those that ask, and whether it is a leaf."""
        child = self.root[self.asks] + np.where(self.leaf, 0, np.asarray(ids)[self.node])[self.asks]
        leaf = self.leaf[child]
        return np.where(leaf, np.cumsum(self.leaf)[child] - 1, self.asking_place[child]), leaf.astype(np.int64)


def _numbers(trees: Mapping[str, Any], name: str) -> np.ndarray:
    tensor = trees.get(f"{name}_as_tensor")
    return np.asarray(trees[name], dtype=np.float32) if tensor is None else numpy_helper.to_array(tensor)


def _numbers_of_modes(modes: np.ndarray) -> np.ndarray:
    # A leaf that asks has the number of any comparison.
    numbers = {mode: number for number, mode in enumerate(_MODES)}
    return np.array([numbers.get(mode, 0) for mode in modes], dtype=np.uint8)
