"""A `Report` as Markdown, and pieces of Markdown for templates; no column name, class or message becomes markup."""

from __future__ import annotations

import re
from urllib.parse import quote

from switchyard.tabular.report.report import (
    Badge,
    Bars,
    Beside,
    Cell,
    Chart,
    Inline,
    Key,
    Link,
    Markdown,
    Name,
    Part,
    Report,
    Section,
    Strong,
    Table,
    Text,
    is_number,
)
from switchyard.tabular.report.words import shown

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&])")


class Marked(str):
    """Markdown that is already safe in a sentence and in a table's cell."""


def render(report: Report) -> Marked:
    """The whole report as a document; of charts the titles."""
    blocks = [f"# {text(report.title)}", *([text(report.lead)] if report.lead else []), *map(_section, report.sections)]
    return Marked("\n\n".join(blocks) + "\n")


def _section(section: Section) -> str:
    return "\n\n".join([f"## {text(section.heading)}", *map(_part, section.parts)])


def _part(part: Part) -> str:
    match part:
        case Table():
            return table(part)
        case Bars():
            return table(Table(("", "value"), [(Name(label), value) for label, value in part.rows]))
        case Chart():
            return f"*Chart: {text(part.title)}*"
        case Beside():
            return "\n\n".join(_part(inner) for group in part.groups for inner in group)
        case Markdown():
            return part.source.strip()
        case _:
            return words(part)


def words(piece: Text | Inline) -> Marked:
    """A piece of a sentence."""
    match piece:
        case Text():
            return Marked("".join(_keep_ends(inner) for inner in piece.pieces))
        case Name():
            return code(piece.text)
        case Strong():
            return Marked(f"**{text(piece.text)}**") if piece.text.strip() else Marked("")
        case Badge() if piece.level == "bad":
            return Marked(f"**{text(piece.text)}**")
        case Link():
            return Marked(f"[{text(piece.text)}]({quote(piece.path)})")
        case Badge() | Key():
            return text(piece.text)
        case _:
            return text(piece)


def _keep_ends(piece: Inline) -> str:
    # `text` makes one line of it; the blanks towards its neighbours are part of the sentence.
    if not isinstance(piece, str) or isinstance(piece, Marked):
        return words(piece)
    return " " * piece[:1].isspace() + text(piece) + " " * (piece[-1:].isspace() and bool(piece.strip()))


def shape(value: object) -> Marked:
    """What a template may hold: a part of a report laid out, anything else as plain text."""
    return Marked(_part(value)) if isinstance(value, (Table, Bars, Chart, Beside, Markdown, Text)) else text(value)


def text(value: object) -> Marked:
    """`value` as plain text: one line, nothing in it acts as markup."""
    if isinstance(value, Marked):
        return value
    return Marked(_SPECIAL.sub(r"\\\1", " ".join(str(value).split())))


def code(value: object) -> Marked:
    """`value` in the typeface of names; falls back to plain text where backticks or bars would break the span."""
    line = " ".join(str(value).split())
    return text(line) if not line or "`" in line or "|" in line else Marked(f"`{line}`")


def number(value: float | int | None, digits: int = 4) -> Marked:
    """A number to `digits` significant digits with thousands separated; a dash where there is none."""
    return Marked(shown(value, digits))


def percent(share: float | None) -> Marked:
    """A share, 0..1, as a percentage."""
    return Marked("-" if share is None else f"{100 * share:.3g} %")


def table(given: Table) -> Marked:
    """A table whose columns are aligned in the source too; columns of numbers to the right."""
    places = range(len(given.headers))
    cells = [[_cell(cell, given.format_of(place)) for place, cell in enumerate(row)] for row in given.rows]
    right = [given.is_numeric(place) for place in places]
    headers = [words(header) for header in given.headers]
    widths = [max(3, len(header), *(len(row[place]) for row in cells)) for place, header in enumerate(headers)]

    def line(parts: list[Marked]) -> str:
        return "| " + " | ".join(part.rjust(width) if r else part.ljust(width) for part, width, r in zip(parts, widths, right)) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if r else "-") for width, r in zip(widths, right)) + "|"
    return Marked("\n".join([line(headers), rule, *map(line, cells)]))


def _cell(cell: Cell, form: str) -> Marked:
    return Marked(shown(cell, form=form)) if cell is None or is_number(cell) else words(cell)
