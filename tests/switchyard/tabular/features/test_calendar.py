"""The column that orders the rows gives its calendar to the model, and nothing of the trend."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.bundle.encoding import BadInput
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.calendar import cyclic_parts

QUICK = {"trials": 1, "evaluation": {"bootstrap": 20, "explained_rows": 20, "lime_rows": 1}, "data": {"time_column": "date"}}


def sales(days: int = 800) -> pd.DataFrame:
    """More is sold at weekends, and nothing else in the table says so."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2021-01-01", periods=days)
    price = rng.normal(10, 1, days)
    return pd.DataFrame(
        {"date": dates.astype(str), "price": price, "sold": 50 - price + 20 * (dates.weekday >= 5) + rng.normal(0, 1, days)}
    )


@pytest.fixture(scope="module")
def fitted():
    return switchyard.fit(sales(), "sold", families=("lightgbm",), **QUICK)


def test_the_calendar_of_the_time_column_is_learnt_in_model_and_bundle(fitted):
    plan = fitted.plan["date"]
    assert (plan.use, plan.role) == (True, "time") and "weekday" in plan.parts
    assert {"elapsed", "year"}.isdisjoint(plan.parts), "later rows lie outside of what training saw of these"
    without = switchyard.fit(sales(), "sold", families=("lightgbm",), features={"time_column": False}, **QUICK)
    assert not without.plan["date"].use and "features.time_column" in without.plan["date"].reason
    assert fitted.evaluation.scores["r2"].value > 0.9 > 0.3 > without.evaluation.scores["r2"].value
    assert not fitted.parity.differing_rows
    assert "date" in {column.name for column in fitted.bundle.signature.columns}
    assert "date" not in {column.name for column in without.bundle.signature.columns}
    assert fitted.explain().summary.importance[0].column == "date"


def test_a_request_says_its_date_or_null_and_none_is_made_up(fitted):
    scorer = fitted.bundle.scorer()
    with pytest.raises(BadInput, match=r"date.*is missing \(datetime\)"):
        scorer.score({"price": [10.0]})
    unknown = scorer.score({"price": [10.0], "date": [None]}).prediction[0]
    saturday, monday = scorer.score({"price": [10.0, 10.0], "date": ["2031-03-01", "2031-03-03"]}).prediction
    assert np.isfinite(unknown) and saturday - monday == pytest.approx(20, abs=5), "ten years later a Saturday is one"
    with pytest.raises(InputError, match="'date'.*is missing"):
        fitted.predict(sales().drop(columns="date"))
    assert fitted.bundle.signature.columns[0].maximum is None, "no later day counts as out of range"


@pytest.mark.parametrize(
    "first, periods, step, parts",
    [
        ("2021-01-01", 10, "D", ()),
        ("2021-01-01", 30, "D", ("weekday",)),
        ("2021-01-01", 180, "D", ("weekday",)),
        ("2021-01-01", 400, "D", ("month", "weekday")),
        ("2021-01-01", 800, "D", ("month", "weekday", "yearday")),
        ("2021-01-01", 100, "h", ("hour",)),
        ("2018-01-01", 60, "MS", ("month",)),
        ("2021-01-01", 5, "YS", ()),
    ],
)
def test_only_cycles_that_training_went_through_are_parts(first, periods, step, parts):
    assert cyclic_parts(pd.Series(pd.date_range(first, periods=periods, freq=step))) == parts


def test_a_time_column_of_gaps_alone_has_no_parts():
    assert cyclic_parts(pd.Series([pd.NaT, pd.NaT])) == ()


def test_the_conflict_of_two_roles_is_said_when_the_config_is_read():
    settings = {"name": "x", "data": {"source": "-", "target": "y", "time_column": "t", "columns": {"t": {"role": "feature"}}}}
    with pytest.raises(InputError, match=r"data.time_column is 't', but data.columns gives it the role feature.*features.time_column"):
        problem_from(settings, "test")
