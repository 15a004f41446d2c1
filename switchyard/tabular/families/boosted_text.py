"""`trees_of`: the trees of boosting whose models are kept as text, a block of `name=values` lines for each tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from switchyard.tabular.export.trees import Tree

_CATEGORICAL, _DEFAULT_LEFT, _MISSING_TYPE, _MISSING_NAN = 1, 2, 12, 8  # bits of decision_type


def trees_of(text: str, width: int) -> Iterator[Tree]:
    """The trees of a booster with `width` outputs."""
    from switchyard.tabular.export.trees import Tree

    blocks = text.split("\nTree=")[1:]
    for number, block in enumerate(blocks):
        lines = dict(line.split("=", 1) for line in block.split("\n\n")[0].splitlines()[1:] if "=" in line)
        target = (number % width,)
        leaf_values = _floats(lines["leaf_value"])
        inner = int(lines["num_leaves"]) - 1
        leaf = np.arange(inner + len(leaf_values)) >= inner
        if not inner:
            none = np.zeros(1, dtype=np.int64)
            yield Tree(none, none, none, none, none, leaf, leaf_values[:, None], target)
            continue
        decision = _ints(lines["decision_type"])
        threshold = _floats(lines["threshold"])
        # Where training saw no gap in a column, NaN is taken for zero.
        as_nan = (decision & _MISSING_TYPE) == _MISSING_NAN
        missing_left = np.where(as_nan, decision & _DEFAULT_LEFT > 0, threshold >= 0.0)
        sets = _sets(lines, decision, threshold)
        missing_left[list(sets)] = False
        children = [_ints(lines[name]) for name in ("left_child", "right_child")]
        left, right = (np.where(child < 0, inner + ~child, child) for child in children)
        arrays = (_ints(lines["split_feature"]), threshold, left, right, missing_left)
        padded = (np.append(array, np.zeros(len(leaf_values), dtype=array.dtype)) for array in arrays)
        yield Tree(*padded, leaf, leaf_values[:, None], target, sets)


def _sets(lines: Mapping[str, str], decision: np.ndarray, threshold: np.ndarray) -> dict[int, np.ndarray]:
    """The codes that go left, of each node that splits categories; its threshold is the number of its set, which is kept as bits."""
    asking = np.flatnonzero(decision & _CATEGORICAL)
    if not len(asking):
        return {}
    words, bounds = _ints(lines["cat_threshold"]).astype("<u4"), _ints(lines["cat_boundaries"])
    sets = threshold[asking].astype(np.int64)
    bits = (words[bounds[number] : bounds[number + 1]] for number in sets)
    return {int(node): np.flatnonzero(np.unpackbits(found.view(np.uint8), bitorder="little")) for node, found in zip(asking, bits)}


def _floats(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.float64)


def _ints(text: str) -> np.ndarray:
    return np.array(text.split(), dtype=np.int64)
