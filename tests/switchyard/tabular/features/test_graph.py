"""The builder of ONNX graphs: what is written, and what is not."""

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.linear_model import LogisticRegression

from switchyard.tabular.export.features import emit
from switchyard.tabular.export.graph import OPSET, Graph


def run(graph: Graph, **feeds: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(graph.finish().SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def test_equal_nodes_and_constants_are_written_once():
    graph = Graph()
    x = graph.input("x", "double", 2)
    one = graph.node("Add", x, graph.constant(np.array([1.0, 2.0])))
    assert graph.node("Add", x, graph.constant(np.array([1.0, 2.0]))) == one
    assert graph.node("Add", x, graph.constant(np.array([1.0, 3.0]))) != one
    assert graph.constant(np.array([1.0])) != graph.constant(np.array([1.0], dtype="float32"))
    assert graph.constant(np.array([1.0])) != graph.constant(np.array([[1.0]]))


def test_what_no_output_needs_is_left_out():
    graph = Graph()
    x = graph.input("x", "double", 1)
    graph.node("Exp", x)
    graph.output(graph.node("Neg", x), "y", "double", ("n", 1))
    model = graph.finish()
    assert [node.op_type for node in model.graph.node] == ["Neg", "Identity"]
    assert model.ir_version == 10
    assert {opset.domain: opset.version for opset in model.opset_import} == {"": OPSET}


def test_strings_keep_their_characters():
    graph = Graph()
    x = graph.input("x", "string", 1)
    graph.output(graph.node("Equal", x, graph.constant(np.array(["größe 🏠"], dtype=object))), "y", "bool", ("n", 1))
    assert run(graph, x=np.array([["größe 🏠"], ["grosse"]], dtype=object))[0].tolist() == [[True], [False]]


def test_invalid_graphs_are_refused():
    graph = Graph()
    numbers, strings = graph.input("x", "double", 1), graph.input("s", "string", 1)
    graph.output(graph.node("Add", numbers, strings), "y", "double", ("n", 1))
    with pytest.raises((onnx.checker.ValidationError, onnx.shape_inference.InferenceError)):
        graph.finish()


def test_unknown_transformers_are_named():
    with pytest.raises(TypeError, match="LogisticRegression"):
        emit(LogisticRegression(), Graph(), "x")
