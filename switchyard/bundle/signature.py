"""The `Signature`: what a bundle's columns and answers mean, as kept in signature.json."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from switchyard.bundle.seen import Seen

FORMAT = 1
"""Version of the bundle's format; a reader refuses any other."""
NAMED_CATEGORIES = 50
"""So many are kept by name; where there are as many or more, `hashes` holds all."""


@dataclass(frozen=True)
class Column:
    """One input column."""

    name: str
    kind: str
    """numeric, boolean, datetime, categorical or text."""
    input: str
    """Which of the graph's inputs holds it: numeric or categorical."""
    position: int
    """Its column of that input."""
    integer: bool = False
    minimum: float | None = None
    """Smallest value seen in training; datetimes in epoch seconds. Values outside are scored all the same."""
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    """Those of training, most frequent first, at most `NAMED_CATEGORIES`; what training did not see is scored as unknown."""
    missing: float = 0.0
    """Share of training rows without a value, 0..1. A missing value is scored whatever the share was."""
    optional: bool = False
    """Whether requests may come without it: the version before did not need it, and nothing was said that requires it."""
    hashes: str = ""
    """All categories of training as `switchyard.bundle.seen` keeps them, where not all are named."""

    @cached_property
    def seen(self) -> Seen | None:
        """What training saw; None where that is not known: no categories, or a signature of before `hashes` that may name some only."""
        if not self.categories or (len(self.categories) >= NAMED_CATEGORIES and not self.hashes):
            return None
        return Seen(self.categories, self.hashes)

    @property
    def shown_categories(self) -> str:
        """The first eight, and how many more training saw."""
        more = max(len(self.categories), self.seen.kept if self.seen else 0) - 8
        return ", ".join(self.categories[:8]) + (f" and {more:,} more" if more > 0 else "")


@dataclass(frozen=True)
class Other:
    """A column of the training table that the model does not take; it may come, and says nothing to the model."""

    name: str
    role: str
    """What it is for: target, id, group, time or ignored; dropped where training left out a feature."""
    kind: str


@dataclass(frozen=True)
class Interval:
    """The conformal interval of a regression: prediction plus and minus `half_width`, in units of the target."""

    coverage: float
    half_width: float


@dataclass(frozen=True)
class Signature:
    """Everything about a bundle that is not in the graph."""

    name: str
    task: str
    """binary, multiclass or regression."""
    target: str
    columns: tuple[Column, ...]
    classes: tuple[str, ...] = ()
    """Labels by index; empty for a regression."""
    positive_class: str | None = None
    threshold: float | None = None
    """Binary: the positive class is answered from this probability on."""
    interval: Interval | None = None
    metric: str | None = None
    trained_until: str | None = None
    """Time splits: how far training saw, the first moment that it did not or else the newest of all."""
    others: tuple[Other, ...] = ()
    """The other columns of the training table; empty in bundles of before they were kept."""
    format: int = FORMAT

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The columns of the graph's `numeric` input, by position."""
        return self._of_input("numeric")

    @property
    def categorical(self) -> tuple[Column, ...]:
        """The columns of the graph's `categorical` input, by position."""
        return self._of_input("categorical")

    def _of_input(self, name: str) -> tuple[Column, ...]:
        return tuple(sorted((column for column in self.columns if column.input == name), key=lambda column: column.position))

    def to_json(self) -> str:
        """The text of signature.json, the same for equal signatures."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """The signature that `to_json` wrote.

        Raises
        ------
        ValueError
            When the text is of another format version or lacks a field.
        """
        fields = json.loads(text)
        if fields.get("format") != FORMAT:
            raise ValueError(f"signature.json has format {fields.get('format')!r}; this code reads format {FORMAT}")
        try:
            columns = tuple(Column(**{**column, "categories": tuple(column["categories"])}) for column in fields.pop("columns"))
            interval = fields.pop("interval")
            others = tuple(Other(**other) for other in fields.pop("others", ()))
            classes = tuple(fields.pop("classes"))
            return cls(columns=columns, classes=classes, interval=Interval(**interval) if interval else None, others=others, **fields)
        except (KeyError, TypeError) as error:
            raise ValueError(f"signature.json is damaged: {error}") from None

    @classmethod
    def read(cls, folder: str | Path) -> Signature:
        """The signature of the bundle in `folder`."""
        return cls.from_json((Path(folder) / "signature.json").read_text(encoding="utf-8"))
