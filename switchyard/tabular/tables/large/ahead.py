"""`look_ahead`: what a training on a large file will take, told from its first rows, or why it cannot be."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa

from switchyard.tabular.config.learning import Tuning
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.large.load import check, rows_of
from switchyard.tabular.tables.large.memory import free_memory
from switchyard.tabular.tables.large.rest import BATCH
from switchyard.tabular.tables.large.sample import CELL_BYTES, plainly_small, rows_allowed
from switchyard.tabular.tables.reading.rows import Rows
from switchyard.tabular.tables.resolve import check_names

HEAD = 200_000
"""Rows that are read."""
# Seconds a value, measured on 10 million rows x 20 columns (two cores with nothing else to do).
_TYPED_S = 2e-7
"""Of the table: typed, counted and written."""
_CHECKED_S = 3.5e-6
"""Of the sample: profile, quality, expectations and their pages."""
_PREPARED_S = 1.5e-7
"""Of the table: made a number of the matrix that the last fit reads."""
_ROUND_S = 1e-8
"""CPU seconds of a round of boosting for each value of that matrix."""
_FEWEST_ROUNDS = 130
"""Of a last fit in the largest steps that there are: the sum of a thousand of 0.04."""
_PAGES_S = 20.0
"""Evaluation, explanation, documents, registration; they are of the sample."""
_BASE = 600_000_000
"""Bytes of the process and its libraries."""
_ROW_BYTES = 120
"""Of a row in the last fit besides its bins, of which boosting keeps two copies: target, gradients, margins, places."""


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
    check_s: float
    """Of what is looked at before the search."""
    fit_s: float
    """Of the last fit at the least: prepared, and in as few rounds as it may have."""
    memory: int
    """Bytes at the most."""
    disk: int
    """Bytes of the staged file, the rest, and the prepared values."""

    def lines(self, tuning: Tuning, search_s: float) -> list[str]:
        """What a person reads, a line for each stage; `search_s` of the budget are the search's, the others the last fit's on all rows."""
        kept, timed = tuning.budget_s - search_s, tuning.trials is None
        about, learns = "" if self.counted else "about ", "the last fit learns from all" if kept else "nothing learns from the others"
        longer = " (more than its part of the budget, in as few steps as it may take)" if self.fit_s > kept else ""
        fit_s = max(self.fit_s, kept) if kept else 0.0
        fit = f"about {fit_s:,.0f} s{longer}" if timed else f"{self.fit_s:,.0f} s at the least"
        in_all = math.ceil((self.read_s + self.check_s + search_s + fit_s + _PAGES_S) / 60)
        return [
            f"rows     {about}{self.rows:,} x {self.columns} columns: a sample of {self.sample:,} is searched and scored on, {learns}",
            f"reading  about {self.read_s:,.0f} s",
            f"checks   about {self.check_s:,.0f} s, on the sample",
            f"search   {f'at most {search_s:,.0f} s' if timed else f'{tuning.trials} trials a family'}, on the sample",
            *([f"last fit {fit}, on all rows"] if kept else []),
            f"pages    about {_PAGES_S:,.0f} s, on the sample",
            *([f"in all   about {in_all:,} min on this machine with nothing else to do"] if timed else []),
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
    head, pace = _head(rows)
    total = rows.size or _told_from_size(rows, head)
    most, sample = rows_allowed(len(rows.names), wanted)
    if total <= most:
        return None
    check(problem, f"{label} has more than the {most:,} rows that training.in_memory ({wanted}) allows")
    # Not resolved: the first rows of a table in some order may well be of one class.
    check_names(problem, rows.names, label)
    columns, cores, size = len(rows.names), psutil.cpu_count() or 1, sum(file.stat().st_size for file in rows.files)
    values = total * columns
    ahead = Ahead(
        rows=total,
        counted=rows.size is not None,
        columns=columns,
        sample=sample,
        read_s=2 * pace * total + _TYPED_S * values,
        check_s=_CHECKED_S * sample * columns,
        fit_s=values * (_PREPARED_S + _FEWEST_ROUNDS * _ROUND_S / cores),
        memory=_BASE + CELL_BYTES * columns * (sample + BATCH) + total * (2 * columns + _ROW_BYTES),
        disk=size + total * (columns * 4 + head.nbytes // head.num_rows // 2),
    )
    _require(ahead, label)
    return ahead


def _head(rows: Rows) -> tuple[pa.RecordBatch, float]:
    """The first rows, and the seconds that reading one takes, where the first batch tells nothing: files are looked at before it."""
    held: list[pa.RecordBatch] = []
    began = now = time.monotonic()
    for batch in rows.read():
        held.append(batch)
        now = time.monotonic()
        began = now if len(held) == 1 else began
        if sum(part.num_rows for part in held) >= HEAD:
            break
    if not any(part.num_rows for part in held):
        raise InputError(f"{rows.label} has a header but no rows")
    pace = (now - began) / max(1, sum(part.num_rows for part in held[1:]))
    return pa.Table.from_batches(held).slice(0, HEAD).combine_chunks().to_batches()[0], pace


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
