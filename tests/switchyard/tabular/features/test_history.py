"""Lag and rolling features see the past of the same entity and nothing else."""

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.history import add_history
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.table import Table

NAN = np.nan


def make_table(frame: pd.DataFrame) -> Table:
    roles = {"when": "time", "y": "target"}
    kinds = {"when": "datetime", "y": "categorical", "who": "categorical"}
    columns = [Column(name=name, kind=kinds.get(name, "numeric"), role=roles.get(name, "feature")) for name in frame]
    return Table(frame, Schema(columns=tuple(columns)), "test", "sha256:0")


def make_problem(*lags: dict, time_column: str | None = "when") -> Problem:
    data = {"source": "x", "target": "y", "time_column": time_column}
    return problem_from({"name": "t", "task": "binary", "positive_class": "yes", "data": data, "features": {"lags": list(lags)}}, "t")


@pytest.fixture
def payments() -> Table:
    return make_table(
        pd.DataFrame(
            {
                "when": pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02", "2024-01-04", None]),
                "who": ["a", "a", "a", "b", "a", "a", "a"],
                "paid": [3.0, 1.0, 2.0, 100.0, 20.0, NAN, 7.0],
                "y": ["no", "yes", "no", "yes", "yes", "no", "no"],
            }
        )
    )


def test_lags_follow_time_within_the_entity_and_rows_of_one_moment_do_not_see_each_other(payments):
    made = add_history(payments, make_problem({"column": "paid", "by": "who", "lags": [1, 2]})).frame
    np.testing.assert_array_equal(made["paid_lag_1_by_who"], [20.0, NAN, 1.0, NAN, 1.0, 3.0, NAN])
    np.testing.assert_array_equal(made["paid_lag_2_by_who"], [2.0, NAN, NAN, NAN, NAN, 20.0, NAN])


def test_windows_take_what_there_is(payments):
    made = add_history(
        payments,
        make_problem(
            {"column": "paid", "by": "who", "windows": [2], "statistic": "sum"},
            {"column": "paid", "by": "who", "windows": [10], "statistic": "count"},
        ),
    ).frame
    np.testing.assert_array_equal(made["paid_sum_2_by_who"], [22.0, NAN, 1.0, NAN, 1.0, 23.0, NAN])
    np.testing.assert_array_equal(made["paid_count_10_by_who"], [3.0, 0.0, 1.0, 0.0, 1.0, 4.0, NAN])


def test_past_outcomes_are_features_of_a_binary_task(payments):
    made = add_history(payments, make_problem({"column": "y", "by": "who", "windows": [2]})).frame
    np.testing.assert_array_equal(made["y_mean_2_by_who"], [0.5, NAN, 1.0, NAN, 1.0, 0.5, NAN])


@pytest.mark.parametrize("statistic", ["mean", "sum", "min", "max", "std", "count"])
def test_the_future_changes_nothing(statistic):
    rng = np.random.default_rng(0)
    when = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 60, 300), unit="D")
    frame = pd.DataFrame({"when": when, "who": rng.choice(list("abc"), 300), "paid": rng.normal(size=300), "y": "no"})
    problem = make_problem({"column": "paid", "by": "who", "lags": [1, 3], "windows": [2, 5], "statistic": statistic})
    boundary = pd.Timestamp("2024-02-01")
    past = (frame["when"] <= boundary).to_numpy()
    changed = frame.assign(paid=np.where(frame["when"] >= boundary, 1e6, frame["paid"]))
    before, after = (add_history(make_table(table), problem).frame.filter(like="_by_who")[past] for table in (frame, changed))
    pd.testing.assert_frame_equal(before, after)
    later = add_history(make_table(changed), problem).frame.filter(like="_by_who")[~past]
    assert statistic == "count" or (later > 1e5).to_numpy().any()


def test_file_order_is_time_when_it_is_said_to_be():
    frame = pd.DataFrame({"paid": [1.0, 2.0, 3.0], "y": ["no", "yes", "no"]})
    made = add_history(make_table(frame), make_problem({"column": "paid", "lags": [1], "windows": [2]}, time_column="@row"))
    np.testing.assert_array_equal(made.frame["paid_lag_1"], [NAN, 1.0, 2.0])
    np.testing.assert_array_equal(made.frame["paid_mean_2"], [NAN, 1.0, 1.5])
    column = made.schema["paid_lag_1"]
    assert (column.kind, column.role, column.unique) == ("numeric", "feature", 2)
    assert "caller sends it" in column.reason
    assert list(made.frame) == [item.name for item in made.schema.columns]


def test_no_lags_is_the_same_table(payments):
    assert add_history(payments, make_problem()) is payments


@pytest.mark.parametrize(
    "lag, message",
    [
        ({"column": "payd", "lags": [1]}, r"lags.0.column: the table has no column 'payd'"),
        ({"column": "who", "lags": [1]}, r"'who' is categorical"),
        ({"column": "paid", "by": "whom", "lags": [1]}, r"lags.0.by: the table has no column 'whom'"),
    ],
)
def test_wrong_lags_are_named(payments, lag, message):
    with pytest.raises(InputError, match=message):
        add_history(payments, make_problem(lag))


def test_lags_need_an_order_in_time():
    frame = pd.DataFrame({"paid": [1.0, 2.0], "y": ["no", "yes"]})
    with pytest.raises(InputError, match="set data.time_column"):
        add_history(make_table(frame), make_problem({"column": "paid", "lags": [1]}, time_column=None))
