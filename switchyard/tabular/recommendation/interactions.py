"""`Interactions`: who took what, when and how much, in numbers; `read_interactions` makes them of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from switchyard.bundle.traits import Traits
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.roles import Roles
from switchyard.tabular.report.report import Cell, Name, Report, Section, Table
from switchyard.tabular.report.words import count_of
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.table import read_frame, write_frame
from switchyard.tabular.tables.typing.kinds import read_column
from switchyard.tabular.tables.typing.readings import as_dates
from switchyard.tabular.tables.typing.surroundings import Surroundings, surroundings_of

FEWEST_USERS, FEWEST_ITEMS, FEWEST_ROWS = 2, 3, 20
_DAY = 86_400.0
_SHOWN = 20


@dataclass(frozen=True, eq=False)
class Pairs:
    """Each user with each of its items once, in the order of their last meetings.

    Attributes
    ----------
    users, items : ndarray of int64, shape (n_pairs,)
    total : ndarray of float64, shape (n_pairs,)
        Weights of all meetings together.
    last : ndarray of float64, shape (n_pairs,)
        When they met last.
    """

    users: np.ndarray
    items: np.ndarray
    total: np.ndarray
    last: np.ndarray


@dataclass(frozen=True, eq=False)
class Interactions(Storable):
    """A log of n rows in the order of time.

    Attributes
    ----------
    users, items : ndarray of int64, shape (n,)
        Places in `user_ids` and `item_ids`.
    times : ndarray of float64, shape (n,)
        Days; numbers of the rows where there is no time.
    weights : ndarray of float64, shape (n,)
        Zero or more.
    user_ids, item_ids : ndarray of object (str)
        Each has a row at least.
    titles : mapping of str to str
        By item id, where they are known.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    weights: np.ndarray
    user_ids: np.ndarray
    item_ids: np.ndarray
    titles: Mapping[str, str] = field(default_factory=dict)
    dated: bool = False
    """Whether `times` are days since 1970."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By item id, what describes it, each once (`switchyard.tabular.recommendation.words`); empty where nothing does."""
    who: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By user id, attributes as JSON has them, of users without a row too; empty where there is no user table."""
    traits: Traits = field(default_factory=Traits)
    """How the attributes of users become words."""
    source: str = ""
    """What people read as where the rows are from."""
    revision: str = ""
    """Of the source's content."""

    def write(self, folder: Path) -> None:
        codes = {"user": self.users, "item": self.items, "day": self.times, "weight": self.weights}
        write_frame(pd.DataFrame(codes), folder / "rows.parquet")
        names = {"users": self.user_ids.tolist(), "items": self.item_ids.tolist(), "titles": dict(self.titles), "dated": self.dated}
        names["words"] = {name: list(words) for name, words in self.words.items()}
        names |= {"who": {name: dict(found) for name, found in self.who.items()}, "traits": self.traits.to_json()}
        names |= {"source": self.source, "revision": self.revision}
        (folder / "names.json").write_text(json.dumps(names, ensure_ascii=False, sort_keys=True), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        rows = read_frame(folder / "rows.parquet")
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        users, items = (np.array(names[kind], dtype=object) for kind in ("users", "items"))
        codes, places, days, weights = (rows[name].to_numpy() for name in ("user", "item", "day", "weight"))
        words = {name: tuple(found) for name, found in names.get("words", {}).items()}
        who = {"who": names.get("who", {}), "traits": Traits.from_json(names.get("traits", "[]"))}
        who |= {name: names.get(name, "") for name in ("source", "revision")}
        return cls(codes, places, days, weights, users, items, names["titles"], names["dated"], words, **who)

    def metadata(self) -> dict[str, Fact]:
        return {"rows": len(self), "users": self.n_users, "items": self.n_items}

    def report(self) -> Report:
        """How many there are, of whom, of what and when."""
        pairs = len(self.pairs.users)
        per_user, per_item = (
            np.bincount(codes, minlength=size) for codes, size in ((self.users, self.n_users), (self.items, self.n_items))
        )
        rows: list[tuple[Cell, ...]] = [
            ("interactions", len(self)),
            ("users", self.n_users),
            ("items", self.n_items),
            ("pairs of user and item", pairs),
            ("share of all pairs", f"{pairs / (self.n_users * self.n_items):.3%}"),
            ("interactions of a user, median", float(np.median(per_user))),
            ("interactions of an item, median", float(np.median(per_item))),
            ("items with a title", sum(name in self.titles for name in self.item_ids)),
            ("items that are described", sum(bool(self.words.get(name)) for name in self.item_ids)),
            ("users that are described", sum(bool(self.who.get(name)) for name in self.user_ids)),
        ]
        if self.dated:
            rows += [("first", _moment(self.times[0])), ("last", _moment(self.times[-1]))]
        most = np.argsort(-per_item, kind="stable")[:_SHOWN]
        taken = [(Name(self.item_ids[place]), self.titles.get(self.item_ids[place], ""), int(per_item[place])) for place in most]
        sections = [Section("What there is", Table(("", ""), rows)), Section("Taken most", Table(("item", "title", "interactions"), taken))]
        return Report("Interactions", f"{len(self):,} interactions of {self.n_users:,} users with {self.n_items:,} items.", sections)

    @property
    def last_moment(self) -> str | None:
        """The newest, ISO 8601; None without dates."""
        return _moment(self.times[-1]) if self.dated else None

    def first_after(self, known: Interactions) -> str | None:
        """The first moment that is not in `known`, which is a beginning of this; None without dates."""
        return _moment(self.times[len(known)]) if self.dated and len(known) < len(self) else None

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    def attributes_of(self, users: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
        """Of each user, an empty mapping where none are known; nothing at all where there is no user table."""
        return tuple(self.who.get(name, {}) for name in users) if self.who else ()

    @cached_property
    def pairs(self) -> Pairs:
        """What most models learn from."""
        keys, places, counts = np.unique((self.users * self.n_items + self.items)[::-1], return_index=True, return_inverse=True)[:3]
        total = np.bincount(counts, weights=self.weights[::-1], minlength=len(keys))
        rows = len(self) - 1 - places
        order = np.argsort(rows)
        rows = rows[order]
        return Pairs(self.users[rows], self.items[rows], total[order], self.times[rows])

    def rows(self, wanted: np.ndarray) -> Interactions:
        """The rows where `wanted`, with the users and items that are left."""
        users, user_codes = np.unique(self.users[wanted], return_inverse=True)
        items, item_codes = np.unique(self.items[wanted], return_inverse=True)
        ids = self.item_ids[items]
        of_rows = {"times": self.times[wanted], "weights": self.weights[wanted]}
        return replace(self, users=user_codes, items=item_codes, user_ids=self.user_ids[users], item_ids=ids, **of_rows)


def read_interactions(frame: pd.DataFrame, roles: Roles, what: str, to_learn: bool = True) -> tuple[Interactions, tuple[str, ...]]:
    """The interactions in `frame`, whose columns `roles` names, and notes on what was left aside.

    Raises
    ------
    InputError
        When a weight is text or below zero, moments can't be read, or, where they are to learn from, there are too few users or items.
    """
    around, rows = surroundings_of(frame), np.arange(len(frame)) + 1
    users = read_column(frame[roles.user], roles.user, "categorical", rows, around).values
    items = read_column(frame[roles.item], roles.item, "categorical", rows, around).values
    order = np.arange(len(frame), dtype=float), False, ()
    times, dated, of_times = order if roles.time is None else _days(frame, roles.time, rows, around)
    weights, of_weights = (np.ones(len(frame)), ()) if roles.weight is None else _weights(frame, roles.weight, rows, around)
    named = ((roles.user, pd.isna(users)), (roles.item, pd.isna(items)), (roles.time, np.isnan(times)), (roles.weight, np.isnan(weights)))
    lacking = [(name, missing) for name, missing in named if name and missing.any()]
    notes = [*of_times, *of_weights] + [
        f"{count_of(int(missing.sum()), 'row')} without a value of {name!r} left out (first: row {rows[missing][0]})"
        for name, missing in lacking
    ]
    if roles.time is None:
        notes.append("there is no time column: rows are taken to stand in the order in which things happened (data.time_column names one)")
    kept = ~np.logical_or.reduce([missing for _, missing in named])
    if not kept.any():
        short = ", ".join(f"{name!r} has none in {count_of(int(missing.sum()), 'row')}" for name, missing in lacking)
        raise InputError(f"{what} has no row with a value in each column that is used: {short}; name another column, or leave it out")
    kept = np.flatnonzero(kept)[np.argsort(times[kept], kind="stable")]
    user_ids, user_codes = np.unique(users[kept].astype(str), return_inverse=True)
    item_ids, item_codes = np.unique(items[kept].astype(str), return_inverse=True)
    if to_learn:
        _check_size(len(kept), len(user_ids), len(item_ids), roles, what)
    return (
        Interactions(user_codes, item_codes, times[kept], weights[kept], user_ids.astype(object), item_ids.astype(object), dated=dated),
        tuple(notes),
    )


def order_of(frame: pd.DataFrame, time: str | None) -> np.ndarray:
    """Places of the rows in the order of the column `time`, those without a moment first; as they stand where there is none."""
    if time is None:
        return np.arange(len(frame))
    days = _days(frame, time, np.arange(len(frame)) + 1, surroundings_of(frame))[0]
    return np.argsort(np.where(np.isnan(days), -np.inf, days), kind="stable")


def read_titles(frame: pd.DataFrame, item: str, title: str) -> dict[str, str]:
    """Item id -> title; of an item that stands there twice, the first."""
    rows, around = np.arange(len(frame)) + 1, surroundings_of(frame)
    ids = read_column(frame[item], item, "categorical", rows, around).values
    titles = read_column(frame[title], title, "text", rows, around).values
    found = zip(ids[::-1], titles[::-1])
    return {str(name): str(text).strip() for name, text in found if name is not None and text is not None}


def _days(frame: pd.DataFrame, name: str, rows: np.ndarray, around: Surroundings) -> tuple[np.ndarray, bool, tuple[str, ...]]:
    """Days since 1970, or plain numbers; whether they are the former; and what was odd in the column."""
    reading = read_column(frame[name], name, None, rows, around)
    if reading.kind == "numeric":
        reading = as_dates(reading, name, "datetime") or reading
    if reading.kind == "datetime":
        seconds = reading.values.astype("datetime64[ns]").astype("int64") / 1e9
        return np.where(np.isnat(reading.values), np.nan, seconds) / _DAY, True, reading.notes
    if reading.kind not in ("numeric", "boolean"):
        raise InputError(f"time column {name!r} holds no moments ({reading.reason}); name another (data.time_column), or none")
    return reading.values.astype(float), False, reading.notes


def _moment(days: float) -> str:
    return str(pd.Timestamp(round(days * _DAY), unit="s").isoformat())


def _weights(frame: pd.DataFrame, name: str, rows: np.ndarray, around: Surroundings) -> tuple[np.ndarray, tuple[str, ...]]:
    """How much each row counts, NaN where nothing says so; and what was odd in the column."""
    reading = read_column(frame[name], name, None, rows, around)
    if reading.kind not in ("numeric", "boolean"):
        example = next((str(value) for value in frame[name] if not pd.isna(value)), "")
        raise InputError(
            f"weight column {name!r} holds {reading.kind} values such as {example!r}; weights and ratings are numbers (data.weight)"
        )
    values = reading.values.astype(float)
    below = values < 0
    if below.any():
        raise InputError(
            f"weight column {name!r} is {values[below][0]:g} in row {rows[below][0]} ({count_of(int(below.sum()), 'row')} below zero); "
            "leave such rows out, or name another column (data.weight)"
        )
    if not np.nan_to_num(values, nan=1.0).any():
        raise InputError(f"weight column {name!r} is zero in every row, so that none counts; name another column (data.weight)")
    return values, reading.notes


def _check_size(rows: int, users: int, items: int, roles: Roles, what: str) -> None:
    if users < FEWEST_USERS:
        raise InputError(f"{what} has {count_of(users, 'user')} in {roles.user!r}; what others took is learnt from {FEWEST_USERS} at least")
    if items < FEWEST_ITEMS:
        raise InputError(f"{what} has {count_of(items, 'item')} in {roles.item!r}; there is nothing to choose from below {FEWEST_ITEMS}")
    if rows < FEWEST_ROWS:
        raise InputError(f"{what} has {count_of(rows, 'row')} that can be used; give {FEWEST_ROWS} at least")
