"""Bundles made by hand: small ONNX graphs with the two block inputs, and the rows that go with them."""

import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from switchyard.bundle import Column, Interval, Quantiles, Scorer, Sets, Signature
from switchyard.bundle.examples import make_examples

JOBS = ("clerk", "nurse", "smith")
ROW = {"age": 40.0, "since": "2020-01-01", "owner": True, "job": "nurse"}
ROWS = [ROW, {"age": None, "since": None, "owner": None, "job": None}, {"age": 70, "since": 1.6e9, "owner": False, "job": "pilot"}]

COLUMNS = (
    Column("age", "numeric", "numeric", 0, minimum=18.0, maximum=90.0),
    Column("since", "datetime", "numeric", 1, missing=0.1),
    Column("owner", "boolean", "numeric", 2),
    Column("job", "categorical", "categorical", 0, categories=JOBS),
)


def _score(weights: np.ndarray) -> list[onnx.NodeProto]:
    """`score` [n, 1]: numbers by weight, NaN as 0, plus a number for each job, -0.5 for others."""
    node = helper.make_node
    return [
        node("IsNaN", ["numeric"], ["missing"]),
        node("Where", ["missing", "zero", "numeric"], ["filled"]),
        node("MatMul", ["filled", "weights"], ["sum"]),
        node(
            "LabelEncoder",
            ["categorical"],
            ["effect32"],
            domain="ai.onnx.ml",
            keys_strings=list(JOBS),
            values_floats=[0.25, 0.5, 1.0],
            default_float=-0.5,
        ),
        node("Cast", ["effect32"], ["effect"], to=TensorProto.DOUBLE),
        node("Add", ["sum", "effect"], ["score"]),
    ]


def make_bundle(folder: Path, task: str = "binary", threshold: float = 0.6) -> Path:
    """A bundle in `folder`: binary, multiclass or regression."""
    node, constants = helper.make_node, {"zero": np.array(0.0), "weights": np.array([[0.05], [-1e-9], [0.3]])}
    nodes, outputs = _score(constants["weights"]), {}
    signature = {"name": "loans", "task": task, "target": "default", "columns": COLUMNS}
    if task == "binary":
        constants |= {"one": np.array(1.0), "threshold": np.array(threshold), "axis": np.array([1])}
        nodes += [
            node("Sigmoid", ["score"], ["positive"]),
            node("Sub", ["one", "positive"], ["negative"]),
            node("Concat", ["negative", "positive"], ["probabilities"], axis=1),
            node("GreaterOrEqual", ["positive", "threshold"], ["above"]),
            node("Squeeze", ["above", "axis"], ["flat"]),
            node("Cast", ["flat"], ["label"], to=TensorProto.INT64),
        ]
        outputs = {"probabilities": (TensorProto.DOUBLE, ["n", 2]), "label": (TensorProto.INT64, ["n"])}
        signature |= {"classes": ("no", "yes"), "positive_class": "yes", "threshold": threshold}
    elif task == "multiclass":
        constants |= {"spread": np.array([[-1.0, 0.0, 1.0]])}
        nodes += [
            node("MatMul", ["score", "spread"], ["logits"]),
            node("Softmax", ["logits"], ["probabilities"], axis=1),
            node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        ]
        outputs = {"probabilities": (TensorProto.DOUBLE, ["n", 3]), "label": (TensorProto.INT64, ["n"])}
        signature |= {"classes": ("high", "low", "mid"), "sets": Sets(0.9, False, (0.2, 0.1, 0.3), review_above=1)}
    else:
        constants |= {"width": np.array(2.5), "axis": np.array([1])}
        nodes += [
            node("Squeeze", ["score", "axis"], ["prediction"]),
            node("Sub", ["prediction", "width"], ["lower"]),
            node("Add", ["prediction", "width"], ["upper"]),
        ]
        outputs = {name: (TensorProto.DOUBLE, ["n"]) for name in ("prediction", "lower", "upper")}
        signature |= {"interval": Interval(0.9, 2.5), "quantiles": Quantiles((0.1, 0.9), (0.0, 10.0), ((-1.0, 1.0), (-2.0, 4.0)))}
    graph = helper.make_graph(
        nodes,
        "model",
        [
            helper.make_tensor_value_info("numeric", TensorProto.DOUBLE, ["n", 3]),
            helper.make_tensor_value_info("categorical", TensorProto.STRING, ["n", 1]),
        ],
        [helper.make_tensor_value_info(name, *shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 19), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "signature.json").write_text(Signature(**signature).to_json())
    (folder / "examples.json").write_text(make_examples(Scorer(folder), ROWS))
    return folder


def probability(row: dict) -> float:
    """What the binary bundle says of `row`, by hand: the probability of yes."""
    epochs = {"2020-01-01": 1577836800.0, None: 0.0}
    since = row["since"] if isinstance(row["since"], float) else epochs[row["since"]]
    effect = dict(zip(JOBS, (0.25, 0.5, 1.0))).get(row["job"], -0.5)
    return 1 / (1 + math.exp(-(0.05 * (row["age"] or 0) - 1e-9 * since + 0.3 * (row["owner"] or 0) + effect)))
