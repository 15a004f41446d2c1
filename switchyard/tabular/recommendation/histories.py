"""`Histories`: what many users took, each in its order, laid end to end; and the weights that their places have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse

from switchyard.bundle.requests import Request

LONGEST = 300
"""Items of a history that count, the latest; what was before is only never answered again."""


@dataclass(frozen=True, eq=False)
class Histories:
    """Item lists of n users.

    Attributes
    ----------
    starts : ndarray of int64, shape (n + 1,)
        List i is `items[starts[i] : starts[i + 1]]`.
    items : ndarray of int64
        Places in a catalogue, oldest first, none twice in one list.
    who : tuple of n mappings
        Attributes of each user by name, as JSON has them; empty where none are known of anybody.
    """

    starts: np.ndarray
    items: np.ndarray
    who: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, lists: Iterable[Sequence[int] | np.ndarray], who: Sequence[Mapping[str, Any]] = ()) -> Self:
        """The histories of these lists; of equal items in one the last stays."""
        kept = [_latest(np.asarray(one, dtype=np.int64)) for one in lists]
        starts = np.concatenate([[0], np.cumsum([len(one) for one in kept])]).astype(np.int64)
        return cls(starts, np.concatenate(kept) if kept else np.zeros(0, np.int64), tuple(who))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, place: int) -> np.ndarray:
        return self.items[self.starts[place] : self.starts[place + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)

    def part(self, places: np.ndarray) -> Histories:
        """The lists at `places`."""
        return Histories.of((self[place] for place in places), [self.who[place] for place in places] if self.who else ())

    @property
    def ages(self) -> np.ndarray:
        """How many later items each one has in its list, shape (n_items_of_all,)."""
        return np.repeat(self.starts[1:], self.lengths) - 1 - np.arange(len(self.items))

    def weighted(self, half_life: float | None, n_items: int) -> sparse.csr_matrix:
        """The lists as rows of a matrix (n, n_items): 1 for the latest item, 1/2 for one `half_life` places before, 0 beyond `LONGEST`."""
        weights = place_weights(self.ages, half_life)
        matrix = sparse.csr_matrix((weights, self.items, self.starts), shape=(len(self), n_items), copy=True)
        matrix.eliminate_zeros()
        return matrix

    def mask(self, n_items: int) -> np.ndarray:
        """bool of shape (n, n_items): what is in the list."""
        found = np.zeros((len(self), n_items), dtype=bool)
        found[np.repeat(np.arange(len(self)), self.lengths), self.items] = True
        return found


def requests_of(histories: Histories, ids: np.ndarray, k: int) -> list[Request]:
    """Requests that bring these histories, and the attributes of who asks; `ids` are those of the catalogue, str."""
    who = histories.who or ({},) * len(histories)
    return [Request(history=tuple(ids[histories[row]].tolist()), k=k, attributes=who[row]) for row in range(len(histories))]


def place_weights(ages: np.ndarray, half_life: float | None) -> np.ndarray:
    """float32 weights of items that have `ages` later ones."""
    weights = np.ones(len(ages)) if half_life is None else np.exp2(-ages / half_life)
    return np.where(ages < LONGEST, weights, 0.0).astype(np.float32)


def _latest(items: np.ndarray) -> np.ndarray:
    _, places = np.unique(items[::-1], return_index=True)
    return items[np.sort(len(items) - 1 - places)]
