"""`Source`: somewhere that tables come from, and `RawTable`, what comes from there."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from switchyard.parts import Part
from switchyard.tabular.tables.reading.credentials import without_credentials
from switchyard.tabular.tables.reading.headers import drop_nameless, named
from switchyard.tabular.tables.table import digest_frame

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data


@dataclass(frozen=True)
class RawTable:
    """A table as read: rows in the source's order, columns named, types still the source's."""

    frame: pd.DataFrame
    source: str
    """What the user wrote, without credentials."""
    revision: str
    """`dvc:<md5>` or `sha256:<hex>`."""
    notes: tuple[str, ...] = ()
    """What was done on the way that the user should know, one sentence each."""

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, label: str, notes: tuple[str, ...] = ()) -> RawTable:
        """A table that no file holds: its revision is the digest of its content."""
        frame, nameless = drop_nameless(frame, label)
        return cls(frame, label, f"sha256:{digest_frame(frame)}", (*notes, *nameless))


class Source(Part, ABC):
    """Somewhere that tables come from; `data.source` is NAME:... unless `takes` says otherwise."""

    noun = "source"
    home = "switchyard.tabular.tables.reading.sources:SOURCES"

    in_memory: ClassVar[bool] = True
    """It comes as a whole; else it is a file that can be read in parts."""
    general: ClassVar[bool] = False
    """It takes what no other source does."""

    def takes(self, data: Data) -> bool:
        """Whether `data.source` is for it."""
        return data.source.strip().startswith(f"{self.name}:")

    def read(self, data: Data, base: Path | None) -> RawTable:
        """Read the table; relative paths start from `base`, or from the working directory.

        Raises
        ------
        InputError
            With one line that names what, the place in it and the way out, without credentials.
        """
        frame, label = self.frame(data), without_credentials(data.source.strip())
        names, notes = named([str(name) for name in frame.columns], label, "header")
        return RawTable.of_frame(frame.set_axis(list(names), axis=1), label, notes)

    def frame(self, data: Data) -> pd.DataFrame:
        """The table as it is there, all that `read` needs by default; text stays text."""
        raise NotImplementedError(f"source {self.name} neither has a frame nor reads one")
