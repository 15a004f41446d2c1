"""What the fitted features are: leak-free, complete where they must be, the same each time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from switchyard.tabular.features.categories import CategoryCodes, OneHot, TargetMeans
from switchyard.tabular.features.dates import PARTS, DateParts
from switchyard.tabular.features.numeric import Impute, Products
from switchyard.tabular.features.outliers import ClipOutliers, IsolationFlag
from switchyard.tabular.features.pairs import Pairs
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.features.selection import METHODS, Select
from switchyard.tabular.model.open_format import dump, load
from switchyard.tabular.tables.schema import MISSING, Column, Schema
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from tests.switchyard.tabular.features.conftest import make_problem, names_of, target_of


def fitted(split, plan, style="tree", choices=None, task="binary"):
    preprocessor = build_preprocessor(plan, style, choices)
    return preprocessor, preprocessor.fit_transform(model_frame(split.train, plan.used), target_of(split.train, task))


def test_target_encoding_does_not_leak_in_cross_validation():
    """Noise with a category for every four rows: any skill out of fold would be the rows' own labels."""
    rng = np.random.default_rng(0)
    rows = 4000
    noise = rng.integers(0, rows // 4, rows).astype(str).astype(object)
    frame = pd.DataFrame({"noise": noise, "y": rng.choice(["a", "b"], rows)})
    roles = {"noise": "feature", "y": "target"}
    schema = Schema(columns=tuple(Column(name=name, kind="categorical", role=role, unique=1000) for name, role in roles.items()))
    plan = plan_features(Split(frame, frame, schema, "random", None), {}, make_problem("binary"))
    X, y = model_frame(frame, plan.used), target_of(frame, "binary")
    out_of_fold, in_fold = np.empty(rows), []
    for train, valid in StratifiedKFold(5, shuffle=True, random_state=1).split(X, y):
        preprocessor = build_preprocessor(plan, "tree")
        features = preprocessor.fit_transform(X.iloc[train], y[train])
        model = LogisticRegression(C=1e6).fit(features, y[train])
        in_fold.append(roc_auc_score(y[train], model.predict_proba(features)[:, 1]))
        out_of_fold[valid] = model.predict_proba(preprocessor.transform(X.iloc[valid]))[:, 1]
        seen = preprocessor.transform(X.iloc[train])[:, 0]
        assert roc_auc_score(y[train], seen) > 0.7, "means of all rows do hold a row's own label: this test can fail"
    assert abs(roc_auc_score(y, out_of_fold) - 0.5) < 0.03
    assert abs(np.mean(in_fold) - 0.5) < 0.05


@pytest.mark.parametrize("classification, y", [
    (True, np.arange(12) % 3), (True, np.arange(12) % 2), (True, np.zeros(12, int)), (True, np.array([0] * 10 + [1, 2])),
    (False, np.arange(12.0)), (False, np.zeros(12)),
])  # fmt: skip
def test_target_means_take_whatever_classes_a_fold_has(classification, y):
    codes = np.arange(12).reshape(-1, 1) % 4
    encoder = TargetMeans(classification)
    width = len(np.unique(y)) if classification and len(np.unique(y)) > 2 else 1
    assert encoder.fit_transform(codes, y).shape == (12, width)
    assert np.isfinite(encoder.transform(np.array([[99]]))).all()
    assert len(encoder.get_feature_names_out(["c"])) == width


def test_codes_go_by_frequency_and_the_rest_shares_one():
    X = np.array([["b"], ["b"], ["a"], ["a"], ["c"], [MISSING]], dtype=object)
    codes = CategoryCodes(min_count=2).fit(X)
    assert codes.categories_ == [["a", "b"]]
    assert codes.sizes_ == [3]
    assert codes.transform(np.array([["a"], ["b"], ["c"], [MISSING], ["never"]], dtype=object)).ravel().tolist() == [0, 1, 2, 2, 2]
    own = CategoryCodes(order="lexicographic").fit(X)
    assert own.categories_ == [[MISSING, "a", "b", "c"]]
    mode = CategoryCodes(missing="most_frequent").fit(X)
    assert mode.categories_ == [["a", "b", "c"]]
    assert mode.transform(np.array([[MISSING]], dtype=object)).item() == 0


def test_unseen_values_are_zero_in_every_one_hot_column():
    encoder = OneHot(max_categories=2).fit(np.array([["a"], ["a"], ["b"], ["b"], ["c"]], dtype=object))
    assert encoder.transform(np.array([["b"], ["c"], ["x"]], dtype=object)).tolist() == [[0, 1], [0, 0], [0, 0]]
    assert encoder.get_feature_names_out(["p"]).tolist() == ["p=a", "p=b"]


def test_date_parts_are_those_of_the_calendar():
    moments = pd.date_range("1899-12-30 23:59:59", "2101-03-02", periods=5000)
    moments = moments.append(pd.DatetimeIndex(["2000-02-29", "1900-03-01", "1970-01-01"]))
    seconds = np.append(moments.astype("datetime64[ns]").astype("int64").to_numpy() / 1e9, np.nan).reshape(-1, 1)
    parts = DateParts(((0, PARTS),)).fit(seconds).transform(seconds)[:, 1:]
    for number, part in enumerate(PARTS[:5]):
        np.testing.assert_array_equal(parts[:-1, number], getattr(moments, part), err_msg=part)
    np.testing.assert_allclose(parts[:-1, 5], (moments - moments.min()) / pd.Timedelta(days=1), atol=1e-6)
    dayofyear = [
        pd.Timestamp(year=2001, month=month, day=min(day, 28) if month == 2 else day).dayofyear
        for month, day in parts[:-1, 1:3].astype(int)
    ]
    ordinary = parts[:-1, 2] != 29
    np.testing.assert_array_equal(parts[:-1, 6][ordinary], np.array(dayofyear)[ordinary])
    assert parts[-4, 6] == parts[-3, 6] == 60, "29 February has the number of 1 March"
    assert np.isnan(parts[-1]).all()


def test_imputing_says_where_it_was_missing():
    X = np.array([[1.0, np.nan, 1.0], [3.0, 2.0, np.nan], [8.0, 4.0, 1.0]])
    imputer = Impute(("median", "mean")).fit(X)
    np.testing.assert_array_equal(imputer.transform(X), [[1, 3, 1, 1], [3, 2, np.nan, 0], [8, 4, 1, 0]])
    assert imputer.transform(np.array([[np.nan, 0, 0]])).tolist() == [[3, 0, 0, 0]]
    assert imputer.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c", "b is missing"]


def test_clipping_leaves_gaps_and_columns_of_one_value():
    X = np.column_stack([np.append(np.arange(10.0), [1000.0, np.nan]), np.append(np.zeros(11), 5.0)])
    clipped = ClipOutliers((0, 1), "iqr").fit(X).transform(X)
    assert clipped[10, 0] < 30
    assert np.isnan(clipped[11, 0])
    assert clipped[11, 1] == 5.0


def test_isolation_forest_flags_the_row_far_from_all():
    X = np.random.default_rng(0).normal(size=(300, 3))
    X[13] = 25.0
    flag = IsolationFlag((0, 1, 2), 0.01).fit(X).transform(X)[:, -1]
    assert flag[13] == 1
    assert 1 <= flag.sum() <= 3


def test_the_strongest_pair_is_found():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    products = Products(tuple(range(6)), True, interactions=1).fit(X, (X[:, 2] * X[:, 5] > 0).astype(int))
    assert products.get_feature_names_out(list("abcdef")).tolist()[-1] == "c * f"
    np.testing.assert_array_equal(products.transform(X)[:, -1], X[:, 2] * X[:, 5])


def test_the_pair_that_decides_is_made_and_what_cannot_be_computed_is_missing():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3, 1000), rng.uniform(1, 9, (1000, 5))]).astype("float64")
    X[::7, 4] = np.nan
    pairs = Pairs((1, 2, 3, 4, 5), False).fit(X, X[:, 1] / X[:, 3] + 0.01 * X[:, 2])
    names = pairs.get_feature_names_out(list("abcdef")).tolist()
    assert len(names) <= 6 + 20 and not any("a" in name for name in names[6:])
    ratio = next(name for name in names if name in ("b / d", "d / b"))

    edge = np.array([[0, 1.0, 1, 0.0, np.nan, 1], [0, 0.0, 1, 2.0, 1, 1], [0, 1e38, 1e38, 1e38, 1e38, 1e-300]])
    made = dict(zip(names, pairs.transform(edge).T, strict=True))
    assert np.isnan(made[ratio][0 if ratio == "b / d" else 1])
    assert all(np.isnan(made[name][0]) for name in names[6:] if "e" in name)
    assert np.nanmax(np.abs(list(made.values()))) <= 1e38


def test_pairs_are_for_trees_and_only_where_they_were_chosen(plan_for):
    split, plan = plan_for("binary")
    assert "pairs" not in build_preprocessor(plan, "tree").named_steps
    assert "pairs" not in build_preprocessor(plan, "net", {"pairs": "make"}).named_steps
    _, left = plan_for("binary", {"pairs": "leave"})
    assert "pairs" not in build_preprocessor(left, "tree", {"pairs": "make"}).named_steps
    made, _ = fitted(split, plan, choices={"pairs": "make"})
    assert 0 < len(made["pairs"].terms_) <= 20
    again = load(dump(made))
    assert again["pairs"].terms_ == made["pairs"].terms_


def test_polynomials_of_many_columns_are_bounded():
    X = np.random.default_rng(0).normal(size=(100, 80))
    assert Products(tuple(range(80)), False, degree=3).fit(X, X[:, 0]).transform(X).shape[1] <= 280


@pytest.mark.parametrize("method", METHODS)
def test_selection_finds_what_tells(method):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    X = rng.normal(size=(400, 12))
    X[:, 3] += 2 * y
    X[:, 8] -= 1.5 * y
    X[::7, 3] = np.nan
    selected = Select(method, 2, True).fit(X, y)
    assert selected.support_.tolist() == [3, 8]
    assert Select(method, 0.01, True).fit(X, y).support_.tolist() in ([3], [8])


def test_the_net_gets_complete_scaled_numbers_and_codes(plan_for):
    split, plan = plan_for("binary")
    preprocessor, X = fitted(split, plan, "net")
    assert not np.isnan(X).any()
    sizes = dict(preprocessor.categorical_sizes_)
    names = names_of(preprocessor)
    assert [names[position] for position in sizes] == ["purpose", "größe", "city"]
    for position, size in sizes.items():
        assert set(X[:, position]) <= set(range(size))
    measured = [position for position in range(X.shape[1]) if position not in sizes and "missing" not in names[position]]
    np.testing.assert_allclose(X[:, measured].mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(X[:, measured].std(axis=0), 1, atol=1e-9)


def test_selection_keeps_track_of_the_codes(plan_for):
    split, plan = plan_for("binary", {"selection": {"method": "forest", "keep": 0.4}})
    preprocessor, X = fitted(split, plan, "net")
    names = names_of(preprocessor)
    assert len(names) == X.shape[1]
    assert {names[position] for position, _ in preprocessor.categorical_sizes_} == {"purpose", "größe", "city"} & set(names)


@pytest.mark.parametrize("encoder", ["ordinal", "target"])
def test_encoded_categories_are_scaled_for_the_net(plan_for, encoder):
    split, plan = plan_for("regression", {"encoder": encoder})
    preprocessor, X = fitted(split, plan, "net", task="regression")
    assert preprocessor.categorical_sizes_ == []
    np.testing.assert_allclose(X[:, -3:].std(axis=0), 1, atol=1e-9)


def test_trees_get_gaps_as_they_are(plan_for):
    split, plan = plan_for("binary")
    preprocessor, X = fitted(split, plan)
    column = X[:, names_of(preprocessor).index("income")]
    np.testing.assert_array_equal(column, split.train["income"])
    assert preprocessor.categorical_sizes_ == []


def test_the_config_wins_over_the_tuner_and_a_column_over_both(plan_for):
    split, plan = plan_for("binary", {"encoder": "ordinal"}, {"purpose": {"encoder": "onehot"}})
    preprocessor, _ = fitted(split, plan, choices={"encoder": "target"})
    blocks = {name: columns for name, _, columns in preprocessor["blocks"].transformers_}
    assert blocks["ordinal"] == ["größe", "city"]
    assert blocks["onehot"] == ["purpose"]
    with pytest.raises(ValueError, match="encodr"):
        build_preprocessor(plan, "tree", {"encodr": "onehot"})


@pytest.mark.parametrize("style", ["tree", "net"])
def test_refits_and_files_are_the_same_to_the_bit(plan_for, style):
    features = {
        "outliers": {"method": "isolation_forest", "action": "flag"}, "interactions": 2, "selection": {"method": "forest"},
        "numeric_imputer": "mean", "scaler": "robust", "encoder": "target",
    }  # fmt: skip
    split, plan = plan_for("binary", features, {"income": {"scaler": "standard"}, "city": {"imputer": "most_frequent"}})
    first, X = fitted(split, plan, style)
    again, Y = fitted(split, FeaturePlan.model_validate_json(plan.model_dump_json()), style)
    np.testing.assert_array_equal(X, Y)
    assert dump(first) == dump(again)
    rows = model_frame(split.holdout, plan.used)
    for copy in (load(dump(first)), clone(first).fit(model_frame(split.train, plan.used), target_of(split.train, "binary"))):
        np.testing.assert_array_equal(copy.transform(rows), first.transform(rows))


def test_numbers_beyond_float32_stay_finite_there(plan_for):
    split, plan = plan_for("binary", {"polynomial": 3})
    split.train.loc[:3, "income"] = [1e300, -1e300, np.inf, 1e20]
    for style in ("tree", "net"):
        _, X = fitted(split, plan, style)
        with np.errstate(over="raise"):
            assert not np.isinf(X.astype("float32")).any()
