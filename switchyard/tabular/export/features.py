"""`emit_preprocessor`: a fitted preprocessor as nodes of a graph, float64 throughout.

Our own transformers write themselves (`Computed.compute` with the graph's nodes as operators); scikit-learn's have an
emitter each, registered by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, TargetEncoder

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.preprocess import Preprocessor
from switchyard.tabular.features.record import NUMBERS
from switchyard.tabular.tables.schema import Column

INPUT_TYPES = {"numeric": "double", "categorical": "string"}
"""The graph's inputs and their element types; a gap is NaN in the first and `MISSING` in the second."""


class Inputs:
    """The raw columns as the graph's two inputs, `numeric` [n, k] and `categorical` [n, m], each only if it has columns.

    Parameters
    ----------
    graph : Graph
    columns : sequence of Column
        The columns the model takes (`plan.used`); each keeps its order within its input.

    Attributes
    ----------
    places : dict
        Column name to (input, position).
    """

    def __init__(self, graph: Graph, columns: Sequence[Column]) -> None:
        self._graph = graph
        self.places: dict[str, tuple[str, int]] = {}
        self._widths = dict.fromkeys(INPUT_TYPES, 0)
        for column in columns:
            name = "numeric" if column.kind in NUMBERS else "categorical"
            self.places[column.name] = (name, self._widths[name])
            self._widths[name] += 1
        for name, width in self._widths.items():
            if width:
                graph.input(name, INPUT_TYPES[name], width)

    def gather(self, names: Sequence[str]) -> str:
        """The tensor [n, len(names)] of these columns, all of one input."""
        sources, positions = zip(*(self.places[name] for name in names), strict=True)
        if len(set(sources)) > 1:
            raise ValueError(f"columns of both inputs in one block: {list(names)}")
        if positions == tuple(range(self._widths[sources[0]])):
            return sources[0]
        return self._graph.node("Gather", sources[0], self._graph.constant(np.array(positions)), axis=1)


def emit_preprocessor(graph: Graph, fitted: Preprocessor, inputs: Inputs) -> str:
    """Write the fitted preprocessor into `graph`.

    Parameters
    ----------
    graph : Graph
    fitted : Preprocessor
        From `build_preprocessor`, fitted.
    inputs : Inputs
        Of the same graph.

    Returns
    -------
    str
        The tensor [n, m] of doubles, equal to `fitted.transform` of the same rows.

    Raises
    ------
    TypeError
        Where a transformer has no form in ONNX; names its class.
    """
    blocks: ColumnTransformer = fitted["blocks"]
    parts = [
        emit(transformer, graph, inputs.gather(columns))
        for _, transformer, columns in blocks.transformers_
        if transformer != "drop"  # columns of the frame that no block takes
    ]
    tensor = graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    for _, transformer in fitted.steps[1:]:
        tensor = emit(transformer, graph, tensor)
    return tensor


@singledispatch
def emit(transformer: Any, graph: Graph, x: str) -> str:
    """Write one fitted transformer of the tensor `x`; a class of its own registers with `@emit.register`."""
    raise TypeError(f"{type(transformer).__name__} has no form in ONNX; register one in switchyard/tabular/export/features.py")


@emit.register
def _computed(transformer: Computed, graph: Graph, x: str) -> str:
    def op(name: str, *inputs: Any, **attributes: Any) -> Any:
        return graph.node(name, *[value if isinstance(value, str) else graph.constant(value) for value in inputs], **attributes)

    return transformer.compute(op, x)


@emit.register
def _pipeline(transformer: Pipeline, graph: Graph, x: str) -> str:
    for _, step in transformer.steps:
        x = emit(step, graph, x)
    return x


@emit.register
def _normalizer(transformer: Normalizer, graph: Graph, x: str) -> str:
    if transformer.norm != "l2":
        raise TypeError(f"Normalizer with norm={transformer.norm!r} has no form in ONNX here")
    total = graph.node("ReduceSum", graph.node("Mul", x, x), graph.constant(np.array([1])), keepdims=1)
    norm = graph.node("Sqrt", total)
    empty = graph.node("Equal", norm, graph.constant(np.float64(0.0)))
    return graph.node("Div", x, graph.node("Where", empty, graph.constant(np.float64(1.0)), norm))


@emit.register
def _target_encoder(transformer: TargetEncoder, graph: Graph, x: str) -> str:
    """A table of means by column and code; codes without a category of their own get the mean of all rows."""
    classes = len(transformer.classes_) if transformer.target_type_ == "multiclass" else 1
    overall = np.atleast_1d(transformer.target_mean_)
    tables = []
    for number, categories in enumerate(transformer.categories_):
        codes = categories.astype("int64")
        table = np.tile(overall, (codes.max() + 2, 1))
        table[codes] = np.column_stack(transformer.encodings_[number * classes : (number + 1) * classes])
        tables.append(table)
    offsets = np.cumsum([0, *[len(table) for table in tables[:-1]]])
    rows = graph.node("Add", x, graph.constant(offsets)) if offsets.any() else x
    stacked = np.concatenate(tables)
    if classes == 1:
        return graph.node("Gather", graph.constant(stacked[:, 0]), rows)
    means = graph.node("Gather", graph.constant(stacked), rows)
    return graph.node("Reshape", means, graph.constant(np.array([0, len(tables) * classes])))
