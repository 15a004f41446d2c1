"""The four forms that a model has once it is fitted: from histories to a score for each item, here and in the ONNX graph.

Whatever a family learnt, what is kept of it is one of these, and everything that is scored, compared and tuned is scored by
them. So the numbers of a report are of what is served. None knows a user: a history comes with the request.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from switchyard.bundle.traits import Traits
from switchyard.tabular.recommendation.graph import STEPS, TINY, Asked
from switchyard.tabular.recommendation.histories import Histories

_BLOCK = 256
MOST_LIFT = 20.0
"""A logarithm, up and down."""


class Form(ABC):
    """A fitted model without its family."""

    kind: ClassVar[str]
    n_items: int

    @abstractmethod
    def score(self, histories: Histories) -> np.ndarray:
        """Scores of all items, float32 of shape (n, n_items); only their order within a row means something."""

    @abstractmethod
    def emit(self, asked: Asked) -> str:
        """The same as a tensor of the graph, float of shape [n, n_items]."""

    def emit_reasons(self, asked: Asked, top: str) -> str | None:
        """What each item of the history adds to the score of each answer `top`, float [n, history, k]; None where nothing can be said."""
        return None

    @property
    def megabytes(self) -> float:
        """Size of the numbers that it holds, in 10^6 bytes."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray)) / 1e6


@dataclass(frozen=True, eq=False)
class Constant(Form):
    """The same scores for everybody, shape (n_items,)."""

    kind: ClassVar[str] = "constant"
    scores: np.ndarray

    @property
    def n_items(self) -> int:  # type: ignore[override]
        return len(self.scores)

    def score(self, histories: Histories) -> np.ndarray:
        return np.repeat(self.scores[None, :], len(histories), axis=0)

    def emit(self, asked: Asked) -> str:
        return asked.graph.node("Add", asked.zeros(self.n_items), asked.graph.constant(self.scores[None, :]))


@dataclass(frozen=True, eq=False)
class Segments(Form):
    """How often everybody takes an item, times how much more those take it who are described as the user is; no history needed.

    Attributes
    ----------
    base : ndarray of float32, shape (n_items,)
        Share of everybody's, above zero.
    lift : ndarray of float32, shape (n_words, n_items)
        Logarithms, added over the words of a user.
    names : tuple of str
        The words.
    traits : Traits
        How attributes become words.
    """

    kind: ClassVar[str] = "segments"
    base: np.ndarray
    lift: np.ndarray
    names: tuple[str, ...]
    traits: Traits

    @property
    def n_items(self) -> int:  # type: ignore[override]
        return len(self.base)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def codes(self, attributes: Mapping[str, Any]) -> list[int]:
        """Places among `names` of the words that attributes have."""
        return [self._places[word] for word in self.traits.words(attributes)[0] if word in self._places]

    def marks(self, histories: Histories) -> np.ndarray:
        """float32 of shape (n, n_words): 1 for each word that describes the user."""
        marks = np.zeros((len(histories), len(self.names)), dtype=np.float32)
        for row, attributes in enumerate(histories.who):
            marks[row, self.codes(attributes)] = 1
        return marks

    def score(self, histories: Histories) -> np.ndarray:
        return self.base * np.exp(np.clip(self.marks(histories) @ self.lift, -MOST_LIFT, MOST_LIFT))

    def emit(self, asked: Asked) -> str:
        graph = asked.graph
        added = graph.node("MatMul", asked.described(len(self.names)), graph.constant(self.lift))
        lifted = graph.node("Exp", graph.node("Clip", added, asked.f(-MOST_LIFT), asked.f(MOST_LIFT)))
        return graph.node("Mul", lifted, graph.constant(self.base[None, :]))


@dataclass(frozen=True, eq=False)
class Neighbours(Form):
    """What each item of a history says of the items most like it: of each item m neighbours.

    Attributes
    ----------
    places : ndarray of int32, shape (n_items, m)
        `n_items` where there are fewer.
    weights : ndarray of float32, shape (n_items, m)
    half_life : float or None
        In places of the history.
    """

    kind: ClassVar[str] = "neighbours"
    places: np.ndarray
    weights: np.ndarray
    half_life: float | None = None

    @classmethod
    def of(cls, rows: list[tuple[np.ndarray, np.ndarray]], half_life: float | None) -> Neighbours:
        """The form with these places and weights for each item."""
        width = max(1, max((len(places) for places, _ in rows), default=1))
        places = np.full((len(rows), width), len(rows), dtype=np.int32)
        weights = np.zeros((len(rows), width), dtype=np.float32)
        for row, (found, values) in enumerate(rows):
            places[row, : len(found)], weights[row, : len(found)] = found, values
        return cls(places, weights, half_life)

    @property
    def n_items(self) -> int:  # type: ignore[override]
        return len(self.places)

    def score(self, histories: Histories) -> np.ndarray:
        size, width = self.places.shape
        table = sparse.csr_matrix((self.weights.ravel(), self.places.ravel(), np.arange(size + 1) * width), shape=(size, size + 1))
        return (histories.weighted(self.half_life, size) @ table).toarray()[:, :size].astype(np.float32, copy=False)

    def emit(self, asked: Asked) -> str:
        return asked.scattered(self.places, self.weights, self.half_life)

    def emit_reasons(self, asked: Asked, top: str) -> str | None:
        return asked.neighbourly(self.places, self.weights, self.half_life, top)


@dataclass(frozen=True, eq=False)
class Factors(Form):
    """A vector for the history, times a vector for each item.

    Without `confidence` the user's vector is the weighted mean of `inputs` over the history. With it, it is the u that ALS would
    give a user with this history: (I + c Z'Z) u = (1 + c) Z'1 for the rows Z of `inputs` that are in it, which are already in the
    coordinates in which what all items say is the identity; solved by `STEPS` of conjugate gradients.

    Attributes
    ----------
    inputs, outputs : ndarray of float32, shape (n_items, n_factors)
    bias : ndarray of float32, shape (n_items,)
    confidence : float or None
        How much more than others an item of the history counts, above zero.
    """

    kind: ClassVar[str] = "factors"
    inputs: np.ndarray
    outputs: np.ndarray
    bias: np.ndarray
    confidence: float | None = None
    half_life: float | None = None

    @property
    def n_items(self) -> int:  # type: ignore[override]
        return len(self.outputs)

    def score(self, histories: Histories) -> np.ndarray:
        matrix = histories.weighted(self.half_life, self.n_items)
        if self.confidence is None:
            total = np.asarray(matrix.sum(axis=1), dtype=np.float32)
            users = (matrix @ self.inputs) / (total + np.float32(TINY))
        else:
            users = self._solve(matrix)
        return users @ self.outputs.T + self.bias

    def _solve(self, matrix: sparse.csr_matrix) -> np.ndarray:
        """As the graph does it: every user's system by the same number of steps."""
        weight = np.float32(self.confidence)
        users = np.zeros((matrix.shape[0], self.inputs.shape[1]), dtype=np.float32)
        residual = (1 + weight) * (matrix @ self.inputs)
        direction, size = residual, (residual * residual).sum(axis=1, keepdims=True)
        for _ in range(STEPS):
            image = direction + weight * self._through(matrix, direction)
            step = size / ((direction * image).sum(axis=1, keepdims=True) + np.float32(TINY))
            users, residual = users + step * direction, residual - step * image
            smaller = (residual * residual).sum(axis=1, keepdims=True)
            direction, size = residual + smaller / (size + np.float32(TINY)) * direction, smaller
        return users

    def _through(self, matrix: sparse.csr_matrix, direction: np.ndarray) -> np.ndarray:
        """Sum of w z (z'd) over each history."""
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        dots = np.empty(matrix.nnz, dtype=np.float32)
        for start in range(0, matrix.nnz, _BLOCK * 256):
            part = slice(start, start + _BLOCK * 256)
            dots[part] = np.einsum("ij,ij->i", self.inputs[matrix.indices[part]], direction[rows[part]])
        return sparse.csr_matrix((matrix.data * dots, matrix.indices, matrix.indptr), shape=matrix.shape) @ self.inputs

    def emit(self, asked: Asked) -> str:
        users = (
            asked.mean(self.inputs, self.half_life)
            if self.confidence is None
            else asked.solved(self.inputs, self.confidence, self.half_life)
        )
        graph = asked.graph
        return graph.node(
            "Add", graph.node("MatMul", users, graph.constant(np.ascontiguousarray(self.outputs.T))), graph.constant(self.bias)
        )

    def emit_reasons(self, asked: Asked, top: str) -> str | None:
        return asked.by_product(self.inputs, self.outputs, self.half_life, top)
