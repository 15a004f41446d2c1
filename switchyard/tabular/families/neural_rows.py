"""What a net learns from, as the tensors that it reads: a matrix as one pool of rows, or `Blocks` pool by pool."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from switchyard.tabular.families.base import Estimator
from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.network import FAR, SOFT_CLIP, codes_of
from switchyard.tabular.tables.progress import Progress

RUN = 64
"""Neighbouring rows of a file that are read together."""
_RUNS = 1024
"""Of a pool, from anywhere in the file, so that a table in the order of its target or of time is mixed: with longer and fewer runs a net
learns the last pool's few moments (accuracy .79 in place of .87 on a table in the order of its first column)."""


class Pool:
    """Rows that are shuffled together."""

    def __init__(self, X: np.ndarray, y: np.ndarray, estimator: Estimator, weights: np.ndarray | None) -> None:
        sizes = estimator.categorical_sizes
        embedded = np.array([position for position, _ in sizes], dtype=np.int64)
        self.positions = np.setdiff1d(np.arange(X.shape[1]), embedded)
        numeric = torch.from_numpy(np.clip(np.nan_to_num(X[:, self.positions], nan=0.0), -FAR, FAR))
        self.numeric = numeric / torch.sqrt(1.0 + torch.square(numeric / SOFT_CLIP))
        self.codes = torch.from_numpy(codes_of(X[:, embedded], np.array([size for _, size in sizes], dtype=np.int64)))
        coded = estimator.n_classes > 0 and estimator.task != "binary"
        self.y = torch.from_numpy(y.astype(np.int64 if coded else np.float32))
        self.weights = None if weights is None else torch.from_numpy(weights.astype(np.float32))

    def __len__(self) -> int:
        return len(self.y)

    def at(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Numbers, codes, target and weights of some rows."""
        return self.numeric[index], self.codes[index], self.y[index], None if self.weights is None else self.weights[index]


class Pools:
    """All rows, for one pass after the other.

    Parameters
    ----------
    X : ndarray of shape (n, m) or Blocks
    y : ndarray of shape (n,)
    estimator : Estimator
        Its task and columns.
    weights : ndarray of shape (n,), optional
    """

    def __init__(self, X: np.ndarray | Blocks, y: np.ndarray, estimator: Estimator, weights: np.ndarray | None) -> None:
        self._X, self._y, self._estimator, self._weights = X, y, estimator, weights
        self._whole = None if isinstance(X, Blocks) else Pool(X, y, estimator, weights)
        self._runs = -(-len(X) // RUN)

    def batches(self, size: int) -> int:
        """How many whole batches of so many rows a pass has."""
        if self._whole is not None:
            return max(1, len(self._whole) // size)
        full, rest = divmod(len(self._X), RUN * _RUNS)
        return max(1, full * (RUN * _RUNS // size) + rest // size)

    def one_pass(self, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
        """Batches of so many rows in random order.

        The rows that do not fill a batch sit this pass out: a batch of one has no variance to normalise by.
        """
        for pool in self._shuffled(generator):
            batches = max(1, len(pool) // size) if self._whole is not None else len(pool) // size
            for index in torch.randperm(len(pool), generator=generator)[: batches * size].reshape(batches, -1):
                yield pool.at(index)

    def _shuffled(self, generator: torch.Generator) -> Iterator[Pool]:
        if isinstance(self._X, np.ndarray):
            assert self._whole is not None
            yield self._whole
            return
        order, seen, progress = torch.randperm(self._runs, generator=generator).numpy(), 0, Progress("seen", len(self._X))
        # The run that is not whole comes last, so that each pass has the same batches.
        order = np.append(order[order != self._runs - 1], self._runs - 1)
        for start in range(0, self._runs, _RUNS):
            numbers = np.concatenate([np.arange(run * RUN, min((run + 1) * RUN, len(self._X))) for run in order[start : start + _RUNS]])
            rows = np.concatenate([self._X.rows(run * RUN, (run + 1) * RUN) for run in order[start : start + _RUNS]])
            yield Pool(rows, self._y[numbers], self._estimator, None if self._weights is None else self._weights[numbers])
            seen += len(numbers)
            progress.at(seen)
