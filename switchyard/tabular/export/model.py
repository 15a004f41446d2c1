"""`model_to_onnx`: one graph from raw columns to the served answer.

It repeats the native computation step for step: preprocessing in double, one cast to float, the members, and from
there on double again.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto

from switchyard.tabular.export.families import emit_estimator, emit_probabilities
from switchyard.tabular.export.features import Inputs, emit_preprocessor
from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.model.calibration import FLOOR as CALIBRATION_FLOOR
from switchyard.tabular.model.calibration import LEAST, Calibrator
from switchyard.tabular.model.combiner import FLOOR as STACK_FLOOR
from switchyard.tabular.model.combiner import Combiner
from switchyard.tabular.model.decision import in_steps
from switchyard.tabular.model.model import Model

_FLOAT, _INT64 = 1, 7
"""Numbers of the element types in the ONNX standard."""


def model_to_onnx(model: Model) -> ModelProto:
    """The model as ONNX.

    Inputs, each only where there are such columns: `numeric` double [n, k], NaN where missing, datetimes in epoch
    seconds; `categorical` string [n, m], `__missing__` where missing. Outputs of a classification: `probabilities`
    double [n, n_classes] and `label` int64 [n], of groups `distance` double [n] too; of a regression: `prediction`, and `lower`
    and `upper` where the model has an interval, double [n].

    Equal models give equal bytes (`SerializeToString(deterministic=True)`).
    """
    graph = Graph()
    inputs = Inputs(graph, model.columns)
    outputs, distances = [], ""
    for member in model.members:
        # Nodes of equal preprocessing are equal, and the graph writes equal nodes once.
        features = graph.node("Cast", emit_preprocessor(graph, member.preprocessor, inputs), to=_FLOAT)
        outputs.append(emit_estimator(graph, FAMILIES[member.family], member.estimator, features))
        if model.unlike is not None and not distances:
            distances = FAMILIES[member.family].emit_distances(graph, member.estimator, features)
    combined = _combined(graph, model.combiner, outputs, len(model.classes))
    if model.classes:
        _finish_classes(graph, model, _calibrated(graph, model.calibrator, combined, len(model.classes)), distances)
    else:
        _finish_regression(graph, model, combined)
    return graph.finish()


def _combined(graph: Graph, combiner: Combiner, outputs: list[str], n_classes: int) -> str:
    if combiner.kind == "average":
        if len(outputs) == 1:
            return outputs[0]
        weighted = [graph.node("Mul", output, graph.constant(np.array(weight))) for output, weight in zip(outputs, combiner.weights)]
        return graph.node("Sum", *weighted)
    features = [_margins(graph, output, n_classes, STACK_FLOOR) for output in outputs] if n_classes else outputs
    joined = graph.node("Concat", *features, axis=1) if len(features) > 1 else features[0]
    linear = graph.node("Add", graph.node("MatMul", joined, graph.constant(combiner.weights)), graph.constant(combiner.intercept))
    return emit_probabilities(graph, linear, combiner.weights.shape[1]) if n_classes else linear


def _logs(graph: Graph, proba: str, floor: float) -> str:
    return graph.node("Log", graph.node("Max", proba, graph.constant(np.array(floor))))


def _margins(graph: Graph, proba: str, n_classes: int, floor: float) -> str:
    logs = _logs(graph, proba, floor)
    if n_classes > 2:
        return logs
    # Log-odds by one product: the second column less the first.
    return graph.node("MatMul", logs, graph.constant(np.array([[-1.0], [1.0]])))


def _calibrated(graph: Graph, calibrator: Calibrator, proba: str, n_classes: int) -> str:
    if calibrator.kind != "none":
        scaled = graph.node("MatMul", _logs(graph, proba, CALIBRATION_FLOOR), graph.constant(np.array(calibrator.weights)))
        shifted = graph.node("Add", scaled, graph.constant(np.array(calibrator.intercept)))
        proba = emit_probabilities(graph, shifted, len(calibrator.intercept))
    shares = graph.node("Mul", proba, graph.constant(np.array(1 - n_classes * LEAST)))
    return graph.node("Add", shares, graph.constant(np.array(LEAST)))


def _finish_classes(graph: Graph, model: Model, proba: str, distances: str) -> None:
    graph.output(proba, "probabilities", "double", ("n", len(model.classes)))
    if model.task == "binary":
        positive = graph.node("Gather", proba, graph.constant(np.array(1, dtype=np.int64)), axis=1)
        above = graph.node("GreaterOrEqual", positive, graph.constant(np.array(model.threshold)))
        label = graph.node("Cast", above, to=_INT64)
    elif model.costs is not None:
        expected = graph.node("MatMul", proba, graph.constant(in_steps(model.costs)))
        label = graph.node("ArgMin", graph.node("Round", expected), axis=1, keepdims=0)
    else:
        label = graph.node("ArgMax", proba, axis=1, keepdims=0)
    graph.output(label, "label", "int64", ("n",))
    if distances:
        last = graph.constant(np.array([1], dtype=np.int64))
        own = graph.node("GatherElements", distances, graph.node("Unsqueeze", label, last), axis=1)
        graph.output(graph.node("Squeeze", own, last), "distance", "double", ("n",))


def _finish_regression(graph: Graph, model: Model, prediction: str) -> None:
    flat = graph.node("Squeeze", prediction, graph.constant(np.array([1], dtype=np.int64)))
    graph.output(flat, "prediction", "double", ("n",))
    if model.half_width is not None:
        width = graph.constant(np.array(model.half_width))
        lower = graph.node("Sub", flat, width)
        if model.floor is not None:
            lower = graph.node("Max", lower, graph.constant(np.array(model.floor)))
        graph.output(lower, "lower", "double", ("n",))
        graph.output(graph.node("Add", flat, width), "upper", "double", ("n",))
