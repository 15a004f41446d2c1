"""A `Report` for the terminal, by rich; no column name becomes rich's markup or a terminal's control sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
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
_GAP = 2
"""Blanks between the columns of a table without lines."""


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
            # A tenth of a second that few commands need.
            from rich.markdown import Markdown as RichMarkdown

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


def table(given: Table, title: str = "") -> Fitted:
    """One table, with `title` above it."""
    return Fitted(given, title)


@dataclass(frozen=True)
class Fitted:
    """A table for any width: with lines between its cells, without them, or row by row, where no word would have room in a column.

    Rich by itself shares a narrow terminal among the columns and breaks words for it.
    """

    given: Table
    title: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [[_cell(cell, self.given.format_of(place)) for place, cell in enumerate(row)] for row in self.given.rows]
        headers = [words(header) for header in self.given.headers]
        for plain, frame in ((False, 3 * len(headers) + 1), (True, _GAP * (len(headers) - 1))):
            if widths := self._widths(headers, cells, options.max_width - frame):
                yield self._table(headers, cells, widths, plain)
                return
        if self.title:
            yield words(Strong(self.title))
        for row in cells:
            yield from _record(headers, row)

    def _widths(self, headers: list[RichText], cells: list[list[RichText]], room: int) -> list[int]:
        """As wide as the columns may be together, none narrower than a word of its own; nothing where that is too much."""
        columns = [[header, *(row[place] for row in cells)] for place, header in enumerate(headers)]
        whole = [max(text.cell_len for text in column) for column in columns]
        least = [
            max(text.cell_len if self._is_short(place) and number else _longest_word(text) for number, text in enumerate(column))
            for place, column in enumerate(columns)
        ]
        if sum(least) > room:
            return []
        widths = list(whole)
        while (excess := sum(widths) - room) > 0:
            # The widest gives first, down to the next one or to its longest word.
            able = [place for place, width in enumerate(widths) if width > least[place]]
            widest = max(able, key=lambda place: widths[place])
            others = [widths[place] for place in able if widths[place] < widths[widest]]
            widths[widest] = max(least[widest], widths[widest] - excess, min(max(others, default=0), widths[widest] - 1))
        return widths

    def _is_short(self, place: int) -> bool:
        """Whether a column holds names or badges, which stay on one line."""
        return any(isinstance(row[place], (Name, Badge)) for row in self.given.rows)

    def _table(self, headers: list[RichText], cells: list[list[RichText]], widths: list[int], plain: bool) -> RichTable:
        style: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, _GAP, 0, 0)} if plain else {}
        made = RichTable(title=words(self.title) if self.title else None, title_justify="left", **style)
        for place, header in enumerate(headers):
            numeric = self.given.is_numeric(place)
            made.add_column(header, justify="right" if numeric else "left", width=widths[place], no_wrap=self._is_short(place))
        for row in cells:
            made.add_row(*row)
        return made


def _record(headers: list[RichText], row: list[RichText]) -> Iterator[RenderableType]:
    """One row below the other cells of it, each behind its header; the first that says something is the heading."""
    said = [(header, cell) for header, cell in zip(headers, row) if cell.plain]
    for number, (header, cell) in enumerate(said):
        text = RichText.assemble(header, " " if header.plain else "", cell)
        if number == 0:
            text.stylize("bold")
            yield text
        else:
            yield Padding(text, (0, 0, 0, 2))


def _longest_word(text: RichText) -> int:
    return max((cell_len(word) for word in text.plain.split()), default=0)


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
