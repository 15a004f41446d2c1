"""Two models on the same rows, and what the gates make of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from switchyard.tabular.evaluation import Predictions, evaluate, fit_baselines
from switchyard.tabular.evaluation.changes import Change
from switchyard.tabular.evaluation.comparison import Comparison, Verdict, check_gates, compare
from switchyard.tabular.evaluation.delong import delong_p
from tests.switchyard.tabular.cases import make_problem

CLASSES = ("no", "yes")


def _predictions(split, noise: float, seed: int = 0) -> Predictions:
    income = split.holdout.income.fillna(50).to_numpy()
    logit = (income - 50) / 8 + np.random.default_rng(seed).normal(0, noise + 1e-9, len(income))
    positive = 1 / (1 + np.exp(-logit))
    return Predictions.of_classes(np.column_stack([1 - positive, positive]), 0.5)


def _verdict(
    split,
    champion: Predictions | None,
    challenger: Predictions,
    rule: str = "not_worse",
    metric: str = "roc_auc",
    unchanged: bool = False,
    **sections,
):
    problem = make_problem("binary", metric, gates={"champion": rule}, **sections)
    comparison = compare(challenger, champion, split, problem, CLASSES, champion_version="7", unchanged=unchanged)
    return comparison, check_gates(
        problem, evaluate(challenger, split, problem, CLASSES), comparison, latency_ms=0.2, bundle_mb=3.0, members={"lightgbm": 1}
    )


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_clearly_better_challenger_passes_and_a_clearly_worse_one_does_not(people, metric):
    good, poor = _predictions(people, 0), _predictions(people, 3)
    comparison, verdict = _verdict(people, poor, good, "better", metric)
    assert comparison.improvement.low > 0 and verdict.verdict == "challenger"
    comparison, verdict = _verdict(people, good, poor, "not_worse", metric)
    assert comparison.improvement.high < 0 and verdict.verdict == "rejected"
    (reason,) = verdict.reasons()
    assert reason.startswith("gate gates.champion is closed: needs not worse than the champion, measured worse by 0.")


def test_what_breaks_the_champions_clients_closes_a_gate_that_the_config_opens(people):
    changes = (
        Change(subject="class 'c'", what="is new", breaking=False),
        Change(subject="column 'pool'", what="must come now", breaking=True),
    )
    for rule, expected in (("keep", "rejected"), ("ignore", "challenger")):
        problem = make_problem("binary", "roc_auc", gates={"contract": rule})
        verdict = check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES), changes=changes)
        page = verdict.html()
        assert verdict.verdict == expected and "&#x27;pool&#x27;" in page and "&#x27;c&#x27;" in page
    problem = make_problem("binary", "roc_auc")
    verdict = check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES), changes=changes)
    (reason,) = verdict.reasons()
    assert "gates.contract is closed" in reason and "measured column 'pool' must come now" in reason and "ignore accepts" in reason


def test_equals_are_not_worse_and_not_better(people):
    same = _predictions(people, 0)
    comparison, verdict = _verdict(people, same, same, "not_worse")
    assert comparison.improvement.value == comparison.improvement.low == comparison.improvement.high == 0
    assert comparison.delong_p == 1
    assert verdict.verdict == "challenger"
    assert _verdict(people, same, same, "better")[1].verdict == "rejected"
    assert _verdict(people, _predictions(people, 0.0), _predictions(people, 9), "ignore")[1].verdict == "challenger"


def test_pairing_narrows_the_interval_of_the_difference(people):
    comparison, _ = _verdict(people, _predictions(people, 0.5), _predictions(people, 0))
    width = comparison.improvement.high - comparison.improvement.low
    assert width < 0.5 * (comparison.challenger.high - comparison.challenger.low)


def test_the_first_model_has_no_champion_to_beat(people):
    comparison, verdict = _verdict(people, None, _predictions(people, 0), "better")
    assert comparison.champion is None and verdict.verdict == "challenger" and not verdict.reasons()


def test_the_same_digest_again_is_unchanged_and_no_error(people):
    same = _predictions(people, 0)
    _, verdict = _verdict(people, same, same, "better", unchanged=True)
    assert verdict.verdict == "unchanged" and not verdict.reasons()


def test_each_limit_is_a_gate_beside_what_was_measured(people):
    limits = {"metric_floor": 0.99, "max_latency_ms": 0.1, "max_bundle_mb": 5, "explainable_only": True}
    problem = make_problem("binary", "roc_auc", constraints=limits)
    evaluation = evaluate(_predictions(people, 0), people, problem, CLASSES)
    verdict = check_gates(problem, evaluation, latency_ms=0.25, bundle_mb=3.0, members={"lightgbm": 2, "xgboost": 1})
    assert [gate.name for gate in verdict.failed] == [
        "constraints.metric_floor",
        "constraints.max_latency_ms",
        "constraints.explainable_only",
    ]
    _, latency, explainable = verdict.reasons()
    assert latency == "gate constraints.max_latency_ms is closed: needs at most 0.1 ms, measured 0.25 ms"
    assert "measured 2 x lightgbm, 1 x xgboost" in explainable


def test_an_error_metric_has_a_ceiling_for_a_floor(people):
    problem = make_problem("binary", "log_loss", constraints={"metric_floor": 0.9})
    assert check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES)).verdict == "challenger"
    problem = make_problem("binary", "log_loss", constraints={"metric_floor": 0.1})
    assert "log_loss at most 0.1" in check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES)).failed[0].limit


def test_a_limit_without_a_measurement_closes_the_gate(people):
    problem = make_problem("binary", "roc_auc", constraints={"max_latency_ms": 1.0})
    assert check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES)).failed[0].measured == "not measured"


def test_the_baseline_gate(people):
    problem = make_problem("binary", "roc_auc", gates={"baseline": "not_worse"})
    baselines = fit_baselines(people, people.schema.features, problem, CLASSES)
    for noise, expected in ((0, "challenger"), (5, "rejected")):
        evaluation = evaluate(_predictions(people, noise), people, problem, CLASSES, 0.5, baselines)
        assert check_gates(problem, evaluation).verdict == expected
    assert check_gates(problem, evaluate(_predictions(people, 0), people, problem, CLASSES)).verdict == "rejected", "no baseline, no pass"


def test_groups_that_too_many_rows_have_left_close_a_gate_that_the_config_opens(people):
    problem = make_problem("binary", "roc_auc")
    found = evaluate(_predictions(people, 1), people, problem, CLASSES)
    accepted = make_problem("binary", "roc_auc", gates={"moved": 1})

    def gates(problem, moved):
        return [gate for gate in check_gates(problem, found, moved=moved).gates if gate.name == "gates.moved"]

    (closed,) = gates(problem, 0.3)
    assert not closed.passed and "(1 accepts any)" in closed.limit and closed.measured == "30.0%"
    assert gates(problem, 0.1)[0].passed and gates(accepted, 0.3)[0].passed
    assert gates(problem, None) == []


def test_delong_agrees_with_the_bootstrap_and_holds_its_level(people):
    rng = np.random.default_rng(0)
    positive = np.repeat([True, False], [150, 250])
    p_values = []
    for _ in range(300):
        shared = rng.normal(positive * 1.0, 1)
        p_values.append(delong_p(positive, shared + rng.normal(0, 0.7, 400), shared + rng.normal(0, 0.7, 400)))
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    comparison, _ = _verdict(people, _predictions(people, 3), _predictions(people, 0))
    assert comparison.delong_p < 1e-3


def test_records_read_back_and_pages_are_static(people, tmp_path):
    comparison, verdict = _verdict(people, _predictions(people, 1), _predictions(people, 0))
    for kind, record in ((Comparison, comparison), (Verdict, verdict)):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        record.write(folder)
        assert kind.read(folder) == record
        assert "<script" not in record.html() and record.html() == kind.read(folder).html()
    assert "DeLong" in comparison.html() and "gates.champion" in verdict.html()
