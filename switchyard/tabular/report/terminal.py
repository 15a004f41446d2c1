"""A `Report` for the terminal, by rich; no column name becomes rich's markup or a terminal's control sequence."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.bar import Bar
from rich.console import RenderableType
from rich.markdown import Markdown as RichMarkdown
from rich.table import Table as RichTable
from rich.text import Text as RichText

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
    Strong,
    Table,
    Text,
    is_number,
)
from switchyard.tabular.report.words import shown

_COLOURS = {"good": "green", "warn": "yellow", "bad": "red", "note": "dim"}
_BAR_WIDTH = 30


def render(report: Report) -> Iterator[RenderableType]:
    """The whole report, part by part, for `Console.print`; of charts the titles."""
    yield words(Strong(report.title))
    if report.lead:
        yield words(report.lead)
    for section in report.sections:
        yield RichText()
        yield words(Strong(section.heading))
        for part in section.parts:
            yield from _part(part)


def _part(part: Part) -> Iterator[RenderableType]:
    match part:
        case Table():
            yield table(part)
        case Bars():
            yield _bars(part)
        case Chart():
            yield words(f"[chart: {part.title}]")
        case Beside():
            for group in part.groups:
                for inner in group:
                    yield from _part(inner)
        case Markdown():
            yield RichMarkdown(part.source)
        case _:
            yield words(part)


def words(piece: Inline | Text) -> RichText:
    """A piece of a sentence; never a `str`, which rich would read for markup."""
    match piece:
        case Text():
            return RichText.assemble(*map(words, piece.pieces))
        case Badge():
            return RichText(_visible(piece.text), style=_COLOURS[piece.level])
        case Strong():
            return RichText(_visible(piece.text), style="bold")
        case Name() | Key() | Link():
            return RichText(_visible(piece.text))
        case _:
            return RichText(_visible(str(piece)))


def table(given: Table, title: str = "") -> RichTable:
    """One table, with `title` above it."""
    made = RichTable(title=words(title) if title else None, title_justify="left")
    for place, header in enumerate(given.headers):
        short = any(isinstance(row[place], (Name, Badge)) for row in given.rows)
        made.add_column(words(header), justify="right" if given.is_numeric(place) else "left", no_wrap=short)
    for row in given.rows:
        made.add_row(*(_cell(cell, given.format_of(place)) for place, cell in enumerate(row)))
    return made


def _cell(cell: Cell, form: str) -> RichText:
    return RichText(shown(cell, form=form) if is_number(cell) else "") if cell is None or is_number(cell) else words(cell)


def _bars(bars: Bars) -> RichTable:
    made = RichTable(box=box.SIMPLE, show_header=False)
    for label, value in bars.rows:
        made.add_row(words(label), Bar(bars.top - bars.low, 0, max(value - bars.low, 0.0), width=_BAR_WIDTH), shown(value))
    return made


def _visible(text: str) -> str:
    """`text` on one line, without what would steer the terminal."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)
