"""`Seen`: which categories training saw, however many they were, without their names.

A category is kept as 64 bits of its BLAKE2b, so a signature of 100,000 categories grows by one megabyte and names no customer.
No category of training is ever called new; one that is new is taken for known with a chance of n / 2**64, which for n = 100,000
is 5e-15.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

_BYTES = 8


def hash_categories(values: Iterable[str]) -> str:
    """The hashes of distinct categories, sorted, as base64 of little-endian 64-bit integers; empty for none."""
    return base64.b64encode(np.unique(_hashes(values)).astype("<u8").tobytes()).decode()


class Seen:
    """The categories of one column.

    Parameters
    ----------
    named : sequence of str
        Those that are kept by name.
    hashes : str
        Of `hash_categories`, over all of them; empty where those that are named are all.
    """

    def __init__(self, named: Sequence[str], hashes: str = "") -> None:
        self._named = frozenset(named)
        self._hashes = np.frombuffer(base64.b64decode(hashes), dtype="<u8")

    @property
    def kept(self) -> int:
        """How many there are."""
        return max(len(self._named), len(self._hashes))

    def unseen(self, values: Sequence[str]) -> np.ndarray:
        """Which of `values` training did not see, shape (n,), bool. Give distinct values: each takes a microsecond."""
        found = np.array([value not in self._named for value in values], dtype=bool)
        if found.any() and len(self._hashes):
            strange = np.flatnonzero(found).tolist()
            found[strange] = ~np.isin(_hashes(values[at] for at in strange), self._hashes)
        return found


def _hashes(values: Iterable[str]) -> np.ndarray:
    # Lone surrogates are in no UTF-8, and in tables all the same.
    digests = b"".join(hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest() for value in values)
    return np.frombuffer(digests, dtype="<u8")
