"""`emit_estimator`: fitted estimators of every family as ONNX nodes."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families.base import Estimator, Family


def emit_estimator(graph: Graph, family: Family, estimator: Estimator, x: str) -> str:
    """What `estimator`, of `family`, says of the float tensor `x` of shape [n, m].

    Returns
    -------
    str
        A double tensor: probabilities of shape [n, n_classes], or the prediction of shape [n, 1].
    """
    margins = family.emit(graph, estimator, x)
    if not estimator.n_classes:
        scaled = graph.node("Mul", margins, graph.constant(np.array(estimator.scale_)))
        values = graph.node("Add", scaled, graph.constant(np.array(estimator.centre_)))
        return graph.node("Exp", values) if estimator.logarithmic else values
    return margins if estimator.output == "probability" else emit_probabilities(graph, margins, estimator.width)


def emit_probabilities(graph: Graph, margins: str, width: int) -> str:
    """Probabilities of shape [n, n_classes] from a double tensor of margins: see `probabilities_of`."""
    if width > 1:
        return graph.node("Softmax", margins, axis=1)
    positive = graph.node("Sigmoid", margins)
    return graph.node("Concat", graph.node("Sub", graph.constant(np.array(1.0)), positive), positive, axis=1)
