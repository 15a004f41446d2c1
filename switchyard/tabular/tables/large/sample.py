"""`rows_allowed`: how many rows of a table may stand in memory; `draw`: a uniform sample of those of a larger one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from switchyard.tabular.tables.large.memory import free_memory
from switchyard.tabular.tables.progress import Progress
from switchyard.tabular.tables.reading.parts import files_at
from switchyard.tabular.tables.reading.rows import Rows

CELL_BYTES = 200
"""Of memory that a training takes for each value of a table it holds whole: 3.2 GB for a million rows of 16 columns, measured."""
_QUICK = 300
"""Bytes of memory for each byte of a file, packed or not, that a table hardly needs more than: below it nothing is counted."""
SAMPLE_ROWS = 300_000
"""Of a table that the machine's memory is too small for: what is tuned and scored on hardly changes with more."""
_LOOK_ROWS, _LOOK_VALUES = 200_000, 4_000_000
"""Of a table that is only looked at: seconds, and under a gigabyte."""
_FEWEST = 1000


@dataclass(frozen=True)
class Sample:
    """Some rows of a table, each as likely as any other."""

    rows: Rows
    """The chosen ones, in their order."""
    numbers: np.ndarray
    """int64 of shape (n,): their places in the table from 0 on, ascending."""
    of: int
    """Rows of the whole table."""


def plainly_small(path: Path, label: str) -> bool:
    """Whether the bytes of the file at `path`, or of its parts, say that memory is enough, so that nobody needs to count rows."""
    try:
        size = sum(file.stat().st_size for file in files_at(path, label) or (path,))
    except OSError:
        # Whoever reads it says what is wrong.
        return True
    return size * _QUICK <= free_memory()


def rows_allowed(columns: int, in_memory: Literal["auto"] | int) -> tuple[int, int]:
    """Rows up to which a table of so many columns is held whole, and the rows of the sample of a larger one."""
    if in_memory != "auto":
        return in_memory, in_memory
    most = max(_FEWEST, free_memory() // (CELL_BYTES * max(columns, 1)))
    return most, min(most, SAMPLE_ROWS)


def rows_to_look_at(columns: int) -> int:
    """Rows of a table of so many columns that are enough to say what its columns are."""
    return min(_LOOK_ROWS, max(_FEWEST, _LOOK_VALUES // max(columns, 1)))


def has_more(rows: Rows, most: int) -> bool:
    """Whether a table has more than `most` rows; reads no more of it than it takes to know."""
    if rows.size is not None:
        return rows.size > most
    seen = 0
    for batch in rows.read():
        seen += batch.num_rows
        if seen > most:
            return True
    return False


def draw(rows: Rows, size: int, seed: int) -> Sample:
    """`size` rows of a table drawn without regard to their place or content, in one reading, those of the smallest random numbers.

    Parameters
    ----------
    rows : Rows
    size : int
        Less than there are rows.
    seed : int
        The same rows for the same seed, on every machine.
    """
    rng, progress = np.random.default_rng(seed), Progress("read", rows.size)
    kept: list[tuple[np.ndarray, np.ndarray, pa.RecordBatch]] = []
    least, count, held = 1.0, 0, 0
    for batch in rows.read():
        keys = rng.random(batch.num_rows)
        chosen = np.flatnonzero(keys < least)
        if len(chosen):
            kept.append((keys[chosen], count + chosen, batch.take(pa.array(chosen))))
            held += len(chosen)
        count += batch.num_rows
        progress.at(count)
        if held > 2 * size:
            least, kept = _smallest(kept, size)
            held = size
    _, kept = _smallest(kept, size)
    batches = [batch for _, _, batch in kept]
    return Sample(replace(rows, read=lambda: iter(batches), size=size), np.concatenate([numbers for _, numbers, _ in kept]), count)


def _smallest(
    kept: list[tuple[np.ndarray, np.ndarray, pa.RecordBatch]], size: int
) -> tuple[float, list[tuple[np.ndarray, np.ndarray, pa.RecordBatch]]]:
    """The `size` smallest keys: what the next one has to be below, and the rows of them, batch by batch."""
    keys = np.concatenate([keys for keys, _, _ in kept])
    if len(keys) <= size:
        return 1.0, kept
    least = float(np.partition(keys, size)[size])
    found = []
    for keys, numbers, batch in kept:
        chosen = np.flatnonzero(keys < least)
        if len(chosen):
            found.append((keys[chosen], numbers[chosen], batch.take(pa.array(chosen))))
    return least, found
