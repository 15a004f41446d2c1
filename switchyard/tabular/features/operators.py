"""`apply`: the ONNX operators that preprocessing is made of, computed by numpy.

A transformer says what it computes once, as a function of an operator: `compute(op, x)`. With `apply` as `op` it runs
on arrays; with a graph's `node` it writes itself into the graph. So the trained and the served features cannot differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array, issparse

from switchyard.tabular.features.terms import present_terms, split_words

FLOAT, INT64, DOUBLE = 1, 7, 11
"""Numbers of the element types in the ONNX standard, for `Cast`."""

Operator = Callable[..., Any]
"""`op(name, *inputs, **attributes)`; inputs are arrays (or tensors of a graph), numbers and constant arrays."""


def _divide(left: Any, right: Any) -> Any:
    # ONNX divides integers by truncating; here they are never negative, where that is the floor.
    return left // right if np.result_type(left, right).kind == "i" else np.divide(left, right)


def _cast(values: Any, to: int) -> np.ndarray:
    return (values if issparse(values) else np.asarray(values)).astype({FLOAT: "float32", INT64: "int64", DOUBLE: "float64"}[to])


def _gather(values: np.ndarray, indices: np.ndarray, axis: int = 0) -> np.ndarray:
    return np.take(values, indices, axis=axis)


def _concat(*parts: np.ndarray, axis: int) -> np.ndarray:
    return np.concatenate(parts, axis=axis)


def _label_encoder(strings: np.ndarray, domain: str, keys_strings: list[str], values_int64s: list[int], default_int64: int) -> np.ndarray:
    found = pd.Index(keys_strings, dtype=object).get_indexer(strings.ravel())
    codes = np.append(np.asarray(values_int64s, dtype="int64"), default_int64)
    return codes[found].reshape(strings.shape)


def _tree_ensemble_regressor(rows: np.ndarray, domain: str, n_targets: int, **nodes: list[Any]) -> np.ndarray:
    # Every tree starts at its root; all rows walk all trees in step until each is at a leaf.
    roots = np.flatnonzero(np.asarray(nodes["nodes_nodeids"]) == 0)
    base = roots[np.asarray(nodes["nodes_treeids"])]
    yes, no = base + nodes["nodes_truenodeids"], base + nodes["nodes_falsenodeids"]
    feature, threshold = np.asarray(nodes["nodes_featureids"]), np.asarray(nodes["nodes_values"], dtype="float32")
    leaf = np.asarray(nodes["nodes_modes"]) == "LEAF"
    weight = np.zeros(len(leaf))
    weight[roots[np.asarray(nodes["target_treeids"])] + nodes["target_nodeids"]] = nodes["target_weights"]
    yes[leaf] = no[leaf] = np.flatnonzero(leaf)
    total = np.zeros((len(rows), n_targets), dtype="float32")
    numbers = np.arange(len(rows))
    for root in roots:
        at = np.full(len(rows), root)
        while not leaf[at].all():
            at = np.where(rows[numbers, feature[at]] <= threshold[at], yes[at], no[at])
        total[:, 0] += weight[at]
    return total


def _string_split(texts: np.ndarray, outputs: int, delimiter: str) -> tuple[pa.ListArray, np.ndarray]:
    words = split_words(texts)
    return words, pc.list_value_length(words).to_numpy().astype("int64")


def _tf_idf_vectorizer(words: pa.ListArray, ngram_counts: list[int], pool_strings: list[str], **rest: Any) -> csr_array:
    # Words first, then pairs; of mode IDF with weights of one, which says of each term whether it is there.
    single, paired = pool_strings[: ngram_counts[1]], pool_strings[ngram_counts[1] :]
    return present_terms(words, [*zip(single), *zip(paired[::2], paired[1::2], strict=True)])


_NUMPY: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Add": np.add,
    "And": np.logical_and,
    "Cast": _cast,
    "Clip": np.clip,
    "Concat": _concat,
    "Div": _divide,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Gather": _gather,
    "Greater": np.greater,
    "IsInf": np.isinf,
    "IsNaN": np.isnan,
    "LabelEncoder": _label_encoder,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Log": np.log,
    "MatMul": lambda left, right: left @ right,
    "Max": lambda *values: reduce(np.maximum, values),
    "Min": lambda *values: reduce(np.minimum, values),
    "Mod": np.mod,
    "Mul": np.multiply,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Or": np.logical_or,
    "Pow": np.power,
    "Reshape": np.reshape,
    "Round": np.rint,
    "Sqrt": np.sqrt,
    "StringSplit": _string_split,
    "Sub": np.subtract,
    "TfIdfVectorizer": _tf_idf_vectorizer,
    "TreeEnsembleRegressor": _tree_ensemble_regressor,
    "Where": np.where,
}


def apply(name: str, *inputs: Any, **attributes: Any) -> Any:
    """What the ONNX operator `name` computes of `inputs`.

    Undefined results (log of a negative number, 0/0) are NaN and overflows infinite, without warnings, as in ONNX.
    """
    with np.errstate(all="ignore"):
        return _NUMPY[name](*inputs, **attributes)
