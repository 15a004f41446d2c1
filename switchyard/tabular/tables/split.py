"""The `Split`: train and holdout, set apart so that a row once trained on never enters a later holdout.

Random splits send an entity (or, without one, a row's content) to the holdout by its hash; a growing table
therefore keeps every old row on its side. Time splits cut at a moment, so that the holdout is the future.
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

    def facts(self) -> dict[str, Fact]:
        return {"kind": self.kind, "train_rows": len(self.train), "holdout_rows": len(self.holdout)}

    @property
    def train_digest(self) -> str:
        """sha256 of the training rows, the key of everything learnt from them."""
        return digest_frame(self.train)


def _by_hash(hashes: np.ndarray, share: float) -> np.ndarray:
    # The top 53 bits as a number in [0, 1): the same side for the same content, whatever the table's size.
    return (hashes >> np.uint64(11)).astype("float64") / 2.0**53 < share


def split_table(table: Table, problem: Problem) -> Split:
    """Set the holdout apart as the config or the schema says.

    Raises
    ------
    InputError
        When one side would be empty or, for a classification, miss a class.
    """
    frame, schema = table.frame, table.schema
    share = problem.split.holdout
    kind = problem.split.kind
    if kind == "auto":
        kind = "time" if problem.data.time_column else "group" if schema.group else "random"
    boundary = None
    if kind == "time":
        if problem.data.time_column == "@row":
            cut = round(len(frame) * (1 - share))
            side, boundary = np.arange(len(frame)) >= cut, str(cut)
        elif schema.time is None:
            raise InputError("split.kind is time, but no time column is known: set data.time_column, or @row for file order")
        else:
            order = frame[schema.time.name]
            if order.isna().any():
                raise InputError(
                    f"time column {schema.time.name!r} is empty in {int(order.isna().sum())} rows; a time split needs every one"
                )
            moment = order.sort_values(kind="stable").iloc[min(round(len(frame) * (1 - share)), len(frame) - 1)]
            side, boundary = (order >= moment).to_numpy(), str(moment)
    else:
        owner = schema.group.name if kind == "group" and schema.group else problem.data.entity_column
        if kind == "group" and schema.group is None:
            raise InputError("split.kind is group, but no group column is known: set data.group_column")
        keys = frame[[owner]] if owner else frame
        side = _by_hash(digest_rows(keys), share)
    train, holdout = frame[~side], frame[side]
    if kind == "time" and schema.time is not None:
        train, holdout = (part.sort_values(schema.time.name, kind="stable") for part in (train, holdout))
    split = Split(train.reset_index(drop=True), holdout.reset_index(drop=True), schema, kind, boundary)
    _check(split, problem)
    return split


def _check(split: Split, problem: Problem) -> None:
    for part, rows in (("training part", split.train), ("holdout", split.holdout)):
        if rows.empty:
            raise InputError(
                f"the {part} of the {split.kind} split is empty: {len(split.train) + len(split.holdout)} rows are too few "
                f"for split.holdout={problem.split.holdout}"
            )
    if problem.task != "regression":
        target = problem.data.target
        lost = set(split.holdout[target]) - set(split.train[target])
        if lost:
            raise InputError(
                f"class {sorted(lost)[0]!r} of target {target!r} is in the holdout but not in the training part; "
                "use another split or drop its rows"
            )
        if problem.task == "binary" and split.holdout[target].nunique() < 2:
            raise InputError(
                f"the holdout has only one class of target {target!r} ({len(split.holdout)} rows); give more rows or a larger split.holdout"
            )
