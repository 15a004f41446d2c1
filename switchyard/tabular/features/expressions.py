"""`parse`: named arithmetic over columns, such as `loan / income`, safely, in a form that numpy and ONNX both run.

The language is a small part of Python's: numbers, columns (by name, or in `backticks` where the name is no
identifier), + - * / **, comparisons, and / or / not, and the functions in `FUNCTIONS`. It is parsed, never run as
Python. Whatever is not finite (a division by zero, the logarithm of a negative number, an overflow) is missing, and
whatever is computed from a missing value is missing, comparisons included.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.tabular.errors import InputError
from switchyard.tabular.features.functions import FUNCTIONS, finite, truth, where_known
from switchyard.tabular.features.operators import Operator

_BINARY = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.Pow: "Pow"}
_COMPARISONS = {ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq}
_MAX_LENGTH = 1000
_MAX_DEPTH = 50


@dataclass(frozen=True)
class Expression:
    """A checked expression over columns.

    Attributes
    ----------
    text : str
        As written.
    columns : tuple of str
        Names it needs, in order of appearance.
    """

    text: str
    columns: tuple[str, ...]
    _tree: ast.expr
    _names: Mapping[str, str]

    def compute(self, op: Operator, columns: Mapping[str, Any]) -> Any:
        """The value for each row, from the `columns` it needs (float64, NaN where missing), in ONNX operators."""
        return finite(op, self._value(op, self._tree, columns))

    def _value(self, op: Operator, node: ast.expr, columns: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return columns[self._names.get(name, name)]
            case ast.BinOp(left=left, op=kind, right=right):
                result = op(_BINARY[type(kind)], self._value(op, left, columns), self._value(op, right, columns))
                return finite(op, result) if isinstance(kind, (ast.Div, ast.Pow)) else result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return op("Sub", 1.0, truth(op, self._value(op, operand, columns)))
            case ast.UnaryOp(op=kind, operand=operand):
                value = self._value(op, operand, columns)
                return op("Neg", value) if isinstance(kind, ast.USub) else value
            case ast.BoolOp(op=kind, values=values):
                parts = [truth(op, self._value(op, part, columns)) for part in values]
                return op("Min" if isinstance(kind, ast.And) else "Max", *parts)
            case ast.Compare(left=left, ops=kinds, comparators=others):
                sides = [self._value(op, side, columns) for side in (left, *others)]
                results = [_compare(op, kind, *pair) for kind, *pair in zip(kinds, sides, sides[1:], strict=False)]
                return op("Min", *results) if len(results) > 1 else results[0]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name].compute(op, *[self._value(op, argument, columns) for argument in arguments])
        raise TypeError(f"unchecked expression node {type(node).__name__}")


def _compare(op: Operator, kind: ast.cmpop, left: Any, right: Any) -> Any:
    match kind:
        case ast.Lt():
            result = op("Less", left, right)
        case ast.LtE():
            result = op("LessOrEqual", left, right)
        case ast.Gt():
            result = op("Less", right, left)
        case ast.GtE():
            result = op("LessOrEqual", right, left)
        case ast.Eq():
            result = op("Equal", left, right)
        case _:
            result = op("Not", op("Equal", left, right))
    return where_known(op, result, left, right)


def parse(text: str, place: str) -> Expression:
    """Check `text` into an `Expression`.

    Parameters
    ----------
    text : str
        Such as ``log1p(`Gr Liv Area`) / max(rooms, 1)``.
    place : str
        Where in the config it stands, for the error.

    Raises
    ------
    InputError
        Where it is no expression of this language; names the place and the part that is not allowed.
    """
    if len(text) > _MAX_LENGTH:
        raise InputError(f"{place}: the expression has {len(text)} characters, at most {_MAX_LENGTH} are allowed")
    names: dict[str, str] = {}

    def stand_in(quoted: re.Match[str]) -> str:
        key = f"_quoted_{len(names)}_"
        names[key] = quoted[1]
        return f" {key} "

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", stand_in, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"{place}: {text!r} is no expression; write for example: loan / income") from None
    found = list(dict.fromkeys(names.get(name, name) for name in _check(tree, place, 0)))
    if not found:
        raise InputError(f"{place}: {text!r} uses no column")
    return Expression(text, tuple(found), tree, names)


def _check(node: ast.expr, place: str, depth: int) -> Iterator[str]:
    """The names of columns under `node`, each part of which is checked against the language."""
    if depth > _MAX_DEPTH:
        raise InputError(f"{place}: the expression is nested more than {_MAX_DEPTH} deep")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if abs(value) > 1e300:
                raise InputError(f"{place}: a number is out of range")
            return
        case ast.Name(id=name):
            yield name
            return
        case ast.BinOp(left=left, op=kind, right=right) if type(kind) in _BINARY:
            parts = [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            parts = [operand]
        case ast.BoolOp(values=values):
            parts = values
        case ast.Compare(left=left, ops=kinds, comparators=others) if {type(kind) for kind in kinds} <= _COMPARISONS:
            parts = [left, *others]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            wanted = FUNCTIONS[name].arguments
            if len(arguments) != wanted and not (wanted < 0 and len(arguments) >= -wanted):
                raise InputError(f"{place}: {name} takes {wanted if wanted > 0 else 'two or more'} arguments, not {len(arguments)}")
            parts = arguments
        case _:
            raise InputError(
                f"{place}: {ast.unparse(node)!r} is not allowed; use numbers, columns, + - * / **, comparisons, "
                f"and, or, not, {', '.join(FUNCTIONS)}"
            )
    for part in parts:
        yield from _check(part, place, depth + 1)
