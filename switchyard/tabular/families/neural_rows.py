"""What a net learns from, as the tensors that it reads: a matrix in one part, or `Blocks` part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
"""Of a part, from anywhere in the file, so that a table in the order of its target or of time is mixed: with longer and fewer runs a net
learns the last part's few moments (accuracy .79 in place of .87 on a table in the order of its first column)."""


def numbers_of(width: int, sizes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Positions of the columns that are numbers, of `width` in all of which those of `sizes` are codes."""
    return np.setdiff1d(np.arange(width), [position for position, _ in sizes])


class Tensors:
    """Rows that are shuffled together."""

    def __init__(self, X: np.ndarray, y: np.ndarray, estimator: Estimator, weights: np.ndarray | None) -> None:
        sizes = estimator.categorical_sizes
        embedded = np.array([position for position, _ in sizes], dtype=np.int64)
        numeric = torch.from_numpy(np.clip(np.nan_to_num(X[:, numbers_of(X.shape[1], sizes)], nan=0.0), -FAR, FAR))
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


class Passes:
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
        self._y, self._estimator, self._weights = y, estimator, weights
        self._blocks = X if isinstance(X, Blocks) else None
        self._whole = None if isinstance(X, Blocks) else Tensors(X, y, estimator, weights)
        self._most = RUN * _RUNS if isinstance(X, Blocks) else len(y)

    def batches(self, size: int) -> int:
        """How many whole batches of so many rows a pass has."""
        full, rest = divmod(len(self._y), self._most)
        return max(1, full * (self._most // size) + rest // size)

    def one_pass(self, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor | None]]:
        """Batches of so many rows in random order.

        The rows that do not fill a batch sit this pass out: a batch of one has no variance to normalise by.
        """
        for part in (self._whole,) if self._whole is not None else self._parts(generator):
            batches = max(len(part) // size, int(len(part) == len(self._y)))
            for index in torch.randperm(len(part), generator=generator)[: batches * size].reshape(batches, -1):
                yield part.at(index)

    def _parts(self, generator: torch.Generator) -> Iterator[Tensors]:
        """Those of the blocks, each of runs from anywhere."""
        assert self._blocks is not None
        rows, runs, seen, progress = len(self._y), -(-len(self._y) // RUN), 0, Progress("seen", len(self._y))
        order = torch.randperm(runs, generator=generator).numpy()
        # The run that is not whole comes last, so that each pass has the same batches.
        order = np.append(order[order != runs - 1], runs - 1)
        for start in range(0, runs, _RUNS):
            bounds = [(run * RUN, min((run + 1) * RUN, rows)) for run in order[start : start + _RUNS]]
            numbers = np.concatenate([np.arange(*ends) for ends in bounds])
            features = np.concatenate([self._blocks.rows(*ends) for ends in bounds])
            yield Tensors(features, self._y[numbers], self._estimator, None if self._weights is None else self._weights[numbers])
            seen += len(numbers)
            progress.at(seen)
