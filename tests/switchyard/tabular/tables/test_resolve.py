"""Kinds, roles, task, metric, positive class and split are found, explained, and overridden by the config."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.conform import conform
from switchyard.tabular.tables.table import model_frame
from tests.switchyard.tabular.tables.reading import load, load_frame, sample

ROWS = 120


def _frame(**columns) -> pd.DataFrame:
    return sample(ROWS).assign(**columns)


@pytest.mark.parametrize(
    ("values", "kind", "role"),
    [
        ([f"{row}.5" for row in range(ROWS)], "numeric", "feature"),
        ([f" {row}.5 " for row in range(ROWS)], "numeric", "feature"),
        ([f"{row},25" for row in range(ROWS)], "numeric", "feature"),
        ([f"{row + 1},250.50" for row in range(ROWS)], "numeric", "feature"),
        ([f"{row % 40:05d}" for row in range(ROWS)], "categorical", "feature"),
        ([row % 2 for row in range(ROWS)], "boolean", "feature"),
        ([("TRUE", "false")[row % 2] for row in range(ROWS)], "boolean", "feature"),
        ([("yes", "no")[row % 2] for row in range(ROWS)], "categorical", "feature"),
        ([Decimal(row) / 4 for row in range(ROWS)], "numeric", "feature"),
        ([timedelta(minutes=row % 50) for row in range(ROWS)], "numeric", "feature"),
        ([date(2025, 1, 1 + row % 28) for row in range(ROWS)], "datetime", "feature"),
        ([datetime(2025, 1, 1, row % 24, tzinfo=UTC) for row in range(ROWS)], "datetime", "feature"),
        ([f"{1 + row % 28}.3.2025" for row in range(ROWS)], "datetime", "feature"),
        ([f"2025-03-01T{row % 24:02d}:30:00+02:00" for row in range(ROWS)], "datetime", "feature"),
        (pd.Categorical(["a", "b", None] * (ROWS // 3)), "categorical", "feature"),
        ([f"the {row}th customer wrote a long letter about it" for row in range(ROWS)], "text", "feature"),
        ([f"good, the {row}th" for row in range(ROWS)], "text", "feature"),
        ([f"客户第{row}次写了一封长信" for row in range(ROWS)], "text", "feature"),
        ([f"Maria Anna van der Berg {row}" for row in range(ROWS)], "categorical", "id"),
        ([f"{row} Old Mill Road, Springfield" for row in range(ROWS)], "categorical", "id"),
        ([f"a letter of the kind {row % 9}" for row in range(ROWS)], "categorical", "feature"),
        ([f"03 44 {row % 100:02d} {row}" for row in range(ROWS)], "categorical", "id"),
        ([f"user-{row}" for row in range(ROWS)], "categorical", "id"),
        ([[row] for row in range(ROWS)], "text", "ignored"),
        ([{"a": row} for row in range(ROWS)], "text", "ignored"),
        ([b"\x00\xff"] * ROWS, "text", "ignored"),
        ([1, "one", None, 2.5] * (ROWS // 4), "categorical", "feature"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_kind_and_role_of_one_column(values, kind, role):
    frame = _frame()
    frame["x"] = pd.Series(values) if not isinstance(values, pd.Categorical) else values

    table = load_frame(frame).table

    column = table.schema["x"]
    assert (column.kind, column.role) == (kind, role)
    assert column.reason
    dtype = {"numeric": "float64", "boolean": "float64", "datetime": "datetime64[ns]"}.get(kind, "object")
    assert table.frame["x"].dtype == dtype
    if dtype == "object":
        assert all(value is None or isinstance(value, str) for value in table.frame["x"])


def test_numbers_are_read_right():
    wait = [timedelta(minutes=row) for row in range(ROWS)]
    thousands = [f"{row + 1},000" for row in range(ROWS)]

    table = load_frame(_frame(comma=[f"{row},5" for row in range(ROWS)], wait=wait)).table

    assert table.frame["comma"][3] == 3.5
    assert load_frame(_frame(thousands=thousands)).table.frame["thousands"][3] == 4000
    assert table.frame["wait"][2] == 120.0
    assert not table.schema["comma"].integer
    assert "decimal comma" in table.schema["comma"].reason


def test_dates_are_read_in_utc_and_the_order_of_day_and_month_found():
    frame = _frame(
        zone=[f"2025-03-01T{row % 24:02d}:30:00+02:00" for row in range(ROWS)],
        us=[f"3/{1 + row % 28}/2025" for row in range(ROWS)],
        uk=[f"{1 + row % 28}/3/2025" for row in range(ROWS)],
        either=[f"{1 + row % 12}/3/2025" for row in range(ROWS)],
    )

    table, _, notes = load_frame(frame)

    assert table.frame["zone"][0] == pd.Timestamp("2025-02-28 22:30")
    assert table.frame["us"][20] == table.frame["uk"][20] == pd.Timestamp("2025-03-21")
    assert any("'either': read as month/day/year" in note for note in notes)
    assert not any("could be the other way" in note for note in notes if "'us'" in note or "'uk'" in note)


def test_ids_by_name():
    rng = np.random.default_rng(0)
    frame = _frame(
        customer_id=rng.permutation(10_000)[:ROWS],
        shopId=rng.integers(0, 5, ROWS),
        PassengerId=rng.permutation(ROWS) + 1,
        humid=rng.permutation(ROWS),
    )

    schema = load_frame(frame).table.schema

    assert schema["customer_id"].role == schema["PassengerId"].role == "id"
    assert (schema["shopId"].role, schema["shopId"].kind) == ("feature", "categorical")
    assert schema["humid"].role == "feature"


def test_column_facts():
    table = load_frame(_frame(gap=[None, *range(1, ROWS)])).table

    gap, colour, seen = (table.schema[name] for name in ("gap", "colour", "seen"))
    assert (gap.missing, gap.unique, gap.minimum, gap.maximum) == (1 / ROWS, ROWS - 1, 1.0, ROWS - 1.0)
    assert colour.categories == ("blue", "green", "red")
    assert seen.minimum == pd.Timestamp("2025-01-01").timestamp()
    assert model_frame(table.frame, (seen,))["seen"][0] == seen.minimum


class TestTask:
    @pytest.mark.parametrize(
        ("values", "task", "metric", "positive"),
        [
            ([("no", "yes")[row % 2] for row in range(ROWS)], "binary", "roc_auc", "yes"),
            ([row % 2 for row in range(ROWS)], "binary", "roc_auc", "1"),
            ([float(row % 2) for row in range(ROWS)], "binary", "roc_auc", "1"),
            ([row % 2 == 0 for row in range(ROWS)], "binary", "roc_auc", "True"),
            ([("true", "false")[row % 2] for row in range(ROWS)], "binary", "roc_auc", "True"),
            ([("<=50K", ">50K")[row % 2] for row in range(ROWS)], "binary", "roc_auc", ">50K"),
            ([("good", "bad")[row % 3 == 0] for row in range(ROWS)], "binary", "roc_auc", "bad"),
            ([("a", "b")[row % 2] for row in range(ROWS)], "binary", "roc_auc", "b"),
            ([1 + row % 2 for row in range(ROWS)], "binary", "roc_auc", "2"),
            ([("no", "yes", "yes ", " no")[row % 4] for row in range(ROWS)], "binary", "roc_auc", "yes"),
            ([("a", "b", "c")[row % 3] for row in range(ROWS)], "multiclass", "log_loss", None),
            ([3 + row % 6 for row in range(ROWS)], "multiclass", "log_loss", None),
            ([row % 50 for row in range(ROWS)], "regression", "rmse", None),
            ([row / 7 for row in range(ROWS)], "regression", "rmse", None),
            ([(0.5, 1.5, 2.5)[row % 3] for row in range(ROWS)], "regression", "rmse", None),
        ],
    )
    def test_is_inferred(self, values, task, metric, positive):
        table, problem, _ = load_frame(_frame(y=values))

        assert (problem.task, problem.metric, problem.positive_class) == (task, metric, positive)
        assert table.schema.target.name == "y"
        if task == "regression":
            assert table.frame["y"].dtype == "float64"
        else:
            assert all(isinstance(label, str) and not label.endswith(".0") for label in table.frame["y"])

    def test_labels_are_the_same_from_text_and_numbers(self):
        texts = load_frame(_frame(y=[str(float(row % 3)) for row in range(ROWS)])).table
        numbers = load_frame(_frame(y=[row % 3 for row in range(ROWS)])).table

        assert texts.frame["y"].tolist() == numbers.frame["y"].tolist() == [str(row % 3) for row in range(ROWS)]

    def test_the_config_wins(self):
        numbers = _frame(y=[row % 6 for row in range(ROWS)])

        assert load_frame(numbers, task="regression").problem.task == "regression"
        assert load_frame(numbers, data={"columns": {"y": {"kind": "numeric"}}}).problem.task == "regression"
        assert load_frame(_frame(y=range(ROWS)).assign(y=lambda frame: frame["y"] % 30), task="multiclass").problem.task == "multiclass"
        assert load_frame(_frame(), positive_class="no").problem.positive_class == "no"
        assert load_frame(_frame(y=[row % 2 == 0 for row in range(ROWS)]), positive_class="true").problem.positive_class == "True"
        assert load_frame(_frame(), metric="log_loss").problem.metric == "log_loss"

    @pytest.mark.parametrize(
        ("settings", "values", "message"),
        [
            ({"metric": "rmse"}, None, "'rmse' is no metric of a binary task"),
            ({"positive_class": "Yes!"}, None, "did you mean 'yes'"),
            ({"task": "binary"}, ["a", "b", "c"] * 40, "has 3 classes"),
            ({"task": "multiclass"}, None, "use binary"),
            ({"task": "regression"}, None, "'y' cannot be numeric"),
            ({"positive_class": "a"}, ["a", "b", "c"] * 40, "the task is multiclass"),
            ({}, [datetime(2025, 1, 1 + row % 28) for row in range(ROWS)], "holds dates"),
            ({}, [[row] for row in range(ROWS)], "predict a number or a class"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, settings, values, message):
        frame = _frame()
        if values is not None:
            frame["y"] = pd.Series(values)
        with pytest.raises(InputError, match=message):
            load_frame(frame, **settings)

    def test_doubtful_labels_are_told(self):
        notes = load_frame(_frame(y=["Yes", "yes", "no "] * 40)).notes

        assert any("'Yes' and 'yes' are different classes" in note for note in notes)
        assert any("blanks around 'no ' removed" in note for note in notes)


class TestRoles:
    def test_columns_named_in_the_config(self):
        frame = _frame(who=[row % 30 for row in range(ROWS)], house=[f"h{row % 9}" for row in range(ROWS)])

        table, problem, _ = load_frame(frame, data={"time_column": "seen", "entity_column": "who", "group_column": "house"})

        assert [table.schema[name].role for name in ("seen", "who", "house")] == ["time", "id", "group"]
        assert table.frame["who"][1] == "1"
        assert problem.split.kind == "time"

    def test_overrides(self):
        table, problem, _ = load_frame(
            _frame(code=[row % 7 for row in range(ROWS)], token=[f"t{row}" for row in range(ROWS)]),
            data={
                "columns": {
                    "code": {"kind": "categorical"},
                    "token": {"role": "feature"},
                    "size": {"role": "ignored"},
                    "seen": {"role": "time"},
                }
            },
        )

        assert table.schema["code"].kind == "categorical" and set(table.frame["code"]) == set("0123456")
        assert table.schema["token"].role == "feature" and table.schema["size"].role == "ignored"
        assert (problem.data.time_column, problem.split.kind) == ("seen", "time")

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ({"time_column": "sen"}, "data.time_column: 'sen' is not a column of frame; did you mean 'seen'"),
            ({"slice_columns": ["color"]}, "data.slice_columns: 'color' is not a column of frame; did you mean 'colour'"),
            ({"columns": {"sizes": {"kind": "numeric"}}}, "did you mean 'size'"),
            ({"columns": {"colour": {"kind": "numeric"}}}, "'colour' cannot be numeric: no value is a number"),
            ({"columns": {"colour": {"kind": "datetime"}}}, "'red' in row 1 is no date"),
            ({"columns": {"size": {"kind": "boolean"}}}, "0.37 in row 2 is neither 0 nor 1"),
            ({"columns": {"size": {"kind": "datetime"}}}, "it holds numbers"),
            ({"columns": {"seen": {"kind": "numeric"}}}, "it holds dates"),
            ({"columns": {"size": {"role": "target"}}}, "but data.target is 'y'"),
            ({"columns": {"seen": {"role": "time"}, "size": {"role": "time"}}}, "give it to one"),
            ({"time_column": "colour"}, "not dates or numbers"),
            ({"time_column": "seen", "columns": {"seen": {"role": "feature"}}}, "gives it the role feature"),
        ],
    )
    def test_contradictions_are_named(self, data, message):
        with pytest.raises(InputError, match=re.escape(message)):
            load_frame(_frame(), data=data)

    def test_no_features(self):
        with pytest.raises(InputError, match="the target is the only column"):
            load_frame(_frame()[["y"]])
        with pytest.raises(InputError, match=r"token \(id"):
            load_frame(_frame(token=[f"t{row}" for row in range(ROWS)])[["token", "y"]])


class TestSplit:
    @pytest.mark.parametrize(
        ("data", "split", "kind"),
        [
            ({}, {}, "random"),
            ({"time_column": "@row"}, {}, "time"),
            ({"group_column": "colour"}, {}, "group"),
            ({"time_column": "seen"}, {"kind": "random"}, "random"),
        ],
    )
    def test_kind(self, data, split, kind):
        assert load_frame(_frame(), data=data, split=split).problem.split.kind == kind

    def test_missing_columns_are_asked_for(self):
        with pytest.raises(InputError, match="set it, for example to seen"):
            load_frame(_frame(), split={"kind": "time"})
        with pytest.raises(InputError, match="group_column is not set"):
            load_frame(_frame(), split={"kind": "group"})

    def test_dates_are_pointed_at(self):
        assert any("data.time_column: seen makes the holdout the future" in note for note in load_frame(_frame()).notes)

    @pytest.mark.parametrize("labels", [False, True])
    def test_a_series_is_split_by_time_with_a_note_and_the_way_back(self, labels):
        level = np.random.default_rng(0).normal(size=300).cumsum()
        target = np.where(level > level.mean(), "up", "down") if labels else level
        hours = pd.date_range("2025-01-01", periods=300, freq="h")
        frame = pd.DataFrame({"hour": hours, "size": level * 0.1, "y": target}).sample(frac=1, random_state=0)
        found = load_frame(frame)

        assert (found.problem.split.kind, found.problem.data.time_column) == ("time", "hour")
        assert any("the table is a series" in note and "split.kind: random" in note for note in found.notes)
        assert load_frame(frame, split={"kind": "random"}).problem.split.kind == "random"
        assert load_frame(frame, data={"columns": {"hour": {"role": "feature"}}}).problem.split.kind == "random"

    @pytest.mark.parametrize("seed", range(20))
    def test_a_table_whose_target_does_not_follow_its_past_is_no_series(self, seed):
        rng = np.random.default_rng(seed)
        level = rng.permutation(rng.normal(size=300).cumsum())
        frame = pd.DataFrame({"hour": pd.date_range("2025-01-01", periods=300, freq="h"), "size": level * 0.1, "y": level})

        assert load_frame(frame).problem.split.kind == "random"

    def test_numbers_as_time(self):
        frame = _frame(year=[2000 + row // 10 for row in range(ROWS)], day=[20250101 + row % 28 for row in range(ROWS)])

        assert load_frame(frame, data={"time_column": "year"}).table.schema.time.kind == "numeric"
        assert load_frame(frame, data={"time_column": "day"}).table.frame["day"][1] == pd.Timestamp("2025-01-02")


class TestConform:
    def test_later_rows_come_in_the_same_types(self):
        table = load_frame(_frame(zip=[f"{row % 40:05d}" for row in range(ROWS)])).table
        later = pd.DataFrame(
            {
                "colour": ["red", None],
                "zip": ["00001", "99999"],
                "open": ["true", 0],
                "seen": ["2026-01-01", "9999-01-01"],
                "size": ["1.5", "?"],
                "extra": [1, 2],
            }
        )

        frame, notes = conform(later, table.schema)

        assert list(frame.columns) == ["size", "colour", "seen", "open", "zip"]
        assert (frame.dtypes == table.frame.drop(columns="y").dtypes).all()
        assert frame["open"].tolist() == [1.0, 0.0] and frame["zip"][0] == "00001" and frame["colour"][1] is None
        assert np.isnan(frame["size"][1]) and pd.isna(frame["seen"][1])
        assert any("'size'" in note for note in notes) and any("'seen'" in note for note in notes)

    def test_the_training_frame_conforms_to_itself(self):
        table = load_frame(_frame(y=[float(row % 2) for row in range(ROWS)])).table

        again, notes = conform(table.frame, table.schema, labelled=True)

        pd.testing.assert_frame_equal(again, table.frame)
        assert notes == ()
        floats = conform(table.frame.assign(y=[None, " 1.0", *["0.0"] * (ROWS - 2)]), table.schema)[0]
        assert floats["y"].tolist()[:3] == [None, "1", "0"]

    def test_missing_columns_are_named(self):
        table = load_frame(_frame()).table

        with pytest.raises(InputError, match=r"column 'colour' \(categorical feature\) is missing; did you mean 'Colour'"):
            conform(_frame().rename(columns={"colour": "Colour"}), table.schema)
        with pytest.raises(InputError, match="column 'y'"):
            conform(_frame().drop(columns="y"), table.schema, labelled=True)


def test_equal_input_writes_equal_bytes(tmp_path):
    _frame().to_csv(tmp_path / "t.csv", index=False)

    first, second = (load(tmp_path / "t.csv").table for _ in range(2))

    for part, table in (("a", first), ("b", second)):
        (tmp_path / part).mkdir()
        table.write(tmp_path / part)
    assert all((tmp_path / "a" / path.name).read_bytes() == path.read_bytes() for path in (tmp_path / "b").iterdir())


def test_a_million_values_take_no_time():
    rng = np.random.default_rng(0)
    size = 200_000
    frame = pd.DataFrame(
        {
            "a": pd.array(rng.normal(size=size).round(4).astype(str), dtype="string[pyarrow]"),
            "b": rng.integers(0, 10**6, size),
            "c": pd.array(rng.integers(0, 500, size).astype(str), dtype="string[pyarrow]").astype("string[pyarrow]") + "x",
            "d": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, size), unit="s"),
            "y": rng.integers(0, 2, size),
        }
    )
    begin = datetime.now()

    load_frame(frame)

    assert (datetime.now() - begin).total_seconds() < 5
