"""`Report`: what an object shows of itself, as data; the modules `html`, `markdown` and `terminal` beside this one lay it out.

Whatever is text here is text everywhere: each renderer escapes it, so a column name never becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self

Level = Literal["good", "warn", "bad", "note"]


@dataclass(frozen=True)
class Badge:
    """A short judgement in its colour."""

    text: str
    level: Level


@dataclass(frozen=True)
class Name:
    """A column, class, file or config key: in the typeface of names where there is one."""

    text: str


@dataclass(frozen=True)
class Strong:
    """What the eye is to find first."""

    text: str


@dataclass(frozen=True)
class Key:
    """What a colour in a chart means."""

    text: str
    colour: str
    """As in CSS: #d1495b."""


@dataclass(frozen=True)
class Link:
    """A page beside this one."""

    text: str
    path: str
    """Relative to the page that it stands on."""


Inline = str | Badge | Name | Strong | Key | Link


@dataclass(frozen=True, init=False)
class Text:
    """A paragraph, or a cell, of several pieces; a plain `str` does where there is one."""

    pieces: tuple[Inline, ...]

    def __init__(self, *pieces: Inline) -> None:
        object.__setattr__(self, "pieces", pieces)


Cell = Inline | Text | int | float | None
"""Numbers are shown by their column's format; None is an empty cell, in Markdown a dash."""


@dataclass(frozen=True)
class Table:
    """Rows under headers.

    Parameters
    ----------
    headers : sequence of str, Name or Text
    rows : iterable of sequences of Cell, each as long as `headers`
    formats : mapping of header to format of its numbers, optional
        As in Python: ".1%", "+.4f". Floats without one have four significant digits.
    """

    headers: tuple[Inline | Text, ...]
    rows: tuple[tuple[Cell, ...], ...]
    formats: Mapping[str, str] = field(default_factory=dict)

    def __init__(self, headers: Sequence[Inline | Text], rows: Iterable[Sequence[Cell]], formats: Mapping[str, str] | None = None) -> None:
        object.__setattr__(self, "headers", tuple(headers))
        object.__setattr__(self, "rows", tuple(tuple(row) for row in rows))
        object.__setattr__(self, "formats", dict(formats or {}))

    def __bool__(self) -> bool:
        return bool(self.rows)

    def first(self, rows: int) -> Self:
        """The same with at most `rows` rows."""
        return replace(self, rows=self.rows[:rows])

    def only(self, *headers: Inline | Text) -> Self:
        """The same with these columns, in this order."""
        return self._at([self.headers.index(header) for header in headers])

    def without(self, *headers: Inline | Text) -> Self:
        """The same but for these columns."""
        return self._at([place for place, header in enumerate(self.headers) if header not in headers])

    def _at(self, places: Sequence[int]) -> Self:
        headers = [self.headers[place] for place in places]
        return replace(self, headers=headers, rows=[[row[place] for place in places] for row in self.rows])

    def format_of(self, place: int) -> str:
        """How the numbers of a column are shown; empty where nothing was said."""
        header = self.headers[place]
        # A class or column that happens to be called like one of our headers has no format.
        return self.formats.get(header, "") if isinstance(header, str) else ""

    def is_numeric(self, place: int) -> bool:
        """Whether a column holds numbers, or nothing, only."""
        cells = [row[place] for row in self.rows if row[place] is not None]
        return bool(cells) and all(is_number(cell) for cell in cells)


@dataclass(frozen=True)
class Bars:
    """Horizontal bars of (label, value) from `low` to `high`, with a line at `limit`."""

    rows: Sequence[tuple[str, float]]
    limit: float | None = None
    low: float = 0.0
    high: float | None = None
    """None: the largest value or the limit."""

    @property
    def top(self) -> float:
        """Where the bars end."""
        if self.high is not None:
            return self.high
        return max([value for _, value in self.rows] + ([] if self.limit is None else [self.limit]) + [self.low + 1e-12])


@dataclass(frozen=True)
class Chart:
    """A drawing: SVG for those who see it, a title for those who cannot."""

    svg: str
    """Made by `figures.chart` or from parts that escape their text: it goes into the page as it is."""
    title: str


@dataclass(frozen=True)
class Markdown:
    """A text that is Markdown already; HTML in it stays text."""

    source: str


@dataclass(frozen=True)
class Beside:
    """Groups of parts side by side where there is room; `framed` draws a line around each."""

    groups: tuple[tuple[Part, ...], ...]
    framed: bool = False

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Self:
        """Single parts side by side."""
        return cls(tuple((part,) for part in parts))


Part = str | Text | Table | Bars | Chart | Markdown | Beside


@dataclass(frozen=True, init=False)
class Section:
    """A heading and what stands under it."""

    heading: str
    parts: tuple[Part, ...]

    def __init__(self, heading: str, *parts: Part) -> None:
        object.__setattr__(self, "heading", heading)
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True)
class Report:
    """What an object shows of itself."""

    title: str
    lead: str
    """A paragraph under the title."""
    sections: Sequence[Section] = ()


def is_number(cell: Cell) -> bool:
    """Whether a cell is shown as a number."""
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)
