"""`look_ahead`: what a training on a large file will take, told from its first rows, or why it cannot be."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.large.load import check, rows_of
from switchyard.tabular.tables.large.memory import free_memory
from switchyard.tabular.tables.large.rest import BATCH
from switchyard.tabular.tables.large.sample import CELL_BYTES, plainly_small, rows_allowed
from switchyard.tabular.tables.reading.rows import Rows
from switchyard.tabular.tables.resolve import check_names

HEAD = 20_000
"""Rows that are read."""
_VALUE_S = 1e-6
"""Seconds that typing and writing a value take, roughly."""
_ROUND_S = 2.5e-8
"""CPU seconds of a round of LightGBM for each value of the matrix, roughly."""


@dataclass(frozen=True)
class Ahead:
    """What is expected of a table that is larger than memory allows."""

    rows: int
    counted: bool
    """Whether the file says how many rows it has; else they are told from its size."""
    columns: int
    sample: int
    read_s: float
    """Of both readings and the rest's writing."""
    round_s: float
    """Of 100 rounds of the last fit."""
    memory: int
    """Bytes at the most."""
    disk: int
    """Bytes of the rest and of the prepared values."""

    def lines(self, budget: str) -> list[str]:
        """What a person reads, a line for each stage; `budget` says what bounds the search."""
        about = "" if self.counted else "about "
        return [
            f"rows     {about}{self.rows:,} x {self.columns} columns: a sample of {self.sample:,} is searched and scored on, the last fit "
            "learns from all",
            f"reading  about {self.read_s:,.0f} s",
            f"search   {budget}, on the sample",
            f"last fit about {self.round_s:,.0f} s for 100 rounds of boosting",
            f"memory   about {self.memory / 1e9:,.1f} GB ({free_memory() / 1e9:,.1f} GB are free), disk about {self.disk / 1e9:,.1f} GB",
        ]


def look_ahead(problem: Problem, path: Path) -> Ahead | None:
    """Of the file at `path` what its first rows say; None where it is within memory, so that it can be read whole.

    Raises
    ------
    InputError
        The config does not suit the table, or memory or disk is too small for it, with the way out.
    """
    wanted, label = problem.training.in_memory, problem.data.source
    if problem.data.query or (wanted == "auto" and plainly_small(path, label)):
        return None
    rows = rows_of(problem, path, label)
    began = time.monotonic()
    head = _head(rows)
    total = rows.size or _told_from_size(rows, head)
    most, sample = rows_allowed(len(rows.names), wanted)
    if total <= most:
        return None
    check(problem, f"{label} has more than the {most:,} rows that training.in_memory ({wanted}) allows")
    # Not resolved: the first rows of a table in some order may well be of one class.
    check_names(problem, rows.names, label)
    pace, columns, cores = (time.monotonic() - began) / head.num_rows, len(rows.names), psutil.cpu_count() or 1
    ahead = Ahead(
        rows=total,
        counted=rows.size is not None,
        columns=columns,
        sample=sample,
        read_s=total * (2 * pace + columns * _VALUE_S),
        round_s=100 * _ROUND_S * total * columns / cores,
        memory=CELL_BYTES * columns * (sample + BATCH) + total * (columns + 32),
        disk=total * (columns * 4 + head.nbytes // head.num_rows // 2),
    )
    _require(ahead, label)
    return ahead


def _head(rows: Rows) -> pa.RecordBatch:
    """The first rows."""
    held: list[pa.RecordBatch] = []
    for batch in rows.read():
        held.append(batch)
        if sum(part.num_rows for part in held) >= HEAD:
            break
    if not any(part.num_rows for part in held):
        raise InputError(f"{rows.label} has a header but no rows")
    return pa.Table.from_batches(held).slice(0, HEAD).combine_chunks().to_batches()[0]


def _told_from_size(rows: Rows, head: pa.RecordBatch) -> int:
    """How many rows a text has, by the bytes of its first ones; of a packed one fewer than there are."""
    offsets = 4 * (head.num_rows + 1) * head.num_columns
    a_row = (head.nbytes - offsets) / head.num_rows + head.num_columns
    return int(sum(file.stat().st_size for file in rows.files) / max(a_row, 1.0))


def _require(ahead: Ahead, label: str) -> None:
    free, room = free_memory(), shutil.disk_usage(tempfile.gettempdir()).free
    if ahead.memory > free:
        raise InputError(
            f"{label} takes about {ahead.memory / 1e9:,.1f} GB of memory and {free / 1e9:,.1f} GB are free; lower training.in_memory "
            f"({ahead.sample:,} rows of the sample), leave columns out by data.columns, or give fewer rows"
        )
    if ahead.disk > room:
        raise InputError(
            f"{label} takes about {ahead.disk / 1e9:,.1f} GB of disk and {room / 1e9:,.1f} GB are free at {tempfile.gettempdir()}; "
            "set TMPDIR to a larger one, or give fewer rows"
        )
