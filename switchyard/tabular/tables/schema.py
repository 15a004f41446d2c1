"""The `Schema`: what each column is (kind) and is for (role); it travels with the model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from switchyard.bundle import ColumnReading
from switchyard.bundle.seen import Seen
from switchyard.tabular.config.problem import Kind, Role

MISSING = "__missing__"
"""What a missing category is called inside the model; a value spelt like this counts as missing."""


class Column(BaseModel):
    """One column of the table, as inferred or overridden."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    role: Role
    missing: float = 0.0
    """Share of rows without a value, 0..1."""
    unique: int = 0
    integer: bool = False
    minimum: float | None = None
    """Smallest value; datetimes in epoch seconds. None for categories."""
    maximum: float | None = None
    categories: tuple[str, ...] = ()
    """Most frequent first, at most 1,000; for categorical columns."""
    hashes: str = ""
    """Features: all categories, where there are more, as `switchyard.bundle.seen` keeps them."""
    reason: str = ""
    """Why this kind and role, in a few words, for people."""
    reading: ColumnReading | None = None
    """How its values are read; None in schemas of before readings were kept, and where no model could use it."""

    @property
    def seen(self) -> Seen | None:
        """The categories; None where they are not known: of another kind, or a schema of before `hashes`."""
        if not self.categories or (self.unique > len(self.categories) and not self.hashes):
            return None
        return Seen(self.categories, self.hashes)


class Schema(BaseModel):
    """The columns in file order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]
    of: int | None = None
    """Rows of the whole table, where those at hand are a sample of it; else None."""

    @property
    def sampled(self) -> bool:
        """Whether the rows at hand are a sample of a table larger than memory."""
        return self.of is not None

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def with_role(self, role: Role) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role == role)

    @property
    def features(self) -> tuple[Column, ...]:
        return self.with_role("feature")

    @property
    def target(self) -> Column:
        return self.with_role("target")[0]

    @property
    def time(self) -> Column | None:
        return next(iter(self.with_role("time")), None)

    @property
    def weight(self) -> Column | None:
        """How much each row counts."""
        return next(iter(self.with_role("weight")), None)

    @property
    def group(self) -> Column | None:
        return next(iter(self.with_role("group")), None)
