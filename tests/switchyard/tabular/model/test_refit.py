"""What was evaluated is fitted once more to all rows and served, or it is served itself, with the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle import Scorer
from switchyard.tabular.evaluation.agreement import agreement
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.export.bundle import export_bundle
from switchyard.tabular.export.served import make_served
from switchyard.tabular.model.combiner import Combiner
from switchyard.tabular.model.refit import fit_again, with_all_rows
from tests.switchyard.tabular.model.cases import ITERATIONS, member_of, mixed_split, model_of, plan_of, problem_of, tempered
from tests.switchyard.tabular.tuning.tables import search

TREES = ("lightgbm", "random_forest")


def pair(task):
    return model_of(task, *(member_of(name, task) for name in TREES), combiner=Combiner.average([0.3, 0.7]), **tempered(task, 0.8))


def served(model, task, left_s=None, **training):
    split, plan = mixed_split(task), plan_of(task)
    problem = problem_of(task)
    problem = problem.model_copy(update={"training": problem.training.model_copy(update=training)})
    evaluated, parity = export_bundle(model, split, problem)
    return evaluated, *make_served(model, evaluated, parity, split, plan, problem, left_s)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_same_recipe_learns_from_all_rows_and_is_served(task):
    model, holdout = pair(task), mixed_split(task).holdout
    before = model.member_outputs(holdout)
    evaluated, grown, bundle, said = served(model, task)

    assert (said.digest, said.evaluated_digest, said.rows, said.reason) == (bundle.digest, evaluated.digest, 600, "")
    assert bundle.digest != evaluated.digest and not said.parity.differing_rows
    assert said.agreement.served_error < said.agreement.error and said.agreement.distance < said.agreement.allowed
    # Boosting more by the root of the rows, 600 to 400; a forest has the trees it had.
    assert [member.params["iterations"] for member in grown.members] == [
        round(ITERATIONS["lightgbm"] * 1.5**0.5),
        ITERATIONS["random_forest"],
    ]
    kept = ("calibrator", "threshold", "half_width", "classes", "columns")
    assert all(getattr(grown, name) == getattr(model, name) for name in kept) and (grown.combiner.weights == model.combiner.weights).all()
    # The evaluated model is what it was.
    assert all(np.array_equal(a, b) for a, b in zip(before, model.member_outputs(holdout)))


def test_the_same_rows_give_the_same_served_digest():
    assert served(pair("binary"), "binary")[2].digest == served(pair("binary"), "binary")[2].digest


@pytest.mark.parametrize(
    ("left_s", "training", "says"),
    [(None, {"refit": "none"}, "training.refit is none"), (0.5, {}, "the budget ended before it was")],
    ids=["config", "clock"],
)
def test_the_evaluated_model_is_served_itself_where_the_config_or_the_clock_says_so(left_s, training, says):
    model = pair("binary")
    evaluated, grown, bundle, said = served(model, "binary", left_s, **training)

    assert grown is model and bundle is evaluated and said.digest == said.evaluated_digest == evaluated.digest
    assert said.rows == 400 and says in said.reason and said.reason in said.sentences


def test_a_fit_to_all_rows_that_went_wrong_is_not_served(monkeypatch):
    model = pair("regression")

    def turned_round(*arguments):
        return replace(fit_again(*arguments), combiner=Combiner.stack(np.array([[-1.0], [0.0]]), [0.0]))

    monkeypatch.setattr("switchyard.tabular.export.served.fit_again", turned_round)
    evaluated, grown, bundle, said = served(model, "regression")

    assert grown is model and bundle is evaluated
    assert "answers on the holdout are" in said.reason and said.agreement.distance > said.agreement.allowed


def test_a_time_split_is_learnt_up_to_the_newest_row():
    split = mixed_split("binary")
    days = replace(split, kind="time", boundary="5", train=split.train.assign(day=pd.Timestamp("2025-01-01")))
    assert with_all_rows(split).boundary is None and len(with_all_rows(split).train) == 600
    assert with_all_rows(days).boundary == "600"
    timed, _, _ = search(kind="time")
    assert with_all_rows(timed).boundary == "400" and timed.boundary == "320"


def answers(values):
    return Predictions.of_values(np.asarray(values, dtype=float))


def test_more_rows_explain_answers_that_moved_towards_the_truth_and_no_others():
    truth = pd.Series(np.linspace(0.0, 10.0, 500))
    rng = np.random.default_rng(0)
    before = truth + rng.normal(size=500)

    def objection(values):
        return agreement(answers(before), answers(values), truth, "regression", ()).objection

    assert objection(truth) == "" and objection(before) == ""
    assert "from the evaluated model's; more rows explain" in objection(np.full(500, 5.0))
    assert "which it has learnt from" in objection(truth + 1.3 * (before - truth))
    assert objection(np.full(500, np.nan)) != ""


def test_a_bundle_of_all_rows_answers_its_own_examples(tmp_path):
    *_, bundle, _ = served(pair("multiclass"), "multiclass")
    bundle.write(tmp_path)
    for example in bundle.examples["examples"]:
        answer = Scorer(tmp_path).score({name: [value] for name, value in example["row"].items()})
        assert answer.labels[0] == example["answer"]["label"]
