"""Bank marketing in file order, which drifts by itself: a model of the first third, and windows of what came after it.

What run.py says of every window, and of a hundred drawn from the training period, is measured by `benchmarks.bank`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from switchyard.monitoring.decide import decide
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.expectations import validate_window
from switchyard.monitoring.look import Look
from switchyard.monitoring.performance import measure_performance
from switchyard.monitoring.reference import describe_reference
from switchyard.monitoring.table_window import window_of_table
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.evaluation.evaluation import evaluate
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.explanation import explain
from switchyard.tabular.export.bundle import write_bundle
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.model.ensemble import build_ensemble
from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.reading.sources import RawTable
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tuning import StudyStore, study_key, tune_family
from switchyard.tabular.validation import infer_suite
from tests.switchyard.tabular.conftest import bank  # noqa: F401 - a fixture

WINDOW = 2000
ECONOMY = {"emp_var_rate", "cons_price_idx", "cons_conf_idx", "euribor3m", "nr_employed"}


@pytest.fixture(scope="module")
def watched(bank, tmp_path_factory):  # noqa: F811
    """The file's rows, and a look at a window of them as the pipeline's steps take it."""
    folder = tmp_path_factory.mktemp("bank")
    settings = {
        "name": "bank", "data": {"source": "bank.csv", "target": "y", "time_column": "@row"},
        "tuning": {"families": ["lightgbm"], "trials": 1}, "evaluation": {"bootstrap": 100, "lime_rows": 0},
    }  # fmt: skip
    past = bank[: len(bank) // 3]
    table, problem, _ = resolve(RawTable(past, "bank.csv", "sha256:bank"), problem_from(settings, "the test"))
    split = split_table(table, problem)
    plan = plan_features(split, check_quality(split, problem).dropped, problem)
    study = tune_family(split, plan, problem, "lightgbm", StudyStore(folder / "studies", study_key(split, plan, problem, "")))
    model, _ = build_ensemble([study], split, plan, problem, None)
    (folder / "bundle").mkdir()
    bundle = write_bundle(model, split, folder / "bundle", problem.name, problem.metric)
    scorer, suite = bundle.scorer(), infer_suite(split, problem)
    answers = predict_served(scorer, split.holdout)
    evaluation = evaluate(answers, split, problem, scorer.signature.classes, scorer.signature.threshold)
    reference = describe_reference(
        split, answers, scorer.signature, bundle.digest, evaluation, explain(scorer, split, problem), suite, problem
    )

    def look(rows: pd.DataFrame) -> SimpleNamespace:
        window = window_of_table(rows, scorer, "bank", "1", reference.facts, Look(source="bank.csv"), 50_000)
        drift = measure_drift(window, reference, problem.monitoring, scorer)
        performance = measure_performance(window, reference, problem.monitoring)
        decision = decide(window.facts, validate_window(window, reference), drift, performance, problem.monitoring)
        return SimpleNamespace(drift=drift, performance=performance, decision=decision, rules={rule.name: rule for rule in decision.rules})

    return SimpleNamespace(rows=bank, past=past, look=look)


@pytest.mark.parametrize("first", [26_000, 36_600])
def test_where_the_base_rate_jumps_the_fall_of_the_score_and_the_drift_are_reported(watched, first):
    before = watched.look(watched.rows[10_000 : 10_000 + WINDOW])
    found = watched.look(watched.rows[first : first + WINDOW])

    assert before.decision.action == "nothing" and not before.drift.target.drifted
    assert found.decision.action == "retrain"
    assert found.rules["performance_drop"].verdict == "retrain" and found.rules["performance_drop"].value > 0.1
    assert found.rules["drift_share"].verdict == "alert"
    assert found.drift.target.drifted and found.drift.target.unusual
    # By the columns alone all would be well; but they lie outside of what the model saw, so nothing is estimated.
    assert before.performance.estimated and not found.performance.estimated


def test_the_economy_drifts_from_early_on_and_the_report_says_what_of_it_matters(watched):
    early = watched.look(watched.rows[8_000 : 8_000 + WINDOW])
    drifting = {column.column: column for column in early.drift.columns if column.drifted}

    assert set(drifting) >= ECONOMY
    assert early.decision.action == "nothing" and early.drift.weighted_share < 0.1
    assert not any(drifting[name].unusual for name in ("emp_var_rate", "euribor3m", "nr_employed"))
    weights = {column.column: column.weight for column in early.drift.columns}
    assert weights["duration"] > 0.5 and sum(weights[name] for name in ECONOMY - {"euribor3m"}) < 0.1
    # What weighs most comes first in the table, and the rule says what counts.
    late = watched.look(watched.rows[38_000 : 38_000 + WINDOW])
    counting = [column for column in late.drift.columns if column.unusual]
    assert late.drift.columns[0].column == "duration"
    assert [column.weight for column in counting] == sorted((column.weight for column in counting), reverse=True)
    assert "duration" in late.rules["drift_share"].reason and all(column.effect is not None for column in counting)


def test_windows_of_the_training_period_seldom_ask_for_anything(watched):
    rng = np.random.default_rng(1)
    starts = rng.integers(len(watched.past) - WINDOW, size=6)
    drawn = [np.sort(rng.choice(len(watched.past), WINDOW, replace=False)) for _ in range(6)]
    found = [watched.look(watched.past.iloc[at]).decision.action for at in (*(first + np.arange(WINDOW) for first in starts), *drawn)]

    assert sum(action != "nothing" for action in found) <= 1, found
