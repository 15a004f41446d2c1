"""How much each row counts: read, refused where it is no weight, and no feature; integer weights are rows written out so often."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.intervals import Support
from switchyard.tabular.evaluation.measures import scores_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.model.decision import choose_threshold, conformal_half_width, least_probabilities
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import metric_of
from switchyard.tabular.tuning.crossval import constant_score
from tests.switchyard.tabular.cases import make_problem

RNG = np.random.default_rng(0)
COUNTS = RNG.integers(1, 4, 200)


def _table(**columns: object) -> RawTable:
    frame = pd.DataFrame({"x": RNG.normal(size=60), "y": RNG.normal(size=60), "w": RNG.integers(1, 5, 60)}).assign(**columns)
    return RawTable(frame, "rows.csv", "")


def _problem(**sections: dict):
    return make_problem("regression", "auto", data={"weight": "w"}, tuning={"families": ("lightgbm",)}, **sections)


def test_a_weight_is_no_feature_and_goes_with_its_row_to_either_side():
    raw = _table()
    table, problem, _ = resolve(raw, _problem())
    split = split_table(table, problem)
    plan = plan_features(split, {}, problem)

    assert table.schema["w"].role == "weight" and [column.name for column in plan.used] == ["x"]
    assert plan["w"].reason == "says how much the row counts" and plan["w"].way_in == "without data.weight: w"
    both = pd.concat([split.train, split.holdout])
    assert both.set_index("x").w.to_dict() == raw.frame.set_index("x").w.to_dict()
    assert weights_of(split.holdout, table.schema).tolist() == split.holdout.w.tolist()


def test_a_role_says_it_as_well():
    problem = make_problem("regression", "auto", data={"columns": {"w": {"role": "weight"}}}, tuning={"families": ("lightgbm",)})
    assert resolve(_table(), problem).problem.data.weight == "w"


@pytest.mark.parametrize(
    "cell, said",
    [
        (-1, "data.weight: row 8 weighs '-1', which is below zero in 'w'"),
        (None, "data.weight: row 8 has no weight in 'w'"),
        ("much", "data.weight: row 8 weighs 'much', which is not a finite number in 'w'"),
    ],
)
def test_what_is_no_weight_is_refused_by_its_row(cell, said):
    weights = pd.Series(np.ones(60)).astype(object)
    weights[7] = cell
    with pytest.raises(InputError) as caught:
        resolve(_table(w=weights), _problem())
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


def test_rows_of_weight_zero_are_left_out_and_said_and_one_that_counts_must_be_there():
    weights = np.ones(60)
    weights[:5] = 0
    table, _, notes = resolve(_table(w=weights), _problem())
    assert len(table.frame) == 55 and "5 rows of weight zero in 'w' are left out" in notes

    with pytest.raises(InputError, match="zero or no number in every row"):
        resolve(_table(w=0.0), _problem())


def test_numbers_of_rows_in_messages_are_those_of_the_table_though_rows_of_weight_zero_went():
    weights = np.ones(60)
    weights[:5], weights[9] = 0, -2
    with pytest.raises(InputError, match="row 10 weighs"):
        resolve(_table(w=weights), _problem())


def test_what_counts_every_row_alike_is_refused_by_its_name(monkeypatch):
    monkeypatch.setattr(FAMILIES["lightgbm"].estimator, "weighs", False)
    with pytest.raises(InputError, match="'lightgbm' counts every row alike, and data.weight is 'w'"):
        resolve(_table(), _problem())


def _repeated(*arrays: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(array, COUNTS, axis=0) for array in arrays]


@pytest.mark.parametrize("task, classes", [("binary", ("a", "b")), ("multiclass", ("a", "b", "c")), ("regression", ())])
def test_integer_weights_score_as_rows_written_out(task, classes):
    if classes:
        proba = RNG.dirichlet(np.ones(len(classes)), 200).round(2)
        proba /= proba.sum(axis=1, keepdims=True)
        truth = RNG.integers(0, len(classes), 200)
    else:
        proba, truth = RNG.gamma(2.0, size=200), RNG.gamma(2.0, size=200)
    metrics = [metric for metric in METRICS.values() if task in metric.tasks and metric.weighs]
    long_truth, long = _repeated(truth, proba)
    for metric in metrics:
        assert metric.value(truth, proba, COUNTS) == pytest.approx(metric.value(long_truth, long), rel=1e-12), metric.name
        weighed = constant_score(metric, truth, len(classes), COUNTS.astype(float))
        assert weighed == pytest.approx(constant_score(metric, long_truth, len(classes)), rel=1e-12), metric.name
    made = Predictions.of_classes if classes else Predictions.of_values
    short = scores_of(truth, made(proba), task, classes)(COUNTS[None, :].astype(float))
    written = scores_of(long_truth, made(long), task, classes)(np.ones((1, len(long))))
    for name, value in written.items():
        assert short[name] == pytest.approx(value, rel=1e-9, nan_ok=True), name
    assert {metric.name for metric in metrics} >= {metric_of(task, "auto").name}


def test_integer_weights_decide_as_rows_written_out():
    scores, truth = RNG.random(200).round(2), RNG.integers(0, 2, 200)
    long_scores, long_truth = _repeated(scores, truth)
    for rule in ("f1", "balanced_accuracy", "accuracy", "auto"):
        assert choose_threshold(scores, truth, rule, weights=COUNTS) == choose_threshold(long_scores, long_truth, rule)
    # The new row weighs the mean, not one: so that ranks differ by no more than one row of that weight.
    wide = np.sort(np.abs(np.repeat(scores, COUNTS)))
    assert (
        abs(np.searchsorted(wide, conformal_half_width(scores, 0.8, COUNTS)) - np.searchsorted(wide, conformal_half_width(wide, 0.8))) < 12
    )
    proba = np.column_stack([1 - scores, scores])
    assert least_probabilities(proba, truth, 0.8, True, np.ones(200)) == least_probabilities(proba, truth, 0.8, True)


def test_weights_that_differ_make_intervals_wider():
    equal, unequal = (Support.of(np.zeros(100), (), None, weights).rows for weights in (np.full(100, 7.0), np.append(np.ones(99), 99)))
    assert equal == 100 and unequal < 5


_PLAIN = {
    # One tree: of later ones rounding decides between splits that are equally good.
    "lightgbm": {
        "iterations": 1,
        "num_leaves": 8,
        "min_data_in_leaf": 1,
        "min_sum_hessian_in_leaf": 0.0,
        "min_data_in_bin": 1,
        "learning_rate": 0.2,
    },
    "xgboost": {"iterations": 20, "max_depth": 3, "min_child_weight": 0.0, "reg_lambda": 0.0, "learning_rate": 0.2},
    "random_forest": {"iterations": 4, "bootstrap": False, "max_features": 1.0, "min_samples_leaf": 1, "max_depth": 3},
}


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("family", _PLAIN)
def test_integer_weights_fit_as_rows_written_out(family, task):
    X = RNG.normal(size=(200, 3)).astype(np.float32)
    signal = X[:, 0] - X[:, 1] + 0.3 * RNG.normal(size=200)
    y = signal if task == "regression" else (signal > 0).astype(int)

    def fitted(X: np.ndarray, y: np.ndarray, weights: np.ndarray | None):
        return FAMILIES[family].build(task, _PLAIN[family], 0, 0 if task == "regression" else 2, 1).fit(X, y, weights=weights)

    def answers(estimator) -> np.ndarray:
        return estimator.predict(X) if task == "regression" else estimator.predict_proba(X)[:, 1]

    weighed, written, alike = fitted(X, y, COUNTS), fitted(*_repeated(X, y), None), fitted(X, y, None)
    apart = np.abs(answers(weighed) - answers(written)).mean()
    assert apart < 0.2 * np.abs(answers(alike) - answers(written)).mean() + 1e-9
    assert answers(fitted(X, y, 1000.0 * COUNTS)) == pytest.approx(answers(weighed), abs=1e-3)


def test_a_net_follows_its_weights():
    X, y = np.zeros((400, 1), dtype=np.float32), np.tile([0, 1], 200)
    family = FAMILIES["neural_network"]
    params = {**family.default_params("binary", 400, 1), "iterations": 60, "epochs": 60, "hidden": [8], "learning_rate": 0.05}
    share = family.build("binary", params, 0, 2, 1).fit(X, y, weights=np.where(y == 1, 3.0, 1.0)).predict_proba(X[:1])[0, 1]
    assert share == pytest.approx(0.75, abs=0.06)
