"""The builder of ONNX graphs: sharing, merging, the same bytes for the same graph."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from switchyard.tabular.export.features import emit
from switchyard.tabular.export.graph import ML_OPSET, OPSET, Graph


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


def test_merged_models_give_what_they_gave_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)).astype("float32")
    labels = rng.integers(0, 3, 60)
    models = [LogisticRegression(C=c).fit(X, labels) for c in (0.1, 10)]
    graph = Graph()
    x = graph.node("Cast", graph.input("x", "double", 3), to=TensorProto.FLOAT)
    for number, (model, opset) in enumerate(zip(models, (OPSET, 15), strict=True)):
        converted = to_onnx(model, X[:1], target_opset={"": opset, "ai.onnx.ml": ML_OPSET}, options={"zipmap": False})
        _, probabilities = graph.inline(converted, {"X": x})
        graph.output(probabilities, f"p{number}", "float", ("n", 3))
    for model, probabilities in zip(models, run(graph, x=X.astype("float64")), strict=True):
        np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-6)


def test_merged_bodies_see_the_names_around_them():
    value = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    branches = {
        key: helper.make_graph([helper.make_node(op, ["a"], ["b"])], key, [], [value])
        for key, op in (("then_branch", "Neg"), ("else_branch", "Abs"))
    }
    nodes = [
        helper.make_node("ReduceSum", ["a"], ["s"], keepdims=0),
        helper.make_node("Greater", ["s", "zero"], ["c"]),
        helper.make_node("If", ["c"], ["y"], **branches),
    ]
    zero = helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0])
    a = helper.make_tensor_value_info("a", TensorProto.FLOAT, ["n", 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    model = helper.make_model(helper.make_graph(nodes, "g", [a], [y], [zero]), opset_imports=[helper.make_opsetid("", OPSET)])
    graph = Graph()
    for name in ("first", "second"):
        x = graph.input(name, "float", 1)
        graph.output(graph.inline(model, {"a": graph.node("Mul", x, x)})[0], f"{name}_out", "float", ("n", 1))
    outputs = run(graph, first=np.array([[2.0]], dtype="float32"), second=np.array([[0.0]], dtype="float32"))
    assert [output.item() for output in outputs] == [-4.0, 0.0]


def test_models_that_cannot_be_merged_are_refused():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])
    body = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    newer = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET + 2)])
    with pytest.raises(ValueError, match="opset 21"):
        Graph().inline(newer, {"x": "t"})
    fitting = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)])
    with pytest.raises(ValueError, match="'x'"):
        Graph().inline(fitting, {"z": "t"})


def test_invalid_graphs_are_refused():
    graph = Graph()
    numbers, strings = graph.input("x", "double", 1), graph.input("s", "string", 1)
    graph.output(graph.node("Add", numbers, strings), "y", "double", ("n", 1))
    with pytest.raises((onnx.checker.ValidationError, onnx.shape_inference.InferenceError)):
        graph.finish()


def test_unknown_transformers_are_named():
    with pytest.raises(TypeError, match="LogisticRegression"):
        emit(LogisticRegression(), Graph(), "x")
