"""`emit_estimator`: fitted estimators of every family as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families.base import Estimator

_DOUBLE, _INT64 = 11, 7
"""Numbers of the element types in the ONNX standard."""


def emit_estimator(graph: Graph, estimator: Estimator, x: str) -> str:
    """What `estimator` says of the float tensor `x` of shape [n, m].

    Returns
    -------
    str
        A double tensor: probabilities of shape [n, n_classes], or the prediction of shape [n, 1].
    """
    margins = _EMITTERS[type(estimator).__name__](graph, estimator, x)
    if not estimator.n_classes:
        scaled = graph.node("Mul", margins, graph.constant(np.array(estimator.scale_)))
        return graph.node("Add", scaled, graph.constant(np.array(estimator.centre_)))
    return margins if estimator.output == "probability" else emit_probabilities(graph, margins, estimator.width)


def emit_probabilities(graph: Graph, margins: str, width: int) -> str:
    """Probabilities of shape [n, n_classes] from a double tensor of margins: see `probabilities_of`."""
    if width > 1:
        return graph.node("Softmax", margins, axis=1)
    positive = graph.node("Sigmoid", margins)
    return graph.node("Concat", graph.node("Sub", graph.constant(np.array(1.0)), positive), positive, axis=1)


def _lightgbm(graph: Graph, estimator: Any, x: str) -> str:
    from switchyard.tabular.export.trees import emit_trees, trees_of_lightgbm

    return emit_trees(graph, x, list(trees_of_lightgbm(estimator)), "BRANCH_LEQ", estimator.width)


def _xgboost(graph: Graph, estimator: Any, x: str) -> str:
    from switchyard.tabular.export.trees import emit_trees, trees_of_xgboost

    summed = emit_trees(graph, x, list(trees_of_xgboost(estimator)), "BRANCH_LT", estimator.width)
    return graph.node("Add", summed, graph.constant(estimator.intercept_))


def _random_forest(graph: Graph, estimator: Any, x: str) -> str:
    from switchyard.tabular.export.trees import emit_trees, trees_of_forest

    return emit_trees(graph, x, list(trees_of_forest(estimator)), "BRANCH_LEQ", estimator.width)


def _neural_network(graph: Graph, estimator: Any, x: str) -> str:
    from switchyard.tabular.families.network import FAR, SOFT_CLIP

    network, zero = estimator.network_, graph.constant(np.float32(0.0))

    def filled(positions: np.ndarray) -> str:
        block = graph.node("Gather", x, graph.constant(positions), axis=1)
        return graph.node("Where", graph.node("IsNaN", block), zero, block)

    parts = []
    if len(network.numeric):
        numbers = graph.node("Clip", filled(network.numeric), graph.constant(-FAR), graph.constant(FAR))
        shares = graph.node("Div", numbers, graph.constant(np.float32(SOFT_CLIP)))
        squares = graph.node("Mul", shares, shares)
        root = graph.node("Sqrt", graph.node("Add", graph.constant(np.float32(1.0)), squares))
        parts.append(graph.node("Div", numbers, root))
    if len(network.embedded):
        last = graph.constant((network.sizes - 1).astype(np.float32))
        bounded = graph.node("Min", graph.node("Max", filled(network.embedded), zero), last)
        codes = graph.node("Add", graph.node("Cast", bounded, to=_INT64), graph.constant(network.offsets))
        found = graph.node("Gather", graph.constant(network.table), codes, axis=0)
        width = len(network.embedded) * network.table.shape[1]
        parts.append(graph.node("Reshape", found, graph.constant(np.array([-1, width], dtype=np.int64))))
    hidden = graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    for number, (weights, bias) in enumerate(network.layers, start=1):
        hidden = graph.node("Gemm", hidden, graph.constant(weights), graph.constant(bias))
        if number < len(network.layers):
            hidden = graph.node("Relu", hidden)
    lowest, highest = (graph.constant(np.float32(end)) for end in (network.lowest, network.highest))
    return graph.node("Cast", graph.node("Clip", hidden, lowest, highest), to=_DOUBLE)


_EMITTERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "LightGBM": _lightgbm,
    "XGBoost": _xgboost,
    "RandomForest": _random_forest,
    "NeuralNetwork": _neural_network,
}
"""By the estimator's class: a booster is converted without importing the libraries of the other families."""
