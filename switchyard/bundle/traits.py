"""`Traits`: how attributes of a user or an item become words, decided once in training and kept in the graph of a recommender."""

from __future__ import annotations

import dataclasses
import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from switchyard.bundle.plain import MISSING, shown
from switchyard.bundle.reading import ColumnReading

KEY = "traits"
"""Under which a graph's metadata has them."""
MOST = 200
"""Words of one user or item."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Trait:
    """One attribute."""

    name: str
    how: ColumnReading
    edges: tuple[float, ...] = ()
    """Upper ends of the parts that numbers fall into, rising, but for the last, which has none; of texts none."""

    def words(self, value: Any) -> list[str]:
        """Those of a number its part, of a text its own; none where it is missing.

        Raises
        ------
        ValueError
            Says why it can't be read, in words that follow its name.
        """
        found = self.how.value(value)
        if found != found or found is None or found in (MISSING, ""):
            return []
        if self.how.kind in ("numeric", "datetime"):
            return [f"{self.name}={bisect_left(self.edges, found)}"] if self.edges else []
        return [f"{self.name}:{word}" for word in _WORD.findall(str(found).casefold())]


@dataclass(frozen=True)
class Traits:
    """All attributes, in the order of their table."""

    each: tuple[Trait, ...] = ()

    def words(self, attributes: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The words of `attributes`, each once, and a note on each that says nothing."""
        known = {trait.name: trait for trait in self.each}
        words: dict[str, None] = {}
        notes = []
        for name in attributes.keys() - known.keys():
            listed = ", ".join(repr(one) for one in known)
            notes.append(f"attributes: {shown(name)} is none that the model learnt from, and left aside; there are {listed}")
        for name, trait in known.items():
            try:
                words |= dict.fromkeys(trait.words(attributes.get(name)))
            except ValueError as error:
                notes.append(f"attributes: {name!r}: {error}, and left aside")
        return tuple(words)[:MOST], tuple(sorted(notes))

    def to_json(self) -> str:
        """The same text for equal traits."""
        return json.dumps([dataclasses.asdict(trait) for trait in self.each], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        return cls(tuple(Trait(one["name"], ColumnReading.of_fields(one["how"]), tuple(one["edges"])) for one in json.loads(text)))
