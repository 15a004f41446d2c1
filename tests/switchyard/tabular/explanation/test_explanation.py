"""Explanations find what was planted, in a bundle's own columns, and say so on a page."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.explanation import Explanation, explain, explain_function
from switchyard.tabular.explanation.coding import Coding
from switchyard.tabular.tables.split import Split
from tests.switchyard.tabular.bundles import COLUMNS, logistic_bundle
from tests.switchyard.tabular.cases import make_problem, make_split


@pytest.fixture(scope="module")
def problem():
    return make_problem("binary", "roc_auc", evaluation={"bootstrap": 100, "explained_rows": 80, "lime_rows": 3})


@pytest.fixture(scope="module")
def explanation(people, problem) -> Explanation:
    return explain(logistic_bundle(), people, problem)


def test_planted_effects_are_at_the_top_and_noise_at_the_bottom(explanation):
    order = [part.column for part in explanation.summary.importance]
    assert order == ["income", "job", "noise"]
    income, job, noise = explanation.summary.importance
    assert income.direction == "rises with the value"
    assert job.direction == "highest for smith, lowest for cook"
    assert noise.mean_abs < 0.01 * income.mean_abs
    assert (noise.rank_low, noise.rank_high) == (3, 3) and income.rank_low == 1
    assert income.low < income.mean_abs < income.high
    assert explanation.summary.agreement == pytest.approx(1)


def test_values_add_up_to_what_the_bundle_answers(explanation, people):
    rows = people.holdout.iloc[explanation.holdout_positions]
    columns = {name: rows[name].to_numpy() for name in COLUMNS}
    answered = logistic_bundle().score(columns).probabilities[:, 1]
    assert explanation.outputs[:, 0] == pytest.approx(answered)
    assert explanation.values.sum(axis=1)[:, 0] + explanation.summary.base[0] == pytest.approx(answered, abs=1e-9)


def test_the_base_is_close_to_the_mean_answer_of_the_training_part(explanation, people):
    columns = {name: people.train[name].to_numpy() for name in COLUMNS}
    assert explanation.summary.base[0] == pytest.approx(logistic_bundle().score(columns).probabilities[:, 1].mean(), abs=0.01)


def test_chosen_rows_are_the_extremes_and_the_worst_mistake(explanation, people):
    by_why = {row.why: row for row in explanation.summary.chosen}
    assert explanation.outputs[by_why["highest answer"].position, 0] == explanation.outputs.max()
    mistake = by_why["largest error"]
    answered = explanation.outputs[mistake.position, 0]
    assert (answered >= 0.5) != (mistake.truth == "yes")
    assert people.holdout.y.iloc[explanation.holdout_positions[mistake.position]] == mistake.truth


def test_lime_agrees_with_the_planted_effects(explanation):
    explained = [row for row in explanation.summary.chosen if row.surrogate]
    assert len(explained) == 3
    highest = next(row for row in explained if row.why == "highest answer").surrogate
    names = [text for text, _ in highest.weights]
    assert highest.fit > 0.4
    assert names[0].startswith("income=above") and dict(highest.weights)[names[0]] > 0.1
    assert dict(highest.weights)["job=smith"] > 0.05
    assert abs(next(weight for text, weight in highest.weights if text.startswith("noise"))) < 0.05


def test_the_same_seed_writes_the_same_bytes_and_reads_back(explanation, people, problem, tmp_path):
    again = explain(logistic_bundle(), people, problem)
    for name, each in (("a", explanation), ("b", again)):
        (tmp_path / name).mkdir()
        each.write(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    back = Explanation.read(tmp_path / "a")
    assert back.summary == explanation.summary and (back.values == explanation.values).all() and back.coded.equals(explanation.coded)


def test_the_page_is_static_small_and_shows_the_parts(explanation):
    page = explanation.html()
    assert "<script" not in page and len(page.encode()) < 2_000_000
    for text in ("mean |SHAP|", "SHAP summary", "highest answer", "LIME", "rises with the value"):
        assert text in page
    assert page == explanation.html()


def test_the_score_loses_most_without_what_matters_most(explanation):
    by_name = {part.column: part for part in explanation.summary.permuted}

    assert [part.column for part in explanation.summary.permuted[:2]] == ["income", "job"]
    assert by_name["income"].loss > by_name["job"].loss > 0.01 and abs(by_name["noise"].loss) < 0.005
    assert "loss of ROC-AUC" in explanation.html()


def test_partial_dependence_is_the_mean_answer_with_the_column_set(people):
    split = _numbers(400, 3)
    problem = make_problem("regression", "rmse", evaluation={"explained_rows": 20, "lime_rows": 0})
    coding = Coding.of(split.schema.features, split.train, split.holdout)
    found = explain_function(lambda m: (5 * m[:, 0] + m[:, 1])[:, None], coding, split, problem).summary
    first = next(part for part in found.dependence if part.column == "c0")

    assert np.diff(first.means[0]) == pytest.approx(5 * np.diff(first.values), abs=1e-5)
    assert len(first.rows) == 40 and np.mean(first.rows, axis=0) == pytest.approx(first.means[0], abs=1e-5)
    assert found.permuted[0].column == "c0" and all(loss > 0 for loss in found.permuted[0].losses), "a larger error is a loss"


def test_partial_dependence_of_categories_and_of_several_classes_has_a_picture(explanation):
    job = next(part for part in explanation.summary.dependence if part.column == "job")
    page = explanation.html()

    assert job.values is None and {"clerk", "cook", "smith"} <= set(job.labels)
    means = dict(zip(job.labels, job.means[0]))
    assert means["smith"] > means["clerk"] > means["cook"]
    assert 'aria-label="Partial dependence of the probability of yes on job"' in page


def test_a_holdout_of_one_class_has_no_permutation_importance():
    split = _numbers(200, 2, np.array(["a"] * 100 + ["b"] * 20 + ["a"] * 80, dtype=object))
    problem = make_problem("binary", "roc_auc", evaluation={"explained_rows": 20, "lime_rows": 0})
    coding = Coding.of(split.schema.features, split.train, split.holdout)
    found = explain_function(lambda m: 1 / (1 + np.exp(-m[:, :1])), coding, split, problem, ("a", "b"))

    assert found.summary.permuted == () and found.summary.dependence and "Permutation" not in found.html()


def test_odd_names_and_values_are_shown_as_they_are():
    rng = np.random.default_rng(8)
    names = ["price ($) in $", "<b>x</b>", "_hidden", "col with ^{2} $_x$"]
    frame = pd.DataFrame({name: rng.normal(size=200) for name in names[:3]})
    frame[names[3]] = rng.choice(["a $1$ b", "<i>", "$\\frac"], 200).astype(object)
    frame["y"] = frame[names[0]]
    split = make_split(frame)
    problem = make_problem("regression", "rmse", evaluation={"explained_rows": 20, "lime_rows": 2})
    coding = Coding.of(split.schema.features, split.train, split.holdout)
    page = explain_function(lambda m: m.sum(axis=1, keepdims=True), coding, split, problem).html()
    assert "<b>x" not in page and "<i>" not in page and "price ($) in $" in page


def test_values_go_over_to_shap(explanation):
    pytest.importorskip("shap")
    theirs = explanation.to_shap()
    assert theirs.feature_names == ["income", "noise", "job"] and theirs.values.shape == (80, 3)


def _numbers(n: int, columns: int, target: np.ndarray | None = None) -> Split:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(n, columns)), columns=[f"c{k}" for k in range(columns)])
    frame["y"] = frame.c0 if target is None else target
    return make_split(frame)


def test_regression_and_wide_tables_keep_to_the_number_of_calls():
    split, calls = _numbers(1000, 80), []
    problem = make_problem("regression", "rmse", evaluation={"explained_rows": 200, "lime_rows": 1})
    coding = Coding.of(split.schema.features, split.train, split.holdout)

    def function(m):
        calls.append(len(m))
        return (5 * m[:, 3] + m[:, 7] ** 2 + 0.1 * m[:, 11])[:, None]

    found = explain_function(function, coding, split, problem)
    assert [part.column for part in found.summary.importance[:3]] == ["c3", "c7", "c11"]
    assert found.summary.importance[1].direction == "rises and falls"
    assert found.summary.importance[-1].direction == "no effect on these rows"
    assert sum(calls) < 350_000
    assert len(found.html().encode()) < 2_000_000


def test_multiclass_explains_every_class():
    rng = np.random.default_rng(6)
    split = _numbers(600, 4, np.array(rng.choice(list("abc"), 600), dtype=object))
    problem = make_problem("multiclass", "log_loss", evaluation={"explained_rows": 50, "lime_rows": 2})
    coding = Coding.of(split.schema.features, split.train, split.holdout)

    def function(m):
        logits = np.column_stack([2 * m[:, 0], 2 * m[:, 1], np.zeros(len(m))])
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    found = explain_function(function, coding, split, problem, ("a", "b", "c"))
    assert found.values.shape == (50, 4, 3)
    by_class = found.summary.class_importance
    assert by_class["a"]["c0"] > by_class["a"]["c1"] and by_class["b"]["c1"] > by_class["b"]["c0"]
    assert {part.column for part in found.summary.importance[:2]} == {"c0", "c1"}
    assert found.summary.chosen[0].surrogate.weights[0][0].startswith(("c0", "c1"))
    assert "Importance by class" in found.html()
    assert {len(part.means) for part in found.summary.dependence} == {3} and not found.summary.dependence[0].rows
    assert len(found.summary.permuted) == 4 and found.summary.metric == "log_loss"


def test_dates_missing_values_and_unseen_categories_are_coded_and_shown():
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-01", None, "2024-03-01", "2024-04-01"]),
            "kind": np.array(["x", "y", None, "z"], dtype=object),
            "y": [1.0, 2.0, 3.0, 4.0],
        }
    )
    split = make_split(frame, train_share=0.5)
    coding = Coding.of(split.schema.features, split.train, split.holdout)
    matrix = coding.encode(frame)
    assert coding.decode(matrix)["kind"].tolist() == ["x", "y", "__missing__", "z"]
    assert [coding.shown(0, value) for value in matrix[:, 0]] == ["2024-01-01", "missing", "2024-03-01", "2024-04-01"]
    assert coding.shown(1, matrix[2, 1]) == "missing"


@pytest.fixture(scope="module")
def loans() -> Explanation:
    """A boosted model of the built-in loans, explained through its exported bundle."""
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.export.bundle import write_bundle
    from switchyard.tabular.families import FAMILIES
    from switchyard.tabular.features.plan import plan_features
    from switchyard.tabular.features.preprocess import build_preprocessor
    from switchyard.tabular.model.model import Member, Model, encode_target
    from switchyard.tabular.tables.reading.sources import read_source
    from switchyard.tabular.tables.resolve import resolve
    from switchyard.tabular.tables.split import split_table
    from switchyard.tabular.tables.table import model_frame

    settings = {
        "name": "loans",
        "data": {"source": "builtin:loans", "target": "defaulted"},
        "evaluation": {"explained_rows": 120, "lime_rows": 0},
    }
    problem = problem_from(settings, "test")
    table, problem, _ = resolve(read_source(problem.data), problem)
    split = split_table(table, problem)
    plan = plan_features(split, {}, problem)
    classes = tuple(sorted(set(split.train.defaulted), key=lambda label: label == problem.positive_class))
    family = FAMILIES["lightgbm"]
    preprocessor, target = build_preprocessor(plan, family.style, {}), encode_target(split.train.defaulted, classes)
    matrix = np.asarray(preprocessor.fit_transform(model_frame(split.train, plan.used), target)).astype("float32")
    params = {**family.default_params("binary", *matrix.shape), "iterations": 150}
    estimator = family.build("binary", params, 0, 2, 1, preprocessor.categorical_sizes_)
    estimator.fit(matrix, target)
    model = Model("binary", "defaulted", plan.used, (Member("lightgbm", params, preprocessor, estimator),), classes=classes)
    with tempfile.TemporaryDirectory() as folder:
        return explain(write_bundle(model, split, Path(folder), "loans").scorer(), split, problem)


def test_the_effects_planted_in_the_loans_are_found_and_those_not_planted_are_not(loans):
    from switchyard.tabular.tables.reading.loans import PLANTED

    rank = {part.column: part.rank for part in loans.summary.importance}
    planted = {column for effect in PLANTED[:5] for column in effect.columns}
    empty = {column for effect in PLANTED if effect.shape == "none" for column in effect.columns} & set(rank)
    assert empty and max(rank[column] for column in planted) < min(rank[column] for column in empty)
    said = {part.column: part.direction for part in loans.summary.importance}
    for column, words in (
        ("late_payments", "rises with"),
        ("existing_debt", "rises with"),
        ("income", "falls with"),
        ("employment_years", "falls with"),
    ):
        assert said[column].startswith(words), column
    assert loans.values.sum(axis=1) + loans.summary.base == pytest.approx(loans.outputs, abs=1e-9)
