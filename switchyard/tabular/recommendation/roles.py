"""`roles_of`: which column of an interaction table is the user, the item, the moment and the weight, by what is said or by plain names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean

_WORD = re.compile(r"[^a-z0-9]+")
_PLAIN = {
    "user": ("user", "userid", "customer", "customerid", "client", "clientid", "visitor", "visitorid", "member", "memberid", "account"),
    "item": (
        "item",
        "itemid",
        "product",
        "productid",
        "article",
        "articleid",
        "movie",
        "movieid",
        "sku",
        "stockcode",
        "asin",
        "track",
        "book",
    ),
    "time": ("time", "timestamp", "datetime", "date", "eventtime", "createdat", "invoicedate", "orderdate", "unixtime"),
    "weight": ("weight", "rating", "quantity", "count", "plays", "stars", "score"),
}
_TITLES = ("title", "name", "description", "label", "itemname", "productname")


@dataclass(frozen=True)
class Roles:
    """Names of columns."""

    user: str
    item: str
    time: str | None = None
    """None: rows stand in the order in which things happened."""
    weight: str | None = None
    """None: every interaction says as much as any other."""


def roles_of(
    names: Sequence[str],
    what: str,
    *,
    user: str | None = None,
    item: str | None = None,
    time: str | None = None,
    weight: str | None = None,
) -> tuple[Roles, tuple[str, ...]]:
    """The roles of the columns `names` of the table `what`, and a note on each that was found by its name.

    Raises
    ------
    InputError
        When a column that is named is not there, no column looks like a user or an item, or one column has two roles.
    """
    said = {"user": user, "item": item, "time": time, "weight": weight}
    taken = {name for name in said.values() if name}
    found: dict[str, str | None] = {}
    notes = []
    for role, name in said.items():
        if name is not None:
            if name not in names:
                raise InputError(f"{_key(role)}: {name!r} is not a column of {what}{did_you_mean(name, names)}")
            found[role] = name
            continue
        guess = next((name for plain in _PLAIN[role] for name in names if _folded(name) == plain and name not in taken), None)
        if guess is None and role in ("user", "item"):
            raise InputError(f"{what} has no column that is plainly the {role}; name it: {_key(role)} (there are {', '.join(names)})")
        if guess is not None:
            taken.add(guess)
            notes.append(f"{guess!r} is taken for the {role}, by its name ({_key(role)} says otherwise)")
        found[role] = guess
    several = [name for name in names if list(found.values()).count(name) > 1]
    if several:
        raise InputError(f"column {several[0]!r} of {what} has two roles; user, item, time and weight are columns of their own")
    assert found["user"] is not None and found["item"] is not None
    return Roles(found["user"], found["item"], found["time"], found["weight"]), tuple(notes)


def role_in(names: Sequence[str], what: str, role: str, said: str | None, needed: bool = True) -> str | None:
    """The column of one role, by what is said or by its name; None where there is none and none is needed.

    Raises
    ------
    InputError
        There is none.
    """
    if said is not None and said in names:
        return said
    found = next((name for plain in _PLAIN[role] for name in names if _folded(name) == plain), None)
    if found is None and needed:
        wanted = f"column {said!r}" if said else f"column that is plainly the {role}"
        raise InputError(f"{what} has no {wanted}{did_you_mean(said, names) if said else f' (there are {chr(44).join(names)})'}")
    return found


def ids_in(names: Sequence[str], what: str, role: str, called: str) -> str:
    """The column of a table of users or items with the ids that the column `called` has in the interactions.

    Raises
    ------
    InputError
        When it plainly has none.
    """
    plain = [name for word in _PLAIN[role] for name in names if _folded(name) == word]
    ids = called if called in names else next(iter(plain), None)
    if ids is None:
        raise InputError(f"{what} has no column {called!r} with the ids of the {role}s (there are {', '.join(names)})")
    return ids


def title_in(names: Sequence[str], what: str, ids: str) -> str:
    """The column of an item table with what people call an item.

    Raises
    ------
    InputError
        When it plainly has none.
    """
    title = next((name for word in _TITLES for name in names if _folded(name) == word and name != ids), None)
    if title is None:
        raise InputError(f"{what} has no column that is plainly a title ({', '.join(_TITLES[:4])}); there are {', '.join(names)}")
    return title


def _key(role: str) -> str:
    return f"data.{role}_column" if role == "time" else f"data.{role}"


def _folded(name: str) -> str:
    return _WORD.sub("", name.casefold())
