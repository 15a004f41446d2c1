"""Tables that need no file: those that are generated and the ones that scikit-learn carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pandas as pd

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.loans import LEAKS, loans
from switchyard.tabular.tables.reading.purchases import members, products, purchases
from switchyard.tabular.tables.reading.rides import rides
from switchyard.tabular.tables.reading.shoppers import shoppers
from switchyard.tabular.tables.reading.source import Source

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data

SKLEARN = ("iris", "wine", "breast_cancer", "diabetes", "digits")
SHOP = {"purchases": purchases, "products": products, "members": members}
SEEDED = {"shoppers": shoppers, "rides": rides}
NAMES = ("loans", *SEEDED, *SHOP, *SKLEARN)


def read_builtin(source: str) -> pd.DataFrame:
    """The table called `builtin:NAME[?option=value&...]`.

    The target of the scikit-learn tables is called `target` and holds the names of the classes. The options
    of `loans` are the arguments of `switchyard.tabular.tables.reading.loans.loans`: `rows`, `seed`, `months` (first-last or their
    number), `leaks` (comma-separated) and `with_outcome_date`; those of `shoppers` and
    `rides` are `rows` and `seed`.

    Raises
    ------
    InputError
        When there is no such table or option.
    """
    name, _, query = source.removeprefix("builtin:").partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if name == "loans":
        return loans(**_options(options, source, name, _LOANS))
    if name in SEEDED:
        return SEEDED[name](**_options(options, source, name, {key: _LOANS[key] for key in ("rows", "seed")}))
    if name not in SKLEARN and name not in SHOP:
        raise InputError(f"{source}: there is no built-in table {name!r}{did_you_mean(name, NAMES)}")
    if options:
        raise InputError(f"{source}: built-in table {name!r} has no options")
    return SHOP[name]() if name in SHOP else _bundled(name)


def _bundled(name: str) -> pd.DataFrame:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame
    if name in ("iris", "wine", "breast_cancer"):
        frame = frame.assign(target=bunch.target_names[bunch.target])
    return frame


def _months(text: str) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    return (int(first), int(last)) if dash else (0, int(first) - 1)


def _flag(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "": True, "false": False, "0": False, "no": False}
    return known[text.lower()]


_LOANS: dict[str, tuple[Callable[[str], object], str]] = {
    "rows": (int, "a whole number"),
    "seed": (int, "a whole number"),
    "months": (_months, "first-last, as in 0-23, or their number"),
    "leaks": (lambda text: tuple(part for part in text.split(",") if part), f"some of {', '.join(LEAKS)}"),
    "with_outcome_date": (_flag, "true or false"),
}


def _options(options: dict[str, str], source: str, name: str, known: dict[str, tuple[Callable[[str], object], str]]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}
    for key, text in options.items():
        if key not in known:
            raise InputError(f"{source}: builtin:{name} has no option {key!r}{did_you_mean(key, known)}")
        parse, wanted = known[key]
        try:
            parsed[key] = parse(text)
        except (ValueError, KeyError):
            raise InputError(f"{source}: option {key} must be {wanted}, not {text!r}") from None
    return parsed


class Builtin(Source):
    """`builtin:NAME`."""

    name = "builtin"

    def frame(self, data: Data) -> pd.DataFrame:
        return read_builtin(data.source.strip())


PARTS = (Builtin(),)
