"""The `Contract`: which columns a model must be sent, which may be absent, and which may come without being used."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from switchyard.bundle.encoding import BadInput
from switchyard.bundle.signature import Signature

_LEFTOVER = re.compile(r"|Unnamed: \d+(_level_\d+)?|__index_level_\d+__")
"""What an export calls the numbers of its rows, which are nobody's column."""
_MISSPELT = 0.8
"""Likeness of two names, 0..1, from which a stranger is taken for an optional column that did not come."""
_ALIKE = 0.6
"""Likeness from which it is worth asking, where a column must come and did not."""
_NAMED = 10
_COMPARED = 5_000
"""Pairs of names that are compared at most: a request may hold any number of names."""


@dataclass(frozen=True)
class Match:
    """How the columns that came agree with those of a model."""

    unknown: tuple[str, ...] = ()
    """Neither the model nor its training knows them; they are left aside."""
    absent: tuple[str, ...] = ()
    """Optional ones of the model that did not come; null is taken for them."""


_EXACT = Match()


class Contract:
    """What a client of a model agrees to, by its signature.

    Parameters
    ----------
    signature : Signature
    also : collection of str
        Further columns that may come, such as those that the config names.

    Attributes
    ----------
    known : frozenset of str
        The columns of the model, those that training left out (the target too), and `also`.
    """

    def __init__(self, signature: Signature, also: Collection[str] = ()) -> None:
        self._columns = signature.columns
        self._names = frozenset(column.name for column in signature.columns)
        self.known = self._names.union((other.name for other in signature.others), (signature.target,), also)

    def match(self, names: Collection[str]) -> Match:
        """Hold the names of the columns that came against the contract.

        Raises
        ------
        BadInput
            Columns that must come did not, all of which it names; or an optional one did not, and another looks like it
            misspelt: a typing error must not become a null.
        """
        if names == self._names:
            return _EXACT
        came = frozenset(names)
        unknown = tuple(name for name in names if name not in self.known and not _LEFTOVER.fullmatch(name))
        lacking = [column for column in self._columns if column.name not in came]
        required = [column for column in lacking if not column.optional]
        if required:
            raise _missing({column.name: column.kind for column in required}, unknown)
        if lacking and len(lacking) == len(self._columns):
            raise _nothing([column.name for column in lacking], unknown)
        absent = tuple(column.name for column in lacking)
        for lost, stranger in _look_alikes(absent, unknown, _MISSPELT):
            problem = f"is not a column of the model; did you mean {lost!r}? Where it is not, send {lost!r} too, as null"
            raise BadInput(stranger, None, problem)
        return Match(unknown, absent)


def _missing(kinds: Mapping[str, str], unknown: Sequence[str]) -> BadInput:
    first, *others = kinds
    problem = f"is missing ({kinds[first]})"
    if others:
        problem += f", and so {'is' if len(others) == 1 else 'are'} {_listed([f'{name!r} ({kinds[name]})' for name in others])}"
    hints = [f"{lost!r} by {stranger!r}" for lost, stranger in _look_alikes(kinds, unknown, _ALIKE)]
    if hints:
        problem += f"; did you mean {_listed(hints)}?"
    return BadInput(first, None, f"{problem}; send a value, or null where it is not known")


def _nothing(names: Sequence[str], unknown: Sequence[str]) -> BadInput:
    """Of columns that may all be absent none came: such a row says nothing."""
    listed = _listed([repr(name) for name in names[:_NAMED]]) + (" and more" if len(names) > _NAMED else "")
    alike = _look_alikes(names, unknown, _MISSPELT)
    if alike:
        return BadInput(alike[0][1], None, f"is not known; did you mean {alike[0][0]!r}? There are {listed}")
    if unknown:
        return BadInput(unknown[0], None, f"is not known; send one at least of {listed}")
    return BadInput(names[0], None, f"is missing, as all others are; send one at least of {listed}")


def _look_alikes(lost: Iterable[str], strangers: Sequence[str], likeness: float) -> list[tuple[str, str]]:
    """Columns that did not come, each with the stranger that looks most like it."""
    lost = list(lost)
    folded = {name.casefold(): name for name in reversed(strangers[: _COMPARED // max(1, len(lost))])}
    found = ((name, difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=likeness)) for name in lost)
    return [(name, folded[close[0]]) for name, close in found if close]


def _listed(items: Sequence[str]) -> str:
    return " and ".join([*([", ".join(items[:-1])] if len(items) > 1 else []), items[-1]])
