"""What `evaluate` puts together, on predictions whose faults are planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score

from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation import CONSTANT, DEFAULTS, Baselines, Evaluation, Predictions, evaluate, fit_baselines
from switchyard.tabular.evaluation.mistakes import confusion_chart
from tests.switchyard.tabular.cases import make_problem, make_split

CLASSES = ("no", "yes")


@pytest.fixture(scope="module")
def problem():
    return make_problem("binary", "roc_auc", data={"slice_columns": ["group", "income"]})


@pytest.fixture(scope="module")
def baselines(people, problem):
    return fit_baselines(people, people.schema.features, problem, CLASSES)


@pytest.fixture(scope="module")
def predictions(people):
    """Sees the income everywhere but in group b, where it answers at random and says yes more often."""
    rng = np.random.default_rng(1)
    holdout = people.holdout
    score = 1 / (1 + np.exp(-(holdout.income.fillna(50) - 50) / 8)).to_numpy()
    b = (holdout.group == "b").to_numpy()
    score[b] = rng.uniform(0.4, 1, b.sum())
    return Predictions.of_classes(np.column_stack([1 - score, score]), 0.5)


@pytest.fixture(scope="module")
def evaluation(people, problem, predictions, baselines):
    return evaluate(predictions, people, problem, CLASSES, 0.5, baselines)


def test_scores_and_confusion_are_of_the_served_answers(evaluation, people, predictions):
    truth = (people.holdout.y == "yes").astype(int)
    assert evaluation.score.value == pytest.approx(roc_auc_score(truth, predictions.probabilities[:, 1]))
    assert evaluation.score.low < evaluation.score.value < evaluation.score.high
    assert evaluation.confusion == tuple(map(tuple, confusion_matrix(truth, predictions.labels)))
    assert {part.label: part.rows for part in evaluation.per_class} == {"no": (truth == 0).sum(), "yes": truth.sum()}


def test_the_unfair_group_is_found_and_its_gaps_measured(evaluation):
    by_group = next(column for column in evaluation.slices if column.column == "group")
    a, b = by_group.slices
    assert (a.value, b.value) == ("a", "b") and a.rows + b.rows == evaluation.rows
    assert b.score.high < a.score.low
    assert by_group.gaps["demographic_parity"] == pytest.approx(b.rates["predicted_rate"] - a.rates["predicted_rate"])
    assert by_group.gaps["demographic_parity"] > 0.2
    assert by_group.gaps["equal_opportunity"] == pytest.approx(abs(a.rates["false_negative_rate"] - b.rates["false_negative_rate"]))


def test_numbers_are_sliced_at_the_training_quartiles_with_missing_apart(evaluation, people):
    by_income = next(column for column in evaluation.slices if column.column == "income")
    assert len(by_income.slices) == 5 and by_income.slices[-1].value == "missing"
    assert by_income.slices[-1].rows == people.holdout.income.isna().sum()
    assert sum(part.rows for part in by_income.slices) == evaluation.rows


def test_small_slices_are_marked_and_left_out_of_the_gaps(people, predictions):
    holdout = people.holdout.assign(group=np.where(np.arange(len(people.holdout)) < 8, "rare", people.holdout.group).astype(object))
    split = type(people)(people.train, holdout, people.schema, "random", None)
    column = evaluate(predictions, split, make_problem("binary", "roc_auc", data={"slice_columns": ["group"]}), CLASSES).slices[0]
    assert {part.value: part.small for part in column.slices} == {"a": False, "b": False, "rare": True}
    rates = [part.rates["predicted_rate"] for part in column.slices if not part.small]
    assert column.gaps["demographic_parity"] == pytest.approx(max(rates) - min(rates))


def test_an_unknown_slice_column_is_named(people, predictions):
    with pytest.raises(InputError, match="slice_columns: 'grupo' is not a column"):
        evaluate(predictions, people, make_problem("binary", "roc_auc", data={"slice_columns": ["grupo"]}), CLASSES)


def test_baselines_are_what_they_say(evaluation, baselines, people):
    assert evaluation.baselines[CONSTANT]["roc_auc"].value == pytest.approx(0.5)
    share = (people.train.y == "yes").mean()
    assert baselines.predictions[CONSTANT].probabilities[0, 1] == pytest.approx(share)
    assert evaluation.baselines[DEFAULTS]["roc_auc"].value > 0.7
    gain = evaluation.gains[DEFAULTS]
    assert gain.value == pytest.approx(evaluation.score.value - evaluation.baselines[DEFAULTS]["roc_auc"].value)
    assert gain.high < 0, "random answers in group b must be worse, and the pairing must show it"


def test_a_baseline_does_not_see_dropped_columns(people, problem):
    leaking = people.schema.features
    train = people.train.assign(noise=(people.train.y == "yes").astype(float))
    split = type(people)(train, people.holdout, people.schema, "random", None)
    kept = tuple(column for column in leaking if column.name != "noise")
    assert fit_baselines(split, kept, problem, CLASSES).columns == tuple(column.name for column in kept)


def test_baselines_meet_unseen_categories_and_columns_that_are_all_missing(people, problem):
    holdout = people.holdout.assign(job=np.array(["astronaut"] * len(people.holdout), dtype=object), noise=np.nan)
    split = type(people)(people.train.assign(noise=np.nan), holdout, people.schema, "random", None)
    fitted = fit_baselines(split, people.schema.features, problem, CLASSES).predictions[DEFAULTS]
    assert np.isfinite(fitted.probabilities).all()


def test_scalars_and_summary_are_plain_finite_numbers(evaluation):
    scalars = evaluation.scalars()
    assert scalars["holdout_roc_auc"] == evaluation.score.value
    assert {"holdout_roc_auc_low", "baseline_lightgbm_defaults_roc_auc", "gap_group_demographic_parity", "holdout_f1"} <= set(scalars)
    assert all(isinstance(value, float) and np.isfinite(value) for value in scalars.values())
    summary = evaluation.summary_scores({"roc_auc": 0.5})
    assert summary["cv"] == {"roc_auc": 0.5}
    assert summary["holdout"]["roc_auc"] == evaluation.score.value
    assert summary["baseline"]["roc_auc"] == evaluation.baselines[DEFAULTS]["roc_auc"].value


def test_the_same_input_writes_the_same_bytes_and_reads_back(evaluation, people, problem, predictions, baselines, tmp_path):
    again = evaluate(predictions, people, problem, CLASSES, 0.5, baselines)
    for name, object_ in (("a", evaluation), ("b", again)):
        (tmp_path / name).mkdir()
        object_.write(tmp_path / name)
    assert (tmp_path / "a/object.json").read_bytes() == (tmp_path / "b/object.json").read_bytes()
    assert Evaluation.read(tmp_path / "a") == evaluation
    (tmp_path / "c").mkdir()
    baselines.write(tmp_path / "c")
    back = Baselines.read(tmp_path / "c")
    assert back.columns == baselines.columns
    assert (back.predictions[DEFAULTS].probabilities == baselines.predictions[DEFAULTS].probabilities).all()
    assert (back.predictions[DEFAULTS].labels == baselines.predictions[DEFAULTS].labels).all()


def test_the_page_is_static_and_shows_the_parts(evaluation):
    page = evaluation.html()
    assert "<script" not in page and page.count("<svg") == len(evaluation.curves) + 1 == 8, "the confusion matrix is a picture too"
    for text in ("ROC-AUC", "LightGBM defaults", "Confusion matrix", "By group", "Demographic parity difference"):
        assert text in page
    assert page == evaluation.html()


def test_curves_are_thin_and_run_from_corner_to_corner(evaluation, people, predictions):
    roc = evaluation.curves["roc"].lines[0]
    assert len(roc.x) <= 200
    assert (roc.x[0], roc.y[0], roc.x[-1], roc.y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(evaluation.score.value, abs=0.01)
    assert all(len(line.x) <= 200 for curve in evaluation.curves.values() for line in curve.lines)


def test_what_each_threshold_would_give_is_drawn_and_the_chosen_one_marked(evaluation, people, predictions):
    curve = evaluation.curves["thresholds"]
    lines = {line.label: dict(zip(line.x, line.y, strict=True)) for line in curve.lines}
    truth, score = (people.holdout.y == "yes").to_numpy(), predictions.probabilities[:, 1]
    at = next(x for x in lines["recall"] if x > 0.6)
    answered = score >= at - 1e-6

    assert curve.marks[0].x == 0.5 and "chosen threshold at 0.5" in curve.draw().title
    assert lines["recall"][at] == pytest.approx((truth & answered).sum() / truth.sum(), abs=1e-6)
    assert lines["precision"][at] == pytest.approx((truth & answered).sum() / answered.sum(), abs=1e-6)
    assert lines["accuracy"][at] == pytest.approx((truth == answered).mean(), abs=1e-6)
    assert list(lines) == ["precision", "recall", "F1", "accuracy", "balanced accuracy"]


def test_what_errors_cost_is_drawn_by_threshold_where_costs_are_known(people, predictions):
    costs = {"false_positive": 1, "false_negative": 5, "unit": "EUR"}
    found = evaluate(predictions, people, make_problem("binary", "roc_auc", costs=costs), CLASSES, 0.5).curves["cost_by_threshold"]
    truth = (people.holdout.y == "yes").to_numpy()

    assert found.y == "cost per 1,000 rows, EUR"
    # From the lowest score on every row is answered yes.
    assert found.lines[0].y[0] == pytest.approx(1000 * (~truth).sum() / len(truth), abs=1e-4)


def test_scores_are_counted_by_class(evaluation, people, predictions):
    curve = evaluation.curves["scores"]
    yes = next(line for line in curve.lines if line.label == "truly yes")
    scores = predictions.probabilities[(people.holdout.y == "yes").to_numpy(), 1]

    assert sum(yes.y) == pytest.approx(1, abs=1e-4) and len(yes.x) == len(yes.y)
    assert yes.y[-2] == pytest.approx((scores >= 0.95).mean(), abs=1e-6)


def test_lift_ends_at_one_and_begins_above(evaluation):
    lift = evaluation.curves["lift"].lines[0]

    assert lift.y[-1] == pytest.approx(1) and max(lift.y) > 1.5


def test_the_rows_that_were_most_wrong_are_wrong_and_the_worst_is_first(evaluation, people, predictions):
    truth = (people.holdout.y == "yes").to_numpy().astype(int)
    missed = 1 - predictions.probabilities[np.arange(len(truth)), truth]
    worst = evaluation.worst

    assert worst[0].error == pytest.approx(missed.max()) and [row.error for row in worst] == sorted(
        (row.error for row in worst), reverse=True
    )
    assert all(row.truth != row.answered and CLASSES[truth[row.row]] == row.truth for row in worst)
    assert list(worst[0].values) == ["income", "job", "group", "noise", "household"]


def test_a_model_that_is_never_wrong_has_no_worst_rows(people):
    truth = (people.holdout.y == "yes").to_numpy().astype(int)
    found = evaluate(Predictions.of_classes(np.eye(2)[truth], 0.5), people, make_problem("binary", "roc_auc"), CLASSES, 0.5)

    assert found.worst == () and "most wrong" not in found.html()


def test_a_picture_of_a_confusion_matrix_says_its_shares_to_who_cannot_see_it(evaluation):
    no, yes = evaluation.confusion
    said = f"no {no[0] / sum(no):.0%}, yes {yes[1] / sum(yes):.0%}"

    assert f'role=img aria-label="Confusion matrix: share of each true class that was answered rightly: {said}"' in evaluation.html()


def test_a_confusion_matrix_of_many_classes_shows_the_most_frequent():
    classes = tuple(f"c{k}" for k in range(60))
    drawn = confusion_chart(classes, np.diag(np.arange(1, 61)).tolist())

    assert "the 20 most frequent of 60 classes" in drawn.title and "c59" in drawn.svg and ">c3<" not in drawn.svg


def test_labels_that_look_like_markup_stay_text(people):
    split = type(people)(people.train, people.holdout.assign(group="<b>x</b>"), people.schema, "random", None)
    predictions = Predictions.of_classes(np.full((len(people.holdout), 2), 0.5))
    page = evaluate(predictions, split, make_problem("binary", "roc_auc", data={"slice_columns": ["group"]}), CLASSES).html()
    assert "<b>x</b>" not in page and "&lt;b&gt;x" in page


def test_multiclass(people):
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=900), "y": rng.choice(list("abc"), 900, p=[0.6, 0.3, 0.1]).astype(object)})
    split = make_split(frame)
    problem = make_problem("multiclass", "log_loss", data={"slice_columns": ["x"]})
    baselines = fit_baselines(split, split.schema.features, problem, ("a", "b", "c"))
    truth = np.searchsorted(list("abc"), split.holdout.y)
    proba = 0.8 * np.eye(3)[truth] + 0.2 / 3
    result = evaluate(Predictions.of_classes(proba), split, problem, ("a", "b", "c"), None, baselines)
    assert result.score.value == pytest.approx(-np.log(0.8 + 0.2 / 3))
    assert result.gains[CONSTANT].low > 0, "a smaller log loss is a gain"
    assert result.scores["accuracy"].value == 1 and result.calibration_error == pytest.approx(0.2 * 2 / 3)
    assert len(result.curves["roc"].lines) == 3
    assert "<svg" in result.html()


def test_sets_are_scored_over_all_rows_and_by_class(people, problem, predictions):
    proba = predictions.probabilities
    truth = (people.holdout.y == "yes").to_numpy().astype(int)
    members = proba >= (0.3, 0.6)
    result = evaluate(replace(predictions, members=members), people, problem, CLASSES, 0.5)
    held = members[np.arange(len(truth)), truth]

    assert result.scores["set_coverage"].value == pytest.approx(held.mean())
    assert result.scores["set_size"].value == pytest.approx(members.sum(axis=1).mean())
    assert result.scores["set_of_one"].value == pytest.approx((members.sum(axis=1) == 1).mean())
    assert [part.set_coverage.value for part in result.per_class] == pytest.approx([held[truth == code].mean() for code in (0, 1)])
    assert "set coverage" in result.html() and "Set coverage" in result.html()
    assert "holdout_set_coverage" in result.scalars()


def test_regression_with_intervals_and_slices():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=1000), "site": rng.choice(["n", "s"], 1000).astype(object)})
    frame["y"] = 3 * frame.x + rng.normal(size=1000)
    split = make_split(frame)
    problem = make_problem("regression", "rmse", data={"slice_columns": ["site"]})
    baselines = fit_baselines(split, split.schema.features, problem)
    shift = np.where(split.holdout.site == "s", 0.5, 0)
    values = 3 * split.holdout.x.to_numpy() + shift
    result = evaluate(Predictions.of_values(values, values - 1.645, values + 1.645), split, problem, (), None, baselines)
    north, south = result.slices[0].slices
    assert north.rates["bias"] == pytest.approx(0, abs=0.2) and south.rates["bias"] == pytest.approx(0.5, abs=0.2)
    assert result.scores["coverage"].value == pytest.approx(0.9, abs=0.06)
    assert result.baselines[CONSTANT]["r2"].value == pytest.approx(0, abs=0.02)
    assert result.gains[DEFAULTS].value > 0
    page = result.html()
    assert "Interval coverage" in page and page.count("<svg") == 4
    error = values - split.holdout.y.to_numpy()
    assert [row.row for row in result.worst] == np.argsort(-np.abs(error), kind="stable")[:10].tolist()
    assert result.worst[0].error == pytest.approx(error[result.worst[0].row]) and list(result.worst[0].values) == ["x", "site"]
    assert "Rows it was most wrong about" in page and "predicted minus true, in units of y" in page
    assert "absolute error, in units of y" in page and "true y" in page


def test_rows_of_an_entity_are_resampled_together_and_widen_the_interval(people):
    rng = np.random.default_rng(4)
    household = np.repeat(np.arange(40), 20).astype(float)
    luck = rng.normal(size=40)[household.astype(int)]
    frame = pd.DataFrame({"x": rng.normal(size=800), "household": household, "y": luck})
    split = make_split(frame, train_share=0.001)
    values = Predictions.of_values(np.zeros(len(split.holdout)))
    alone = evaluate(values, split, make_problem("regression", "mae"))
    together = evaluate(values, split, make_problem("regression", "mae", data={"entity_column": "household"}))
    assert "household" in together.resampling
    assert together.score.high - together.score.low > 2 * (alone.score.high - alone.score.low)


def test_an_unknown_class_in_the_holdout_is_an_error_that_names_it(people, problem):
    with pytest.raises(InputError, match="class 'yes' is in the holdout"):
        evaluate(Predictions.of_classes(np.full((len(people.holdout), 2), 0.5)), people, problem, ("no", "maybe"))


def test_an_rmse_that_hangs_on_few_rows_says_so():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=1000)}).assign(y=lambda table: table["a"])
    split, problem = make_split(frame), make_problem("regression", "rmse")
    errors = rng.normal(size=400)

    calm = evaluate(Predictions.of_values(split.holdout["y"].to_numpy() + errors), split, problem)
    errors[7] = 40.0
    odd = evaluate(Predictions.of_values(split.holdout["y"].to_numpy() + errors), split, problem)

    assert 0.05 < calm.squares_of_the_worst < 0.15 and "One row in a hundred" not in calm.html()
    assert odd.squares_of_the_worst > 0.7 and "MAE&#x27;s hold" in odd.html()
