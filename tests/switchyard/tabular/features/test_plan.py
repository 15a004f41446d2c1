"""What becomes of every column, why, and what the config may not ask for."""

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.features.plan import FeaturePlan, plan_features, training_rows
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split
from tests.switchyard.tabular.features.conftest import make_problem, make_split


def used(plan: FeaturePlan) -> list[str]:
    return [column.name for column in plan.used]


def test_every_column_is_planned_with_a_reason():
    split = make_split("binary")
    plan = plan_features(split, {"rooms": "too few values"}, make_problem("binary"))
    assert [column.name for column in plan.columns] == [column.name for column in split.schema.columns]
    assert all(column.reason for column in plan.columns)
    assert used(plan) == ["income", "loan", "1st Flr SF", "owner", "applied", "born", "purpose", "größe", "city", "note"]
    assert "too few values" in plan["rooms"].reason
    assert "learnt from by its words" in plan["note"].reason
    assert plan["born"].parts == ("elapsed", "year", "month", "day", "weekday"), "birthdays have no hour"
    assert "hour" in plan["applied"].parts
    assert (plan.task, plan.n_classes) == ("binary", 2)


def test_only_features_are_features():
    numbers = {name: [0.0, 1.0, 2.0] for name in ("id", "t", "g", "x", "off")}
    frame = pd.DataFrame({**numbers, "y": ["a", "b", "a"]})
    roles = {"id": "id", "t": "time", "g": "group", "x": "feature", "off": "ignored", "y": "target"}
    schema = Schema(columns=tuple(Column(name=name, kind="numeric", role=role) for name, role in roles.items()))
    plan = plan_features(Split(frame, frame, schema, "random", None), {}, make_problem("binary"))
    assert used(plan) == ["x"]


def test_columns_needed_only_by_derived_features_are_inputs_and_no_features():
    split = make_split("binary")
    columns = tuple(column.model_copy(update={"role": "ignored"}) if column.name == "loan" else column for column in split.schema.columns)
    split = Split(split.train, split.holdout, Schema(columns=columns), "random", None)
    plan = plan_features(split, {}, make_problem("binary", {"derived": {"ratio": "loan / income", "twice": "2 * ratio"}}))
    assert not plan["loan"].use
    assert "loan" in used(plan)
    assert plan.derived[1].needs == ("loan", "income")


@pytest.mark.parametrize("asked, explainable, planned", [("auto", False, "auto"), ("auto", True, "leave"), ("make", True, "make")])
def test_pairs_are_left_where_somebody_has_to_follow_the_model_and_did_not_ask(asked, explainable, planned):
    problem = make_problem("binary", {"pairs": asked})
    problem = problem.model_copy(update={"constraints": problem.constraints.model_copy(update={"explainable_only": explainable})})
    plan = plan_features(make_split("binary"), {}, problem)
    assert plan.pairs == planned
    assert ("products, ratios" in str(plan.report())) == (planned != "leave")


def test_what_quality_dropped_does_not_come_back_through_an_expression():
    problem = make_problem("binary", {"derived": {"ratio": "loan / income", "twice": "2 * ratio"}})
    plan = plan_features(make_split("binary"), {"loan": "gives the target away"}, problem)
    assert [item.use for item in plan.derived] == [False, False]
    assert "gives the target away" in plan.derived[0].reason
    assert "loan" not in used(plan)


@pytest.mark.parametrize(
    "features, columns, message",
    [
        ({"derived": {"r": "laon / income"}}, {}, r"features.derived.r: the table has no column 'laon'; did you mean 'loan'"),
        ({"derived": {"r": "loan / y"}}, {}, r"features.derived.r: 'y' is the target"),
        ({"derived": {"r": "loan * purpose"}}, {}, r"features.derived.r: 'purpose' is categorical"),
        ({"derived": {"r": "b + loan", "b": "loan"}}, {}, r"features.derived.r: the table has no column 'b'"),
        ({"derived": {"loan": "income"}}, {}, r"features.derived.loan: the table has a column of this name"),
        ({"outliers": {"method": "isolation_forest"}}, {}, r"features.outliers.action: .* use flag or drop"),
        ({"outliers": {"method": "isolation_forest", "action": "flag", "threshold": 2}}, {}, r"features.outliers.threshold"),
        ({"scaler": "normalizer", "numeric_imputer": "none"}, {}, r"features.numeric_imputer"),
        ({"scaler": "normalizer"}, {"loan": {"scaler": "robust"}}, r"data.columns.loan.scaler: .* remove one of them"),
        ({}, {"purpse": {"encoder": "onehot"}}, r"data.columns.purpse: .* did you mean 'purpose'"),
        ({}, {"loan": {"encoder": "onehot"}}, r"data.columns.loan.encoder: 'onehot' does not apply to a numeric column"),
        ({}, {"loan": {"imputer": "own_category"}}, r"data.columns.loan.imputer: .* choose one of mean, median, none"),
        ({}, {"city": {"scaler": "robust"}}, r"data.columns.city.scaler: .* categorical column"),
        ({}, {"city": {"imputer": "mean"}}, r"data.columns.city.imputer: .* choose one of most_frequent, own_category"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(features, columns, message):
    with pytest.raises(InputError, match=message):
        plan_features(make_split("binary"), {}, make_problem("binary", features, columns))


def test_chi2_needs_classes():
    with pytest.raises(InputError, match="features.selection.method"):
        plan_features(make_split("regression"), {}, make_problem("regression", {"selection": {"method": "chi2"}}))


def test_no_column_left_is_an_error_that_says_why():
    split = make_split("binary")
    dropped = {column.name: "constant" for column in split.schema.features}
    with pytest.raises(InputError, match="no column is left .*city: dropped by the quality report: constant"):
        plan_features(split, dropped, make_problem("binary"))


def test_a_plan_is_kept_and_shown(tmp_path):
    features = {"derived": {"a<b": "loan < income"}, "outliers": {"method": "iqr"}, "selection": {"method": "lasso"}, "interactions": 3}
    plan = plan_features(make_split("binary"), {"rooms": "a reason"}, make_problem("binary", features))
    plan.write(tmp_path)
    assert FeaturePlan.read(tmp_path) == plan
    page = plan.html()
    assert all(text in page for text in ("1st Flr SF", "a reason", "a&lt;b", "Lasso path", "moved onto the bounds"))
    assert "<script" not in page
    assert plan.metadata() == {"columns_used": 10, "columns_dropped": 1, "derived": 1}


def test_outliers_are_dropped_from_training_rows_only_when_asked():
    split = make_split("binary")
    problem = make_problem("binary", {"outliers": {"method": "zscore", "action": "drop", "threshold": 3}})
    train = split.train.copy()
    train.loc[7, "income"] = 1e9
    kept = training_rows(train, plan_features(split, {}, problem), split.schema)
    assert 7 not in kept.index
    assert 0.8 * len(train) < len(kept) < len(train)
    assert kept.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(training_rows(train, plan_features(split, {}, make_problem("binary")), split.schema), train)


def test_dropping_most_rows_or_a_class_is_refused():
    split = make_split("binary")
    strict = plan_features(split, {}, make_problem("binary", {"outliers": {"method": "zscore", "action": "drop", "threshold": 0.1}}))
    with pytest.raises(InputError, match=r"features.outliers: drop would leave \d+ of 400 training rows; use action: clip"):
        training_rows(split.train, strict, split.schema)
    plan = plan_features(split, {}, make_problem("binary", {"outliers": {"method": "zscore", "action": "drop"}}))
    train = split.train.assign(y="a")
    train.loc[[5, 6], ["y", "income"]] = ["b", 1e9]
    with pytest.raises(InputError, match="no training row of class 'b'"):
        training_rows(train, plan, split.schema)


def test_isolation_forest_drops_its_share_of_training_rows():
    split = make_split("binary")
    problem = make_problem("binary", {"outliers": {"method": "isolation_forest", "action": "drop", "threshold": 0.1}})
    kept = training_rows(split.train, plan_features(split, {}, problem), split.schema)
    assert len(kept) == pytest.approx(0.9 * len(split.train), abs=5)


def test_gaps_are_interpolated_by_time_within_the_group():
    frame = pd.DataFrame(
        {
            "t": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-02", "2024-01-01", "2024-01-02", "2024-01-03"]),
            "g": ["a", "a", "a", "b", "b", "b"],
            "x": [0.0, 4.0, np.nan, np.nan, 5.0, np.nan],
            "y": ["n", "p", "n", "p", "n", "p"],
        }
    )
    roles, kinds = {"t": "time", "g": "group", "x": "feature", "y": "target"}, {"t": "datetime", "x": "numeric"}
    schema = Schema(columns=tuple(Column(name=name, kind=kinds.get(name, "categorical"), role=role) for name, role in roles.items()))
    plan = plan_features(Split(frame, frame, schema, "time", None), {}, make_problem("binary", {"interpolate": True}))
    filled = training_rows(frame, plan, schema)
    np.testing.assert_array_equal(filled["x"], [0.0, 4.0, 1.0, np.nan, 5.0, np.nan])
    assert frame["x"].isna().sum() == 3, "the table itself stays as it was"
