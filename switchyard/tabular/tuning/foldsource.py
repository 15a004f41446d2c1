"""`FoldSource`: the folds of a split, prepared once for all families of one style."""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.features.plan import FeaturePlan, training_rows
from switchyard.tabular.tables.folds import Folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tables.weights import weights_of


@dataclass(frozen=True)
class FoldData:
    """One fold as estimators see it: float32 features and encoded targets."""

    train: np.ndarray
    train_target: np.ndarray
    valid: np.ndarray
    valid_target: np.ndarray
    categorical_sizes: tuple[tuple[int, int], ...]
    train_weights: np.ndarray | None = None
    valid_weights: np.ndarray | None = None

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self.train, self.train_target, self.valid, self.valid_target))


class _Shelf:
    """Prepared folds of this process, least recently used out first, so that families of one style prepare once."""

    def __init__(self, limit: int):
        self._limit = limit
        self._items: OrderedDict[tuple, FoldData] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple) -> FoldData | None:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: tuple, item: FoldData) -> None:
        with self._lock:
            self._items[key] = item
            while len(self._items) > 1 and sum(kept.nbytes for kept in self._items.values()) > self._limit:
                self._items.popitem(last=False)


def _eighth_of_memory() -> int:
    return int(min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8, 2 * 2**30))


_SHELF = _Shelf(_eighth_of_memory())


class FoldSource:
    """The folds of a split, preprocessed inside each fold for a style and the tuner's choices.

    Parameters
    ----------
    split, plan, problem, folds
        What to prepare, how, and where to cut.
    target : ndarray of shape (n_train,)
        Class codes, or floats.
    scope : str
        Names this data and plan; prepared folds are shared in the process under it.
    """

    def __init__(self, split: Split, plan: FeaturePlan, problem: Problem, folds: Folds, target: np.ndarray, scope: str):
        self.folds = folds
        self.target = target
        self._split = split
        self._plan = plan
        self._scope = scope
        self._features = model_frame(split.train, plan.used)
        self.weights = weights_of(split.train, split.schema)

    def get(self, style: str, choices: Mapping[str, str], fold: int) -> FoldData:
        """Fold number `fold`, prepared now or before."""
        key = (self._scope, style, json.dumps(choices, sort_keys=True), fold)
        data = _SHELF.get(key)
        if data is None:
            data = self._prepare(style, choices, fold)
            _SHELF.put(key, data)
        return data

    def _prepare(self, style: str, choices: Mapping[str, str], fold: int) -> FoldData:
        # What prepares is scikit-learn's; who only draws up a run need not load it.
        from switchyard.tabular.features.preprocess import build_preprocessor

        train, valid = self.folds[fold]
        # Rows that only training may lose (outliers) go before anything is fitted; positions are what is left.
        kept = training_rows(self._split.train.iloc[train], self._plan, self._split.schema)
        rows = model_frame(kept, self._plan.used)
        fitted_rows = kept.index.to_numpy()
        target = self.target[fitted_rows]
        preprocessor = build_preprocessor(self._plan, style, dict(choices))
        fitted = preprocessor.fit_transform(rows, target)
        unseen = preprocessor.transform(self._features.iloc[valid])
        return FoldData(
            np.asarray(fitted, dtype="float32"),
            target,
            np.asarray(unseen, dtype="float32"),
            self.target[valid],
            tuple(tuple(pair) for pair in preprocessor.categorical_sizes_),
            None if self.weights is None else self.weights[fitted_rows],
            None if self.weights is None else self.weights[valid],
        )
