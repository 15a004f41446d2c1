"""`Texts`: the distinct texts of a column and the rows they are in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle import ColumnReading
from switchyard.bundle.plain import MISSING

_LISTED = 100
"""Different texts that a reading lists as missing; with more of them whatever can't be read is."""


@dataclass(frozen=True)
class Texts:
    """The distinct texts of a column and where they are."""

    raw: pa.Array
    trimmed: pa.Array
    codes: np.ndarray
    """Shape (n_rows,), index into `raw`, -1 where missing."""
    counts: np.ndarray
    """Rows of each text; 0 for blank ones and missing words."""

    @classmethod
    def of(cls, array: pa.Array, how: ColumnReading) -> Texts:
        encoded = array.dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
        blank = pc.is_in(trimmed, pa.array(["", MISSING, *how.missing])).to_numpy(zero_copy_only=False)
        if blank.any():
            codes = np.where(np.append(blank, True)[codes], -1, codes)
        return cls(encoded.dictionary, trimmed, codes, np.bincount(codes[codes >= 0], minlength=len(blank)))

    @property
    def used(self) -> np.ndarray:
        return self.counts > 0

    @property
    def distinct(self) -> int:
        return int(self.used.sum())

    @property
    def present(self) -> int:
        return int(self.counts.sum())

    def rows(self, wanted: np.ndarray) -> np.ndarray:
        """The rows whose text is one of the `wanted`, a bool for each distinct text."""
        return np.append(wanted, False)[self.codes]

    def strays(self, wanted: np.ndarray, how: ColumnReading) -> ColumnReading:
        """The reading that counts the `wanted` as missing."""
        words = [text for text, stray in zip(self.trimmed.to_pylist(), wanted, strict=True) if stray]
        if len(words) > _LISTED:
            return replace(how, lenient=True)
        return replace(how, missing=tuple(dict.fromkeys((*how.missing, *words))))

    def example(self, wanted: np.ndarray) -> str:
        """The first of the `wanted` in the order of the rows, quoted."""
        row = int(np.argmax(self.rows(wanted)))
        return repr(str(self.raw[int(self.codes[row])])[:40])
