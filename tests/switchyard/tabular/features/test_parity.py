"""Whatever the config can choose gives the same numbers in the ONNX graph as natively."""

import time

import numpy as np
import pytest

from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.tables.table import model_frame
from tests.switchyard.tabular.features.conftest import Exported, make_frame, names_of, target_of

DERIVED = {
    "debt ratio": "loan / income",
    "size": "log1p(`1st Flr SF`) ** 2 - -loan * 1e-3",
    "undefined": "1 / (rooms - 3) + sqrt(rooms - 2) + log(rooms)",
    "large": "exp(income) + exp(-rooms)",
    "months": "(applied - born) / 2629746",
    "choice": "where(income > 20000 and not rooms == 2, min(loan, 5000), max(loan, income, 1))",
    "band": "(1 < rooms <= 4) + (rooms != 3) + (owner or loan >= 9000)",
    "again": "abs(size) * band",
}
OPTIONS = {
    "defaults": {},
    "mean, most frequent": {"numeric_imputer": "mean", "categorical_imputer": "most_frequent"},
    "median, own category": {"numeric_imputer": "median", "categorical_imputer": "own_category"},
    "gaps stay": {"numeric_imputer": "none"},
    "no calendar": {"dates": False},
    "derived": {"derived": DERIVED},
    "clip by iqr": {"outliers": {"method": "iqr"}},
    "clip by zscore": {"outliers": {"method": "zscore", "threshold": 2}},
    "flag by iqr": {"outliers": {"method": "iqr", "action": "flag"}},
    "flag by zscore": {"outliers": {"method": "zscore", "action": "flag"}},
    "flag by forest": {"outliers": {"method": "isolation_forest", "action": "flag", "threshold": 0.1}},
    "drop": {"outliers": {"method": "iqr", "action": "drop"}, "interpolate": True},
    "interactions": {"interactions": 4, "derived": {"ratio": "loan / income"}},
    "squares": {"polynomial": 2},
    "cubes": {"polynomial": 3, "interactions": 2},
    "pairs": {"pairs": "make", "derived": DERIVED},
    "one-hot": {"encoder": "onehot"},
    "ordinal": {"encoder": "ordinal"},
    "target": {"encoder": "target"},
    "standard": {"scaler": "standard"},
    "min-max": {"scaler": "minmax"},
    "robust": {"scaler": "robust"},
    "normalizer": {"scaler": "normalizer"},
    "unscaled": {"scaler": "none"},
    "chi2": {"selection": {"method": "chi2", "keep": 7}},
    "anova": {"selection": {"method": "anova", "keep": 0.5}},
    "lasso": {"selection": {"method": "lasso", "keep": 0.5}},
    "forest": {"selection": {"method": "forest", "keep": 5}},
    "sequential": {"selection": {"method": "sequential", "keep": 3}},
    "importance": {"selection": {"method": "importance", "keep": 6}},
    "everything": {
        "derived": DERIVED,
        "outliers": {"method": "iqr"},
        "numeric_imputer": "mean",
        "interactions": 3,
        "polynomial": 2,
        "encoder": "target",
        "scaler": "robust",
        "selection": {"method": "lasso", "keep": 20},
    },
}
COLUMNS = {
    "income": {"imputer": "mean", "scaler": "minmax"},
    "rooms": {"imputer": "none", "scaler": "none"},
    "purpose": {"encoder": "ordinal", "imputer": "most_frequent"},
    "city": {"encoder": "onehot"},
}


def assert_parity(task: str, style: str, split, plan, choices=None) -> None:
    fitted = build_preprocessor(plan, style, choices)
    rows = model_frame(split.train, plan.used)
    trained = fitted.fit_transform(rows, target_of(split.train, task))
    exported = Exported(fitted, plan)
    for frame in (split.train, split.holdout, split.holdout[:1]):
        native, served = fitted.transform(model_frame(frame, plan.used)), exported.transform(frame)
        assert native.dtype == served.dtype == np.float64
        assert native.shape == served.shape == (len(frame), len(names_of(fitted)))
        assert np.array_equal(np.isnan(native), np.isnan(served))
        np.testing.assert_allclose(served, native, rtol=1e-12, atol=1e-9)
    assert not np.isinf(trained).any()
    if style == "net":
        assert not np.isnan(native).any()
    assert len(set(names_of(fitted))) == trained.shape[1]


@pytest.mark.parametrize("style", ["tree", "net"])
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_the_same_in_the_graph(plan_for, option, style):
    split, plan = plan_for("binary", OPTIONS[option])
    assert_parity("binary", style, split, plan)


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize(
    "option", ["target", "interactions", "pairs", "anova", "lasso", "forest", "sequential", "importance", "everything"]
)
def test_every_task_is_the_same_in_the_graph(plan_for, option, task):
    split, plan = plan_for(task, OPTIONS[option])
    assert_parity(task, "tree", split, plan)


@pytest.mark.parametrize("style", ["tree", "net"])
def test_settings_of_single_columns_are_the_same_in_the_graph(plan_for, style):
    split, plan = plan_for("binary", {}, COLUMNS)
    assert_parity("binary", style, split, plan)


@pytest.mark.parametrize(
    "style, choices",
    [
        ("tree", {"encoder": "ordinal", "order": "lexicographic"}),
        ("tree", {"encoder": "target", "numeric_imputer": "median"}),
        ("tree", {"pairs": "make", "encoder": "ordinal"}),
        ("tree", {"encoder": "native"}),
        ("net", {"encoder": "onehot", "scaler": "robust"}),
        ("net", {"scaler": "normalizer", "categorical_imputer": "most_frequent"}),
    ],
)
def test_choices_of_the_tuner_are_the_same_in_the_graph(plan_for, style, choices):
    split, plan = plan_for("binary")
    assert_parity("binary", style, split, plan, choices)


def test_block_with_one_column_and_dictionaries_too_large_to_share(plan_for, monkeypatch):
    monkeypatch.setattr("switchyard.tabular.features.categories._SHARED_TABLE", 10)
    split, plan = plan_for("binary", {"encoder": "onehot"})
    assert_parity("binary", "tree", split, plan)


def test_the_same_model_has_the_same_bytes(plan_for):
    exports = []
    for _ in range(2):
        split, plan = plan_for("binary", OPTIONS["everything"])
        fitted = build_preprocessor(plan, "tree").fit(model_frame(split.train, plan.used), target_of(split.train, "binary"))
        exports.append(Exported(fitted, plan).model.SerializeToString(deterministic=True))
    assert exports[0] == exports[1]


def test_columns_of_equal_treatment_do_not_multiply_nodes(plan_for):
    split, plan = plan_for("binary")
    fitted = build_preprocessor(plan, "net")
    fitted.fit_transform(model_frame(split.train, plan.used), target_of(split.train, "binary"))
    kinds = [node.op_type for node in Exported(fitted, plan).model.graph.node]
    assert kinds.count("LabelEncoder") == 1
    assert kinds.count("IsNaN") <= 2, "one for the dates, one for imputing"


def test_one_row_is_fast(plan_for):
    split, plan = plan_for("binary")
    fitted = build_preprocessor(plan, "tree")
    fitted.fit_transform(model_frame(split.train, plan.used), target_of(split.train, "binary"))
    exported = Exported(fitted, plan)
    feeds, times = exported.feeds(make_frame(1, 2)), []
    for _ in range(200):
        start = time.perf_counter()
        exported.session.run(None, feeds)
        times.append(time.perf_counter() - start)
    assert np.median(times) < 0.5e-3, "typically 0.05 ms on an idle machine"
