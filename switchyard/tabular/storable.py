"""What every object that flows between steps can do: be kept in open formats, and be looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from switchyard.tabular.report import html
from switchyard.tabular.report.report import Report

Fact = str | int | float | bool


class Storable(ABC):
    """An object kept as files of open formats in one folder.

    Equal objects write equal bytes: the content hash of the folder is what the cache goes by.
    """

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write the object into the empty `folder`."""

    @classmethod
    @abstractmethod
    def read(cls, folder: Path) -> Self:
        """The object that `write` put into `folder`."""

    def report(self) -> Report | None:
        """What there is to see, as data, or None where there is nothing."""
        return None

    def html(self) -> str | None:
        """The report as a static page (no scripts, inline SVG)."""
        report = self.report()
        return None if report is None else html.page(report)

    def _repr_html_(self) -> str | None:
        """What a notebook shows of it."""
        return self.html()

    def metadata(self) -> dict[str, Fact]:
        """The few scalars worth showing beside the artifact."""
        return {}


class Record(BaseModel, Storable):
    """A `Storable` made of plain fields, kept as one JSON file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, folder: Path) -> None:
        (folder / "object.json").write_text(self.model_dump_json(indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        return cls.model_validate_json((folder / "object.json").read_text(encoding="utf-8"))
