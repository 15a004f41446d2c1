"""`Blocks`: a matrix of which the first rows stand in memory and the others in a file, for families that can learn from such a one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

BLOCK = 65_536
"""Rows that are read at once."""


class Blocks:
    """A float32 matrix of shape (n, m).

    Parameters
    ----------
    first : ndarray of shape (k, m)
        Those in memory.
    folder : Path, optional
        Where the file of the others is, which has no name and goes with this object; 4 bytes for each value.
    cut_by : ndarray of shape (l, m), optional
        Drawn uniformly from all rows there are, so that bins are cut by them; `first` where it is not given.
    """

    def __init__(self, first: np.ndarray, folder: Path | None = None, cut_by: np.ndarray | None = None) -> None:
        self.first = np.ascontiguousarray(first, dtype=np.float32)
        self.cut_by = self.first if cut_by is None else cut_by
        self.others = 0
        """Rows in the file."""
        # Without a name it is gone with its last reader.
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.first.shape[1]

    def __len__(self) -> int:
        return len(self.first) + self.others

    def append(self, rows: np.ndarray) -> None:
        """Put rows behind those that are there."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(rows, dtype=np.float32).tobytes())
        self.others += len(rows)

    def slice(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop` of those in the file."""
        width = self.first.shape[1]
        self._file.seek(4 * width * start)
        read = self._file.read(4 * width * (min(stop, self.others) - start))
        return np.frombuffer(read, dtype=np.float32).reshape(-1, width)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop` of all."""
        held = len(self.first)
        parts = [self.first[start:stop]] if start < held else []
        if stop > held:
            parts.append(self.slice(max(0, start - held), stop - held))
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """All rows in order, `BLOCK` at most at a time."""
        for start in range(0, len(self.first), BLOCK):
            yield self.first[start : start + BLOCK]
        for start in range(0, self.others, BLOCK):
            yield self.slice(start, start + BLOCK)
