"""`Graph`: builds one ONNX model node by node.

The opset is one for the whole graph, names are counted and never random, and equal nodes are written once:
members of an ensemble that share their preprocessing share its nodes, and the same model gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from switchyard.tabular.export import ensembles

OPSET = 19
_NEWER = {"StringSplit": 20}
"""Operators of a later opset, which a graph that has one is written in; nothing else in it means another thing there."""
ML_OPSET = 3
"""Of the domain ai.onnx.ml."""
ML_OPSET_OF_SETS = 5
"""Of a graph with trees that ask for sets, all of whose trees have the form that they have there."""
IR_VERSION = 10

_TYPES = {
    "double": TensorProto.DOUBLE,
    "float": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}


class Graph:
    """An ONNX graph in the making.

    Tensors are spoken of by name. The first axis of inputs is the row axis "n".

    Examples
    --------
    >>> graph = Graph()
    >>> numbers = graph.input("numeric", "double", 2)
    >>> doubled = graph.node("Mul", numbers, graph.constant(np.array([2.0])))
    >>> graph.output(doubled, "doubled", "double", ("n", 2))
    >>> model = graph.finish()
    """

    def __init__(self) -> None:
        self._inputs: dict[str, onnx.ValueInfoProto] = {}
        self._outputs: dict[str, onnx.ValueInfoProto] = {}
        self._initializers: list[TensorProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._nodes: list[NodeProto] = []
        self._written: dict[bytes, tuple[str, ...]] = {}
        self._domains = {""}
        self._counter = 0

    def input(self, name: str, dtype: str, width: int | str) -> str:
        """Declare an input of shape [n, width]; declaring it again with the same type is no change.

        Parameters
        ----------
        name : str
            Name of the tensor, an identifier.
        dtype : {"double", "float", "int64", "bool", "string"}
            Element type.
        width : int or str
            Columns; a name where it differs from request to request.

        Returns
        -------
        str
            `name`.
        """
        info = helper.make_tensor_value_info(name, _TYPES[dtype], ["n", width])
        if self._inputs.setdefault(name, info) != info:
            raise ValueError(f"input {name!r} is there already with another type or width")
        return name

    def constant(self, values: np.ndarray | Sequence[Any]) -> str:
        """A constant tensor, kept once per content; strings are stored as UTF-8."""
        array = np.asarray(values)
        if array.dtype.kind in "OUS":
            strings = array.astype(str)
            key = ("string", array.shape, "\x00".join(strings.ravel().tolist()).encode())
            array = strings.astype(object)
        else:
            array = np.ascontiguousarray(array).reshape(array.shape)
            key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = self._name("c")
            self._constants[key] = name
            self._initializers.append(numpy_helper.from_array(array, name))
        return self._constants[key]

    def node(self, op: str, *inputs: str, domain: str = "", outputs: int = 1, **attributes: Any) -> Any:
        """Add a node and return the name of its output, or a tuple of names where `outputs` > 1.

        A node with the same operator, inputs and attributes as an earlier one is not written again: the operators
        used here are all functions of their inputs. An empty input name stands for an optional input left out.
        """
        proto = helper.make_node(op, list(inputs), [], domain=domain, **{key: _plain(value) for key, value in attributes.items()})
        proto.attribute.sort(key=lambda attribute: attribute.name)
        key = proto.SerializeToString(deterministic=True) + bytes([outputs])
        if key not in self._written:
            names = tuple(self._name("t") for _ in range(outputs))
            proto.output.extend(names)
            self._nodes.append(proto)
            self._domains.add(domain)
            self._written[key] = names
        names = self._written[key]
        return names[0] if outputs == 1 else names

    def output(self, tensor: str, name: str, dtype: str, shape: Iterable[int | str | None]) -> None:
        """Make `tensor` the output `name` of the graph; outputs keep the order of these calls."""
        if name in self._outputs or name in self._inputs:
            raise ValueError(f"{name!r} is an input or output already")
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs[name] = helper.make_tensor_value_info(name, _TYPES[dtype], list(shape))

    def finish(self) -> ModelProto:
        """The checked model, without what no output needs.

        Raises
        ------
        onnx.checker.ValidationError, onnx.shape_inference.InferenceError
            Where the graph is not valid ONNX.
        """
        nodes, ml_opset = self._needed(), ML_OPSET
        if any(node.op_type == ensembles.SINCE for node in nodes):
            nodes, ml_opset = [ensembles.in_later_form(node) for node in nodes], ML_OPSET_OF_SETS
        read = {name for node in nodes for name in _reads(node)}
        graph = helper.make_graph(
            nodes,
            "switchyard",
            list(self._inputs.values()),
            list(self._outputs.values()),
            [tensor for tensor in self._initializers if tensor.name in read],
        )
        for number, node in enumerate(graph.node):
            node.name = f"n{number}"
        opsets = [helper.make_opsetid("", max(_NEWER.get(node.op_type, OPSET) for node in nodes))]
        if "ai.onnx.ml" in self._domains:
            opsets.append(helper.make_opsetid("ai.onnx.ml", ml_opset))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="switchyard")
        onnx.checker.check_model(model, full_check=True)
        return model

    def _name(self, kind: str) -> str:
        self._counter += 1
        return f"{kind}{self._counter}"

    def _needed(self) -> list[NodeProto]:
        wanted = set(self._outputs)
        kept = []
        for node in reversed(self._nodes):
            if wanted.intersection(node.output):
                wanted.update(_reads(node))
                kept.append(node)
        return kept[::-1]


def _reads(node: NodeProto) -> set[str]:
    """Names that `node` reads, those its bodies take from around them included."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            names |= {name for inner in attribute.g.node for name in _reads(inner)} | {value.name for value in attribute.g.output}
    return names


def _plain(value: Any) -> Any:
    # onnx refuses numpy scalars as attributes.
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value
