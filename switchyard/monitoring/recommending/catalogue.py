"""`Catalogue`: the items and users that a version has learnt from, as its reference keeps them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from switchyard.bundle.seen import Seen
from switchyard.tabular.tables.table import read_frame, write_frame

_ITEMS, _FACTS = "catalogue.parquet", "catalogue.json"
_FEWEST_POPULAR = 10


@dataclass(frozen=True)
class Catalogue:
    """What the version knows.

    Attributes
    ----------
    items : DataFrame with columns item (str) and takers (int)
        How many users took each.
    users : str
        Hashes of their ids (`switchyard.bundle.seen.hash_categories`): a reference names no customer.
    new_items : (int, int)
        Of the holdout's items so many, of so many, had not been taken before the split.
    new_users : (int, int)
        The same of its users.
    """

    items: pd.DataFrame
    users: str
    new_items: tuple[int, int]
    new_users: tuple[int, int]

    def write(self, folder: Path) -> None:
        write_frame(self.items, folder / _ITEMS)
        facts = {"users": self.users, "new_items": self.new_items, "new_users": self.new_users}
        (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """What `write` put there; None of a version that is no recommendation."""
        if not (folder / _FACTS).exists():
            return None
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        return cls(read_frame(folder / _ITEMS), facts["users"], tuple(facts["new_items"]), tuple(facts["new_users"]))

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The items' ids."""
        return frozenset(self.items["item"])

    @cached_property
    def popular(self) -> frozenset[str]:
        """The hundredth of the items (10 at least) that most users took."""
        order = np.argsort(-self.items["takers"].to_numpy(), kind="stable")
        return frozenset(self.items["item"].iloc[order[: max(_FEWEST_POPULAR, len(self) // 100)]])

    def strangers(self, users: Sequence[str]) -> np.ndarray:
        """Which of the distinct `users` it has not learnt from, bool of shape (n,)."""
        return Seen((), self.users).unseen(users)
