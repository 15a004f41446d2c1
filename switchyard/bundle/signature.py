"""The `Signature`: what a bundle's columns and answers mean, as kept in signature.json."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from switchyard.bundle.plain import MISSING, unpointed
from switchyard.bundle.quantiles import Quantiles
from switchyard.bundle.reading import ColumnReading
from switchyard.bundle.seen import Seen
from switchyard.bundle.sets import Sets
from switchyard.bundle.unlike import Unlike

FORMAT = 2
"""Version of the bundle's format; 1, which had no readings, is read too, and `FORMAT_OF_TEXTS`, any other refused."""
FORMAT_OF_TEXTS = 3
"""Of a bundle that takes free texts, which code of before would give to the graph as they come."""
RECOMMENDATION = "recommendation"
"""The task whose rows are requests (`switchyard.bundle.requests`) and whose labels are items."""
NAMED_CATEGORIES = 50
"""So many are kept by name; where there are as many or more, `hashes` holds all."""


@dataclass(frozen=True)
class Column:
    """One input column."""

    name: str
    kind: str
    """numeric, boolean, datetime, categorical or text; of a recommender's requests id, ids or count."""
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

    reading: ColumnReading = None  # type: ignore[assignment]
    """How its values are read; plainly where it is not given."""

    def __post_init__(self) -> None:
        if self.reading is None:
            object.__setattr__(self, "reading", ColumnReading(self.kind))

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
    """What it is for: target, id, group, time, weight or ignored; dropped where training left out a feature."""
    kind: str
    reading: ColumnReading | None = None
    """How its values are read: of a time column, whose moments are logged though the model does not take them."""


def _column(fields: dict[str, Any], version: int) -> Column:
    reading = _reading_of_1(fields["kind"]) if version == 1 else ColumnReading.of_fields(fields["reading"])
    return Column(**{**fields, "categories": tuple(fields["categories"]), "reading": reading})


def _other(fields: dict[str, Any]) -> Other:
    reading = fields.get("reading")
    return Other(**{**fields, "reading": ColumnReading.of_fields(reading) if reading else None})


def _reading_of_1(kind: str) -> ColumnReading:
    """How code of format 1 read every column of a kind."""
    return ColumnReading(kind, missing=(), exact=True)


@dataclass(frozen=True)
class Interval:
    """The conformal interval of a regression: prediction plus and minus `half_width`, in units of the target.

    Of counts the graph lets the lower end fall no lower than zero.
    """

    coverage: float
    half_width: float


@dataclass(frozen=True)
class Signature:
    """Everything about a bundle that is not in the graph."""

    name: str
    task: str
    """binary, multiclass, regression or recommendation."""
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
    label: ColumnReading = None  # type: ignore[assignment]
    """How values of the target are read."""
    sets: Sets | None = None
    """Of a classification that was asked for them; not in the text where it was not, so that older code reads it too."""
    unlike: Unlike | None = None
    """Of a clustering, whose answers have a distance; not in the text of others."""
    quantiles: Quantiles | None = None
    """Of a regression that was asked for them; not in the text of others."""

    def __post_init__(self) -> None:
        if self.label is None:
            kind = "categorical" if self.classes or self.task == RECOMMENDATION else "numeric"
            object.__setattr__(self, "label", ColumnReading(kind, strip=True))

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The columns of the graph's `numeric` input, by position."""
        return self._of_input("numeric")

    @property
    def categorical(self) -> tuple[Column, ...]:
        """The columns of the graph's `categorical` input, by position."""
        return self._of_input("categorical")

    def moments_in(self, name: str) -> ColumnReading:
        """How the moments in column `name` are read: as training read it, where it did."""
        known: list[Column | Other] = [*self.columns, *self.others]
        readings = [column.reading for column in known if column.name == name and column.kind == "datetime" and column.reading is not None]
        return readings[0] if readings else _reading_of_1("datetime")

    def _of_input(self, name: str) -> tuple[Column, ...]:
        return tuple(sorted((column for column in self.columns if column.input == name), key=lambda column: column.position))

    def to_json(self) -> str:
        """The text of signature.json, the same for equal signatures."""
        fields = dataclasses.asdict(self)
        for name in ("sets", "unlike", "quantiles"):
            if fields[name] is None:
                del fields[name]
        return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Signature:
        """The signature that `to_json` wrote.

        Raises
        ------
        ValueError
            When the text is of another format version or lacks a field.
        """
        fields = json.loads(text)
        if fields.get("format") not in range(1, FORMAT_OF_TEXTS + 1):
            raise ValueError(f"signature.json has format {fields.get('format')!r}; this code reads formats 1 to {FORMAT_OF_TEXTS}")
        try:
            columns = tuple(_column(column, fields["format"]) for column in fields.pop("columns"))
            interval = fields.pop("interval")
            others = tuple(_other(other) for other in fields.pop("others", ()))
            classes = tuple(fields.pop("classes"))
            label = (
                _reading_of_1("categorical" if classes else "numeric")
                if fields["format"] == 1
                else ColumnReading.of_fields(fields.pop("label"))
            )
            return cls(
                columns=columns,
                classes=classes,
                interval=Interval(**interval) if interval else None,
                others=others,
                label=label,
                sets=Sets.of(fields.pop("sets", None)),
                unlike=Unlike.of(fields.pop("unlike", None)),
                quantiles=Quantiles.of(fields.pop("quantiles", None)),
                **fields,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"signature.json is damaged: {error}") from None

    def label_of(self, value: Any) -> str:
        """The class, or the text of the number, that `value` is as a label.

        Raises
        ------
        ValueError
            Says, in words that follow the name of a column or part, why it is none.
        """
        found = self.label.value(value)
        if found in (MISSING, "") or found != found:
            raise ValueError("there is no label")
        if self.task == RECOMMENDATION:
            return str(found)
        if not self.classes:
            return repr(found)
        names = [found]
        if found not in self.classes and self.format == 1:
            # "1.0" of a spreadsheet is the class "1", where there is no class "1.0".
            names += [unpointed(found), found.capitalize()]
        for name in names:
            if name in self.classes:
                return name
        listed = ", ".join(self.classes[:10]) + (", ..." if len(self.classes) > 10 else "")
        raise ValueError(f"{found[:60]!r} is not a class of the model; those are {listed}")

    @classmethod
    def read(cls, folder: str | Path) -> Signature:
        """The signature of the bundle in `folder`."""
        return cls.from_json((Path(folder) / "signature.json").read_text(encoding="utf-8"))
