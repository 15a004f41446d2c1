"""`Derive`: appended columns computed by the expressions of the config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from switchyard.tabular.features.base import Computed
from switchyard.tabular.features.expressions import parse
from switchyard.tabular.features.operators import Operator


class Derive(Computed):
    """One appended column for each expression; later ones may use the names of earlier ones.

    Parameters
    ----------
    columns : tuple of str
        Names of the block's columns, in order.
    expressions : tuple of (str, str)
        Name and text of each derived column.
    """

    def __init__(self, columns: tuple[str, ...], expressions: tuple[tuple[str, str], ...]) -> None:
        self.columns = columns
        self.expressions = expressions

    def compute(self, op: Operator, x: Any) -> Any:
        known: dict[str, Any] = {}
        for name, text in self.expressions:
            expression = parse(text, f"features.derived.{name}")
            for column in expression.columns:
                if column not in known:
                    known[column] = op("Gather", x, np.array([self.columns.index(column)]), axis=1)
            known[name] = expression.compute(op, known)
        return op("Concat", x, *[known[name] for name, _ in self.expressions], axis=1)

    def appended_names(self, names: Sequence[str]) -> list[str]:
        return [name for name, _ in self.expressions]
