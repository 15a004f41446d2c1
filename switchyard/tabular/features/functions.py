"""`FUNCTIONS`: what derived features may call. One of them is one entry here, or of a plugin; docs/extend.md tells how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from switchyard.parts import Part, Parts
from switchyard.tabular.features.operators import DOUBLE, Operator


@dataclass(frozen=True)
class Function(Part):
    """A function of columns.

    Parameters
    ----------
    name : str
    arguments : int
        How many it takes; -2: two or more.
    compute : callable
        `compute(op, *values)` in ONNX operators (`switchyard.tabular.features.operators`): so numpy and the graph compute the
        same. Values are float64 of shape (n, 1), NaN where missing; what is infinite at the end counts as missing.
    """

    noun = "function"
    home = "switchyard.tabular.features.functions:FUNCTIONS"
    REQUIRED = ("name", "arguments", "compute")

    name: str
    arguments: int
    compute: Callable[..., Any]


def finite(op: Operator, value: Any) -> Any:
    """The value, missing where it is infinite."""
    return op("Where", op("IsInf", value), np.nan, value)


def truth(op: Operator, value: Any) -> Any:
    """0 or 1, or NaN where missing."""
    return where_known(op, op("Not", op("Equal", value, 0.0)), value)


def where_known(op: Operator, condition: Any, *values: Any) -> Any:
    """1 and 0 by the condition, missing where any of `values` is."""
    missing = op("IsNaN", values[0])
    for value in values[1:]:
        missing = op("Or", missing, op("IsNaN", value))
    return op("Where", missing, np.nan, op("Cast", condition, to=DOUBLE))


def _where(op: Operator, condition: Any, yes: Any, no: Any) -> Any:
    holds = truth(op, condition)
    return op("Where", op("IsNaN", holds), np.nan, op("Where", op("Equal", holds, 1.0), yes, no))


PARTS = (
    Function("log", 1, lambda op, value: finite(op, op("Log", value))),
    Function("log1p", 1, lambda op, value: finite(op, op("Log", op("Add", 1.0, value)))),
    Function("exp", 1, lambda op, value: finite(op, op("Exp", value))),
    Function("sqrt", 1, lambda op, value: op("Sqrt", value)),
    Function("abs", 1, lambda op, value: op("Abs", value)),
    Function("min", -2, lambda op, *values: op("Min", *values)),
    Function("max", -2, lambda op, *values: op("Max", *values)),
    Function("where", 3, _where),
)
FUNCTIONS = Parts(Function, ("switchyard.tabular.features.functions",))
