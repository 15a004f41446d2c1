"""The `Split`: train and holdout, set apart so that a row once trained on never enters a later holdout.

A random split goes by a hash: of the entity where rows have one, else of the row's content and of which copy of it the row
is, so that equal rows are rows of their own. Within each class the rows under the threshold are held out, or else the one
nearest to it, so no class of two rows is missing on either side. Time splits cut at a moment, so that the holdout is the
future. What is guaranteed when a table grows, and why no rule can do more, is in docs/architecture.md.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.table import Table, digest_frame, digest_rows, read_frame, write_frame

Kind = Literal["random", "time", "group"]

LARGEST_SHARE = 0.2
_ENOUGH_ROWS = 9604
"""An accuracy's 95 % interval is 0.01 to either side at its widest: 0.25 (1.96 / 0.01)^2. Of a regression's mean error it is 2 % of
the standard deviation of the rows' errors."""
_ENOUGH_OF_A_CLASS = 3201
"""The same of an ROC-AUC of 0.5, by the rarer of two classes: (1/3 - 1/4) (1.96 / 0.01)^2 (Hanley & McNeil, *Radiology* 143, 1982)."""


@dataclass(frozen=True)
class Split(Storable):
    """Train and holdout frames in canonical types, target included."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    schema: Schema
    kind: Kind
    boundary: str | None
    """Time splits: the first moment (or row number) of the holdout."""

    def write(self, folder: Path) -> None:
        write_frame(self.train, folder / "train.parquet")
        write_frame(self.holdout, folder / "holdout.parquet")
        rest = {"schema": self.schema.model_dump(), "kind": self.kind, "boundary": self.boundary}
        (folder / "split.json").write_text(json.dumps(rest, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        rest = json.loads((folder / "split.json").read_text(encoding="utf-8"))
        schema = Schema.model_validate(rest["schema"])
        return cls(read_frame(folder / "train.parquet"), read_frame(folder / "holdout.parquet"), schema, rest["kind"], rest["boundary"])

    def metadata(self) -> dict[str, Fact]:
        return {"kind": self.kind, "train_rows": len(self.train), "holdout_rows": len(self.holdout)}

    @property
    def train_digest(self) -> str:
        """sha256 of the training rows, the key of everything learnt from them."""
        return digest_frame(self.train)


def split_table(table: Table, problem: Problem) -> Split:
    """Set the holdout apart as the config or the schema says.

    Raises
    ------
    InputError
        When one side would be empty or, for a classification, miss a class.
    """
    frame, schema = table.frame, table.schema
    kind = problem.split.kind
    if kind == "auto":
        kind = "time" if problem.data.time_column else "group" if schema.group else "random"
    if kind == "group" and schema.group is None:
        raise InputError("split.kind is group, but no group column is known: set data.group_column")
    owner = schema.group.name if kind == "group" and schema.group else problem.data.entity_column
    boundary = None
    if kind == "time":
        side, boundary = _after(frame, schema, problem)
    elif owner:
        side = _under(digest_rows(frame[[owner]]), holdout_share(frame, problem, owner))
    else:
        labels = frame[problem.data.target] if problem.task != "regression" else pd.Series(0, index=frame.index)
        side = _by_class(row_hashes(frame), pd.factorize(labels)[0], holdout_share(frame, problem))
    train, holdout = frame[~side], frame[side]
    if kind == "time" and schema.time is not None:
        train, holdout = (part.sort_values(schema.time.name, kind="stable") for part in (train, holdout))
    split = Split(train.reset_index(drop=True), holdout.reset_index(drop=True), schema, kind, boundary)
    _check(split, problem, None if kind == "time" else owner)
    return split


def holdout_share(frame: pd.DataFrame, problem: Problem, owner: str | None = None) -> float:
    """The share of a random or group split: as the config says, else as small as gives an interval of 0.01 to either side.

    It never grows when rows are added, which is what lets a growing table keep its trained rows out of the holdout.

    Parameters
    ----------
    frame : DataFrame
        In canonical types.
    problem : Problem
        With the task resolved.
    owner : str, optional
        A column whose values are kept together: these are counted, not the rows.
    """
    if problem.split.holdout != "auto":
        return problem.split.holdout
    share = _ENOUGH_ROWS / max(1, len(frame) if owner is None else frame[owner].nunique())
    if problem.task == "binary" and owner is None and len(frame):
        share = max(share, _ENOUGH_OF_A_CLASS / frame[problem.data.target].value_counts().min())
    return min(LARGEST_SHARE, share)


def _after(frame: pd.DataFrame, schema: Schema, problem: Problem) -> tuple[np.ndarray, str]:
    """Which rows are the future, and its first moment (or row number)."""
    # A stretch of time has to hold its weeks and seasons, so it is no shorter where there are many rows.
    share = LARGEST_SHARE if problem.split.holdout == "auto" else problem.split.holdout
    cut = round(len(frame) * (1 - share))
    if problem.data.time_column == "@row":
        return np.arange(len(frame)) >= cut, str(cut)
    if schema.time is None:
        raise InputError("split.kind is time, but no time column is known: set data.time_column, or @row for file order")
    order = frame[schema.time.name]
    if order.isna().any():
        raise InputError(f"time column {schema.time.name!r} is empty in {int(order.isna().sum())} rows; a time split needs every one")
    moment = order.sort_values(kind="stable").iloc[min(cut, len(frame) - 1)]
    return (order >= moment).to_numpy(), str(moment)


def row_hashes(frame: pd.DataFrame) -> np.ndarray:
    """A hash of each row's content and of which of its copies it is; the first copy has the content's own."""
    content = digest_rows(frame)
    copy = pd.Series(content).groupby(content).cumcount().to_numpy("uint64")
    mixed = content + copy * np.uint64(0x9E3779B97F4A7C15)
    # The finalizer of splitmix64 (Steele, Lea & Flood 2014): neighbours come out unrelated.
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.where(copy == 0, content, mixed ^ (mixed >> np.uint64(31)))


def _under(hashes: np.ndarray, share: float) -> np.ndarray:
    # The top 53 bits as a number in [0, 1): the same side for the same content, whatever the table's size.
    return (hashes >> np.uint64(11)).astype("float64") / 2.0**53 < share


def _by_class(hashes: np.ndarray, classes: np.ndarray, share: float) -> np.ndarray:
    """Which rows are held out: those under the threshold, and of each class of two rows or more the smallest hash, never the largest."""
    side = _under(hashes, share)
    order = np.argsort(hashes, kind="stable")
    _, first, count = np.unique(classes[order], return_index=True, return_counts=True)
    _, last = np.unique(classes[order][::-1], return_index=True)
    side[order[first]] = count > 1
    side[order[::-1][last]] = False
    return side


def _check(split: Split, problem: Problem, owner: str | None) -> None:
    """`owner`: the column whose values were kept together."""
    together = f" (rows that share a value of {owner!r} stay together)" if owner else ""
    for part, rows in (("training part", split.train), ("holdout", split.holdout)):
        if rows.empty:
            raise InputError(
                f"the {part} of the {split.kind} split is empty: {len(split.train) + len(split.holdout)} rows are too few "
                f"for split.holdout={problem.split.holdout}{together}"
            )
    if problem.task != "regression":
        target = problem.data.target
        lost = set(split.holdout[target]) - set(split.train[target])
        if lost:
            raise InputError(
                f"class {sorted(lost)[0]!r} of target {target!r} is in the holdout but not in the training part{together}; "
                "use another split or drop its rows"
            )
        if problem.task == "binary" and split.holdout[target].nunique() < 2:
            raise InputError(
                f"the holdout has only one class of target {target!r} ({len(split.holdout)} rows){together}; "
                "give more rows or a larger split.holdout"
            )
