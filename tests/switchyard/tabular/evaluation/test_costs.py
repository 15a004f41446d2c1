"""What errors cost, on the holdout and against the limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.evaluation import Predictions, evaluate, fit_baselines
from switchyard.tabular.evaluation.comparison import check_gates, compare
from switchyard.tabular.evaluation.evaluation import Evaluation
from tests.switchyard.tabular.cases import make_problem, make_split
from tests.switchyard.tabular.evaluation.test_comparison import CLASSES, _predictions

COSTS = {"false_positive": 5, "false_negative": 50, "unit": "EUR"}
PROBLEM = make_problem("binary", "roc_auc", costs=COSTS)


def _truth(split) -> np.ndarray:
    return (split.holdout.y == "yes").to_numpy()


def _by_hand(split, labels) -> float:
    truth = _truth(split)
    return 1000 * np.mean(50.0 * (truth & (labels == 0)) + 5.0 * (~truth & (labels == 1)))


@pytest.fixture(scope="module")
def evaluation(people) -> Evaluation:
    baselines = fit_baselines(people, tuple(people.schema.features), PROBLEM, CLASSES)
    return evaluate(Predictions.of_classes(_predictions(people, 1).probabilities, 1 / 11), people, PROBLEM, CLASSES, 1 / 11, baselines)


def test_the_cost_per_thousand_rows_is_that_of_the_served_labels_beside_every_other_way(evaluation, people):
    proba, money = _predictions(people, 1).probabilities[:, 1], evaluation.money

    assert money.model.value == evaluation.scores["cost"].value == pytest.approx(_by_hand(people, proba >= 1 / 11))
    assert money.others["never"].value == pytest.approx(50_000 * _truth(people).mean())
    assert money.others["always"].value == pytest.approx(5_000 * (1 - _truth(people).mean()))
    assert money.others["half"].value == pytest.approx(_by_hand(people, proba >= 0.5))
    for name, saved in money.saved.items():
        assert saved.value == pytest.approx(money.others[name].value - money.model.value)
        assert saved.low <= saved.value <= saved.high


def test_baselines_are_charged_for_the_cheaper_answer_not_for_a_threshold_of_a_half(evaluation, people):
    # More than one in eleven says yes, so one who knows nothing but the shares says it always.
    assert evaluation.baselines["constant"]["cost"].value == pytest.approx(evaluation.money.others["always"].value)


def test_the_page_the_scalars_and_what_is_kept_speak_of_money(evaluation, tmp_path):
    evaluation.write(tmp_path)

    assert "What errors cost" in evaluation.html() and "EUR per 1,000 rows" in evaluation.html()
    assert evaluation.scalars()["holdout_cost"] == evaluation.money.model.value
    assert Evaluation.read(tmp_path) == evaluation


def test_several_classes_are_charged_by_their_matrix_beside_always_one_of_them_and_the_most_probable():
    truth = np.array(["a", "b", "c"] * 40)
    frame = pd.DataFrame({"x": np.arange(120.0), "y": truth})
    split, classes = make_split(frame, 0.5), ("a", "b", "c")
    matrix = {"a": {"b": 1, "c": 2}, "b": {"a": 30, "c": 4}, "c": {"a": 5, "b": 6}}
    problem = make_problem("multiclass", "log_loss", costs={"matrix": matrix, "unit": "EUR"})
    proba = np.tile([0.5, 0.3, 0.2], (60, 1))
    served = Predictions(probabilities=proba, labels=np.ones(60, dtype="int64"))
    found = evaluate(served, split, problem, classes)

    assert found.money.model.value == found.money.others["always_1"].value == pytest.approx(1000 * (1 + 6) / 3)
    assert found.money.others["likeliest"].value == found.money.others["always_0"].value == pytest.approx(1000 * (30 + 5) / 3)
    assert found.money.others["always_2"].value == pytest.approx(1000 * (2 + 4) / 3)
    sentence = found.money.sentence(classes)
    assert "the dearest, a where it is b, costs 30 EUR" in sentence and "always c, costs 2,000 EUR" in sentence
    assert "the most probable class 11,667 EUR" in sentence.replace("1.167e+04", "11,667")
    assert "the model, most probable class" in found.html() and "expected to be the least" in found.html()


def test_without_costs_nothing_is_said_of_them(people):
    plain = evaluate(_predictions(people, 1), people, make_problem("binary", "roc_auc"), CLASSES, 0.5)

    assert plain.money is None and "cost" not in plain.scores and "errors cost" not in plain.html()


def test_a_champion_is_compared_in_cost_too(people):
    good, poor = _predictions(people, 0), _predictions(people, 3)
    difference = compare(good, poor, people, PROBLEM, CLASSES).others["cost"]

    assert difference.high < 0
    assert difference.value == pytest.approx(_by_hand(people, good.labels) - _by_hand(people, poor.labels))


@pytest.mark.parametrize(("limit", "verdict"), [(1e6, "challenger"), (0.01, "rejected")])
def test_a_limit_on_the_cost_is_a_gate(evaluation, limit, verdict):
    problem = make_problem("binary", "roc_auc", costs=COSTS, constraints={"max_cost": limit})
    judged = check_gates(problem, evaluation)

    assert judged.verdict == verdict
    assert [gate.name for gate in judged.failed] == (["constraints.max_cost"] if verdict == "rejected" else [])


def test_a_limit_on_a_cost_that_is_not_said_is_refused():
    with pytest.raises(ValueError, match=r"constraints.max_cost .* costs.false_positive .* costs.matrix"):
        make_problem("binary", "roc_auc", constraints={"max_cost": 5})
