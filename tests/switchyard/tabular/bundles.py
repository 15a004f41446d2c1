"""A bundle written by hand, whose effects are known."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from switchyard.bundle import Column as BundleColumn
from switchyard.bundle import Scorer, Signature

COLUMNS = ("income", "noise", "job")
_JOBS = {"clerk": 0.0, "cook": -1.0, "smith": 2.0}


def _constant(name: str, value: np.ndarray) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def logistic_files() -> dict[str, bytes]:
    """A logistic bundle: income (missing counts as 50) and job matter, noise has a tiny weight."""
    nodes = [
        _constant("median", np.array([[50.0, 0.0]])),
        helper.make_node("IsNaN", ["numeric"], ["gap"]),
        helper.make_node("Where", ["gap", "median", "numeric"], ["known"]),
        _constant("weights", np.array([[0.12], [0.001]])),
        helper.make_node("MatMul", ["known", "weights"], ["linear"]),
        helper.make_node(
            "LabelEncoder",
            ["categorical"],
            ["code"],
            domain="ai.onnx.ml",
            keys_strings=list(_JOBS),
            values_int64s=[0, 1, 2],
            default_int64=0,
        ),
        _constant("effects", np.array(list(_JOBS.values()))),
        helper.make_node("Gather", ["effects", "code"], ["effect"]),
        _constant("intercept", np.array([[-6.5]])),
        helper.make_node("Sum", ["linear", "effect", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["positive"]),
        _constant("one", np.array([[1.0]])),
        helper.make_node("Sub", ["one", "positive"], ["negative"]),
        helper.make_node("Concat", ["negative", "positive"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "logistic",
        [
            helper.make_tensor_value_info("numeric", TensorProto.DOUBLE, [None, 2]),
            helper.make_tensor_value_info("categorical", TensorProto.STRING, [None, 1]),
        ],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, 2]),
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19), helper.make_opsetid("ai.onnx.ml", 4)], ir_version=10)
    signature = Signature(
        name="small",
        task="binary",
        target="y",
        classes=("no", "yes"),
        positive_class="yes",
        threshold=0.5,
        columns=(
            BundleColumn("income", "numeric", "numeric", 0),
            BundleColumn("noise", "numeric", "numeric", 1),
            BundleColumn("job", "categorical", "categorical", 0),
        ),
    )
    return {"model.onnx": model.SerializeToString(), "signature.json": signature.to_json().encode()}


def logistic_bundle() -> Scorer:
    """A scorer of `logistic_files`."""
    files = logistic_files()
    return Scorer.of(files["model.onnx"], Signature.from_json(files["signature.json"].decode()))
