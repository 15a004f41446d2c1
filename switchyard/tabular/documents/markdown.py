"""Pieces of Markdown that keep any column name, class or message from becoming markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from switchyard.tabular.evaluation.resampling import shown

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


class Marked(str):
    """Markdown that is already safe in a sentence and in a table's cell."""


class Number(Marked):
    """A number as text; columns of them are aligned to the right."""


def text(value: object) -> Marked:
    """`value` as plain text: one line, nothing in it acts as markup."""
    if isinstance(value, Marked):
        return value
    return Marked(_SPECIAL.sub(r"\\\1", " ".join(str(value).split())))


def code(value: object) -> Marked:
    """`value` in the typeface of names; falls back to plain text where backticks or bars would break the span."""
    line = " ".join(str(value).split())
    return text(line) if not line or "`" in line or "|" in line else Marked(f"`{line}`")


def number(value: float | int | None, digits: int = 4) -> Number:
    """A number to `digits` significant digits with thousands separated; a dash where there is none."""
    if value is None:
        return Number("-")
    if isinstance(value, int):
        return Number(f"{value:,}")
    return Number(shown(value, digits))


def percent(share: float | None) -> Number:
    """A share, 0..1, as a percentage."""
    return Number("-" if share is None else f"{100 * share:.3g} %")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Marked:
    """A table whose columns are aligned in the source too; columns of numbers to the right.

    Cells that are `Marked` stay as they are; numbers are shown by `number`, anything else by `text`.
    """
    cells = [
        [number(cell) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else text(cell) for cell in row] for row in rows
    ]
    right = [bool(cells) and all(isinstance(row[k], Number) for row in cells) for k in range(len(headers))]
    headers = [text(header) for header in headers]
    widths = [max(3, len(header), *(len(row[k]) for row in cells)) for k, header in enumerate(headers)]

    def line(parts: Sequence[str]) -> str:
        return "| " + " | ".join(part.rjust(width) if r else part.ljust(width) for part, width, r in zip(parts, widths, right)) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if r else "-") for width, r in zip(widths, right)) + "|"
    return Marked("\n".join([line(headers), rule, *(line(row) for row in cells)]))
