"""`Manifest`: what became of each part of a table that is scored file by file, beside the answers, so that a run can go on."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from switchyard.outputs import whole_file
from switchyard.permissions import shared
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.reading.parts import PARQUET

NAME = "_manifest.json"
"""Readers of Parquet folders, ours among them, pass what begins so."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Record):
    """One file of the table."""

    part: str
    """Its path, from the folder that all are in."""
    output: str
    """Where its answers are, from the manifest's folder."""
    state: Literal["waiting", "done", "refused"] = "waiting"
    input: str = ""
    """Digest of the file that was scored or refused."""
    rows: int = 0
    """Of the answers, once they are there."""
    prediction_ids: str = ""
    """What they begin with."""
    trouble: str = ""
    """Why it can't be scored."""


class How(_Record):
    """What all parts are scored by."""

    model: str
    version: str
    digest: str
    extra: str
    explain: bool
    logged: bool


class Manifest(_Record):
    """Kept whole at every moment: it is replaced when a part is done."""

    how: How
    parts: tuple[Part, ...]

    @classmethod
    def begun(cls, folder: Path, how: How, names: Sequence[str]) -> Self:
        """The manifest of `folder`, with what was done before and what is waiting.

        Parameters
        ----------
        folder : Path
            May not be there yet.
        how : How
        names : sequence of str
            Of the parts.

        Raises
        ------
        InputError
            What is in the folder was scored otherwise, or is of no part of the table, so that both together would be wrong.
        """
        before = cls._read(folder)
        if before and before.how != how:
            said, asked = before.how.model_dump(), how.model_dump()
            key = next(key for key in asked if asked[key] != said[key])
            raise InputError(
                f"{folder / NAME} has parts that were scored with {key} {said[key]}, and this run has {key} {asked[key]}; "
                "name another folder, or ask for the same"
            )
        known = {part.part: part for part in before.parts} if before else {}
        parts = tuple(known.get(name) or Part(part=name, output=output_of(name)) for name in names)
        expected = {part.output for part in parts}
        strange = [path for path in _tables_in(folder) if path not in expected]
        if strange:
            more = f", nor {count_of(len(strange) - 1, 'more file')}" if len(strange) > 1 else ""
            raise InputError(
                f"{folder / strange[0]} is of no part of the table{more}, and whoever reads the folder reads it too; remove it, or name "
                "another folder"
            )
        return cls(how=how, parts=parts)

    @classmethod
    def _read(cls, folder: Path) -> Self | None:
        try:
            return cls.model_validate_json((folder / NAME).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            raise InputError(f"{folder / NAME} is no manifest of scored parts; remove it, or name another folder") from None

    @property
    def rows(self) -> int:
        """Rows of the parts that are done."""
        return sum(part.rows for part in self.parts)

    def with_part(self, place: int, changed: Part) -> Self:
        """The manifest with `changed` in this place."""
        return self.model_copy(update={"parts": (*self.parts[:place], changed, *self.parts[place + 1 :])})

    def write(self, folder: Path) -> None:
        """Put it into `folder`."""
        with whole_file(folder / NAME, "run") as path:
            path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")


def is_done(part: Part, digest: str, folder: Path) -> bool:
    """Whether the answers to a file of this digest are in `folder`, as many as there were."""
    return part.state == "done" and part.input == digest and rows_in(folder / part.output) == part.rows


def output_of(name: str) -> str:
    """Where the answers to a part are: a Parquet file of its name."""
    return name if name.lower().endswith(PARQUET) else f"{name}.parquet"


def rows_in(path: Path) -> int:
    """Rows of a Parquet file; -1 where there is none that is whole."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException):
        return -1


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """`folder`, made where it is not there, for this process alone, however it ends.

    Raises
    ------
    InputError
        Another has it.
    """
    with shared():
        folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another run writes to {folder}; wait for its end, or name another folder") from None
        yield
    finally:
        os.close(descriptor)


def _tables_in(folder: Path) -> Iterator[str]:
    """Parquet files below `folder`, by their paths from it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PARQUET and not path.name.startswith("."):
            yield str(path.relative_to(folder))
