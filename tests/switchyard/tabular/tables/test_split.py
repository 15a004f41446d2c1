"""A row once trained on never enters a later holdout."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tables.table import Table


def table(rows: int, **roles: str) -> Table:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "who": [f"p{number}" for number in rng.integers(0, rows // 3, rows)],
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(rows), unit="h"),
        "x": rng.normal(size=rows),
        "y": rng.choice(["no", "yes"], rows),
    })  # fmt: skip
    kinds = {"who": "categorical", "when": "datetime", "x": "numeric", "y": "categorical"}
    usual = {"who": "id", "when": "time", "x": "feature", "y": "target"}
    columns = tuple(Column(name=name, kind=kind, role=roles.get(name, usual[name])) for name, kind in kinds.items())
    return Table(frame, Schema(columns=columns), "here", "sha256:0")


def problem(**data: object) -> Problem:
    split = data.pop("split", {})
    return Problem.model_validate({"name": "p", "task": "binary", "data": {"source": "s", "target": "y", **data}, "split": split})


def test_a_row_keeps_its_side_when_the_table_grows():
    whole = table(3000)
    part = Table(whole.frame.iloc[:2000], whole.schema, "here", "sha256:1")
    before, after = split_table(part, problem()), split_table(whole, problem())

    assert set(before.train.x) <= set(after.train.x)
    assert set(before.holdout.x) <= set(after.holdout.x)
    assert 0.17 < len(after.holdout) / 3000 < 0.23


def test_repeated_rows_are_on_one_side():
    whole = table(500)
    doubled = Table(pd.concat([whole.frame, whole.frame], ignore_index=True), whole.schema, "here", "sha256:1")
    split = split_table(doubled, problem())

    assert not set(split.train.x) & set(split.holdout.x)


@pytest.mark.parametrize(("data", "roles"), [({"entity_column": "who"}, {}), ({"group_column": "who"}, {"who": "group"})])
def test_an_entity_is_on_one_side(data, roles):
    split = split_table(table(900, **roles), problem(**data))

    assert not set(split.train.who) & set(split.holdout.who)


def test_a_time_split_keeps_the_future_for_the_holdout():
    split = split_table(table(1000), problem(time_column="when"))

    assert split.kind == "time"
    assert split.train.when.max() < split.holdout.when.min()
    assert split.train.when.is_monotonic_increasing
    assert split.boundary == str(split.holdout.when.min())


def test_file_order_can_be_time():
    whole = table(1000, when="ignored")
    split = split_table(whole, problem(time_column="@row"))

    assert split.train.x.tolist() == whole.frame.x.tolist()[:800]


def test_empty_moments_are_named():
    whole = table(100)
    whole.frame.loc[3, "when"] = pd.NaT

    with pytest.raises(InputError, match="'when' is empty in 1 rows"):
        split_table(whole, problem(time_column="when"))


def test_too_few_rows_are_an_input_error():
    with pytest.raises(InputError, match=r"empty|class|only"):
        split_table(table(6), problem(split={"holdout": 0.01}))


def test_it_is_kept_as_it_was(tmp_path):
    split = split_table(table(300), problem(time_column="when"))
    split.write(tmp_path)
    back = type(split).read(tmp_path)

    pd.testing.assert_frame_equal(split.train, back.train)
    assert split.train_digest == back.train_digest
    assert back.boundary == split.boundary
