"""Categories as numbers: `CategoryCodes` and `Ordinal` give every value its code, `OneHot` its own column.

`TargetMeans` is scikit-learn's target encoder on the codes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import TargetEncoder

from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.operators import DOUBLE, Operator
from switchyard.tabular.tables.schema import MISSING

ONEHOT_UP_TO = 8
"""Trees: categories up to which "auto" is one-hot; more are target-encoded."""
TARGET_CLASSES = 10
"""Target encoding makes a column per class; with more classes than this, "auto" takes ordinal codes."""
_SHARED_TABLE = 1 << 17
"""Cells up to which the columns of a block share one dictionary; beyond it, each has its own."""

_FOLDS = 5


class CategoryCodes(Computed):
    """Strings to codes 0..n-1 of the categories seen in training; every other value gets the code n.

    Parameters
    ----------
    missing : {"own_category", "most_frequent"}
        What a missing value is: a category like any other, or the most frequent one.
    order : {"frequency", "lexicographic"}
        The most frequent category is 0 (equals by name), or the first by name.
    max_categories : int or None
        The rarer categories beyond this number count as unseen.
    min_count : int
        Categories in fewer training rows count as unseen, so that the code of the unseen is itself learnt.

    Attributes
    ----------
    categories_ : list of list of str
        The categories of each column, by code.
    sizes_ : list of int
        Number of codes of each column, the one of unseen values included.
    """

    def __init__(
        self,
        missing: str = "own_category",
        order: Literal["frequency", "lexicographic"] = "frequency",
        max_categories: int | None = None,
        min_count: int = 1,
    ) -> None:
        self.missing = missing
        self.order = order
        self.max_categories = max_categories
        self.min_count = min_count

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.categories_, self._mode = [], []
        for column in X.T:
            counts = Counter(column.tolist())
            if self.missing == "most_frequent" and len(counts) > 1:
                counts.pop(MISSING, None)
            ranked = sorted(counts, key=lambda value: (-counts[value], value))
            kept = [value for value in ranked if counts[value] >= self.min_count][: self.max_categories] or ranked[:1]
            self._mode.append(kept[0])
            self.categories_.append(sorted(kept) if self.order == "lexicographic" else kept)
        self.sizes_ = [len(categories) + 1 for categories in self.categories_]

    def compute(self, op: Operator, x: Any) -> Any:
        codes = [self._code_of(position) for position in range(len(self.categories_))]
        union = sorted(set().union(*codes))
        if len(codes) > 1 and len(codes) * len(union) <= _SHARED_TABLE:
            return self._by_shared_dictionary(op, x, codes, union)
        parts = []
        for position, code in enumerate(codes):
            column = op("Gather", x, np.array([position]), axis=1) if len(codes) > 1 else x
            parts.append(_look_up(op, column, list(code), list(code.values()), len(self.categories_[position])))
        return op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def __getstate__(self) -> dict[str, Any]:
        # One string: a file format that keeps lists item by item takes seconds for thousands of categories.
        state = super().__getstate__()
        return {**state, "categories_": json.dumps(state["categories_"])} if "categories_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "categories_" in state:
            state = {**state, "categories_": json.loads(state["categories_"])}
        super().__setstate__(state)

    def _code_of(self, position: int) -> dict[str, int]:
        code = {value: number for number, value in enumerate(self.categories_[position])}
        if self.missing == "most_frequent":
            code.setdefault(MISSING, code[self._mode[position]])
        return code

    def _by_shared_dictionary(self, op: Operator, x: Any, codes: list[dict[str, int]], union: list[str]) -> Any:
        # One look-up for the whole block, then a table of each column's own code for every value of any column.
        unseen = [len(categories) for categories in self.categories_]
        table = np.array([[*(code.get(value, unseen[i]) for value in union), unseen[i]] for i, code in enumerate(codes)])
        found = _look_up(op, x, union, list(range(len(union))), len(union))
        offsets = np.arange(len(codes)) * (len(union) + 1)
        return op("Gather", table.ravel(), op("Add", found, offsets))


def _look_up(op: Operator, strings: Any, keys: list[str], codes: list[int], default: int) -> Any:
    return op("LabelEncoder", strings, domain="ai.onnx.ml", keys_strings=keys, values_int64s=codes, default_int64=default)


class Ordinal(CategoryCodes):
    """The codes as float64, a feature of their own."""

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Cast", super().compute(op, x), to=DOUBLE)


class OneHot(CategoryCodes):
    """Strings to columns of 0 and 1, one per category; a value unseen in training is 0 in all of them."""

    def compute(self, op: Operator, x: Any) -> Any:
        codes = super().compute(op, x)
        source = np.repeat(np.arange(len(self.categories_)), [len(categories) for categories in self.categories_])
        code = np.concatenate([np.arange(len(categories)) for categories in self.categories_])
        return op("Cast", op("Equal", op("Gather", codes, source, axis=1), code), to=DOUBLE)

    def get_feature_names_out(self, input_features: Sequence[str]) -> np.ndarray:
        pairs = zip(input_features, self.categories_, strict=True)
        return np.array([f"{name}={value}" for name, categories in pairs for value in categories], dtype=object)


def folds_for(y: np.ndarray, classification: bool, seed: int) -> KFold | StratifiedKFold:
    """What cross-fits a feature: five folds, or as many as there are rows for, stratified where every class has five."""
    counts = np.unique(y, return_counts=True)[1]
    folds = StratifiedKFold if classification and counts.min() >= _FOLDS else KFold
    return folds(min(_FOLDS, len(y)), shuffle=True, random_state=seed)


class TargetMeans(TargetEncoder):
    """Codes to the smoothed mean of the target (of each class, beyond two), one category at a time.

    `fit_transform` cross-fits: each training row is encoded by means of other rows, in five folds or as many as there
    are rows for, stratified where every class has five. `fit(...).transform(...)` of the same rows would show each row
    its own target.

    Parameters
    ----------
    classification : bool
        Whether the target is class codes.
    seed : int
        Shuffles the folds.
    """

    def __init__(self, classification: bool, seed: int = 0) -> None:
        super().__init__()
        self.classification = classification
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> TargetMeans:
        self._settle(y)
        return super().fit(X, y)

    def fit_transform(self, X: np.ndarray, y: np.ndarray, **params: Any) -> np.ndarray:
        self._settle(y)
        return super().fit_transform(X, y, **params)

    def get_feature_names_out(self, input_features: Sequence[str]) -> np.ndarray:
        if self.target_type_ != "multiclass":
            return np.array([f"{name} (target mean)" for name in input_features], dtype=object)
        return np.array([f"{name} (share of class {code})" for name in input_features for code in self.classes_], dtype=object)

    def _settle(self, y: np.ndarray) -> None:
        # A fold may hold two classes of three; scikit-learn's multiclass encoding cannot have fewer than three.
        self.target_type = "continuous" if not self.classification else "multiclass" if len(np.unique(y)) > 2 else "binary"
        self.cv = folds_for(y, self.classification, self.seed)
