"""`Asked`: what requests bring, as tensors of the graph: which items of the catalogue, which of them count and how much.

A code is the place of an item in the catalogue; its size stands for what is no item: an unknown one, and the empty text that
fills a row.
"""

from __future__ import annotations

import numpy as np

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.recommendation.histories import LONGEST

FLOAT, INT32, INT64, BOOL = 1, 6, 7, 9
"""Numbers of the element types in the ONNX standard."""
STEPS = 8
"""Of conjugate gradients. The system is the identity plus one rank for each item, and eight bring it to 1e-3 of its solution."""
TINY = 1e-12
"""Added to what is divided by."""
REASONS_FROM = 50
"""Items of a history that an answer may be because of, the latest."""


class Asked:
    """Tensors of a request of n rows.

    Parameters
    ----------
    graph : Graph
    n_items : int
    codes : str
        int64 [n, h], oldest first.
    counts : str
        bool [n, h]: what is an item, and no later one is the same.
    words : str
        int64 [n, w]: places of the words that describe the user, their number for what is none; empty where no model asks.
    """

    def __init__(self, graph: Graph, n_items: int, codes: str, counts: str, words: str = "") -> None:
        self.graph, self.n_items, self.codes, self.words = graph, n_items, codes, words
        self.present = graph.node("Cast", counts, to=FLOAT)
        self.ages = graph.node("CumSum", self.present, graph.constant(np.array(1)), exclusive=1, reverse=1)
        self.rows = graph.node("Shape", codes, start=0, end=1)

    def f(self, value: float) -> str:
        """A constant of type float."""
        return self.graph.constant(np.array(value, dtype=np.float32))

    def ints(self, *values: int) -> str:
        return self.graph.constant(np.array(values, dtype=np.int64))

    def zeros(self, width: int) -> str:
        """float [n, width]."""
        return self.graph.node("Expand", self.f(0.0), self.graph.node("Concat", self.rows, self.ints(width), axis=0))

    def weights(self, half_life: float | None) -> str:
        """float [n, h], as `histories.place_weights`."""
        g = self.graph
        counted = g.node("Mul", self.present, g.node("Cast", g.node("Less", self.ages, self.f(LONGEST)), to=FLOAT))
        if half_life is None:
            return counted
        return g.node("Mul", counted, g.node("Exp", g.node("Mul", self.ages, self.f(-np.log(2) / half_life))))

    def looked_up(self, table: np.ndarray, fill: float = 0) -> str:
        """The rows of `table` (n_items, m) of the codes, [n, h, m], as one lookup; `fill` for what is no item."""
        padded = np.concatenate([table, np.full((1, table.shape[1]), fill, dtype=table.dtype)])
        return self.graph.node("Gather", self.graph.constant(padded), self.codes, axis=0)

    def scattered(self, places: np.ndarray, weights: np.ndarray, half_life: float | None) -> str:
        """Sum of the neighbours' weights over the history, float [n, n_items]."""
        g = self.graph
        each = g.node("Unsqueeze", self.weights(half_life), self.ints(2))
        values = g.node("Reshape", g.node("Mul", self.looked_up(weights), each), self.ints(0, -1))
        where = g.node("Reshape", self.looked_up(places, self.n_items), self.ints(0, -1))
        total = g.node("ScatterElements", self.zeros(self.n_items + 1), where, values, axis=1, reduction="add")
        return self.without_last(total)

    def without_last(self, tensor: str) -> str:
        """[n, n_items] of [n, n_items + 1]."""
        return self.graph.node("Slice", tensor, self.ints(0), self.ints(self.n_items), self.ints(1))

    def described(self, n_words: int) -> str:
        """float [n, n_words]: 1 for each word that describes the user."""
        g = self.graph
        ones = g.node("Expand", self.f(1.0), g.node("Shape", self.words))
        marks = g.node("ScatterElements", self.zeros(n_words + 1), self.words, ones, axis=1)
        return str(g.node("Slice", marks, self.ints(0), self.ints(n_words), self.ints(1)))

    def mean(self, inputs: np.ndarray, half_life: float | None) -> str:
        """Weighted mean of `inputs` over the history, float [n, f]."""
        g, weights = self.graph, self.weights(half_life)
        total = self._summed(self.looked_up(inputs), weights)
        size = g.node("ReduceSum", weights, self.ints(1), keepdims=1)
        return g.node("Div", total, g.node("Add", size, self.f(TINY)))

    def solved(self, vectors: np.ndarray, confidence: float, half_life: float | None) -> str:
        """`Factors._solve`, float [n, f]."""
        g, weights, found = self.graph, self.weights(half_life), self.looked_up(vectors)
        residual = g.node("Mul", self._summed(found, weights), self.f(1 + confidence))
        direction, size, users = residual, self._square(residual, residual), self.zeros(vectors.shape[1])
        for _ in range(STEPS):
            dots = g.node("Squeeze", g.node("MatMul", found, g.node("Unsqueeze", direction, self.ints(2))), self.ints(2))
            through = self._summed(found, g.node("Mul", dots, weights))
            image = g.node("Add", direction, g.node("Mul", through, self.f(confidence)))
            step = g.node("Div", size, g.node("Add", self._square(direction, image), self.f(TINY)))
            users = g.node("Add", users, g.node("Mul", step, direction))
            residual = g.node("Sub", residual, g.node("Mul", step, image))
            smaller = self._square(residual, residual)
            turn = g.node("Div", smaller, g.node("Add", size, self.f(TINY)))
            direction, size = g.node("Add", residual, g.node("Mul", turn, direction)), smaller
        return users

    def neighbourly(self, places: np.ndarray, weights: np.ndarray, half_life: float | None, top: str) -> str:
        """What each of the last `REASONS_FROM` places of the history adds to each answer, float [n, h, k]."""
        g = self.graph
        latest = self.latest(self.codes)
        where = self._rows_of(places, latest, self.n_items)
        values = self._rows_of(weights, latest, 0)
        # [n, h, m, 1] against [n, 1, 1, k]: an answer is among the neighbours of an item once at most.
        answers = g.node("Unsqueeze", g.node("Cast", top, to=INT32), self.ints(1, 2))
        same = g.node("Equal", g.node("Unsqueeze", where, self.ints(3)), answers)
        added = g.node("Mul", g.node("Cast", same, to=FLOAT), g.node("Unsqueeze", values, self.ints(3)))
        total = g.node("ReduceSum", added, self.ints(2), keepdims=0)
        return g.node("Mul", total, g.node("Unsqueeze", self.latest(self.weights(half_life)), self.ints(2)))

    def by_product(self, inputs: np.ndarray, outputs: np.ndarray, half_life: float | None, top: str) -> str:
        """As `neighbourly`, by the product of the vectors of an item of the history and of an answer."""
        g = self.graph
        of_history = self._rows_of(inputs, self.latest(self.codes), 0)
        of_answers = self._rows_of(outputs, top, 0)
        product = g.node("MatMul", of_history, g.node("Transpose", of_answers, perm=[0, 2, 1]))
        return g.node("Mul", product, g.node("Unsqueeze", self.latest(self.weights(half_life)), self.ints(2)))

    def latest(self, tensor: str) -> str:
        """Of [n, h] what belongs to the latest items, the newest first; the same whatever fills the rows of other requests."""
        g = self.graph
        newest = g.node("Where", g.node("Cast", self.present, to=BOOL), g.node("Neg", self.ages), self.f(-1e9))
        most = g.node("Min", g.node("Shape", self.codes, start=1, end=2), self.ints(REASONS_FROM))
        _, places = g.node("TopK", newest, most, axis=1, outputs=2)
        return str(g.node("GatherElements", tensor, places, axis=1))

    def _rows_of(self, table: np.ndarray, codes: str, fill: float) -> str:
        padded = np.concatenate([table, np.full((1, table.shape[1]), fill, dtype=table.dtype)])
        return self.graph.node("Gather", self.graph.constant(padded), codes, axis=0)

    def _summed(self, found: str, weights: str) -> str:
        """Sum of [n, h, f] by weights [n, h], [n, f]."""
        g = self.graph
        return g.node("Squeeze", g.node("MatMul", g.node("Unsqueeze", weights, self.ints(1)), found), self.ints(1))

    def _square(self, left: str, right: str) -> str:
        g = self.graph
        return g.node("ReduceSum", g.node("Mul", left, right), self.ints(1), keepdims=1)


def code_of(graph: Graph, texts: str, ids: np.ndarray) -> str:
    """Places of `texts` in `ids`, int64 of the same shape; the size of `ids` for what is none of them."""
    return str(
        graph.node(
            "LabelEncoder",
            texts,
            domain="ai.onnx.ml",
            keys_strings=[str(name) for name in ids],
            values_int64s=list(range(len(ids))),
            default_int64=len(ids),
        )
    )
