"""What a window says of groups: rows that are like none of them are counted, told, and not by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle.unlike import Unlike
from switchyard.monitoring.drift import measure_drift
from switchyard.monitoring.log_window import window_of_log
from switchyard.monitoring.look import Look
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.rules import unlike_rows
from switchyard.predictionlog.database import predictions
from switchyard.tabular.config.monitoring import Monitoring
from tests.switchyard.monitoring.people import fill, people, window

FAR = Unlike(0.01, (2.33, 2.33))


@pytest.fixture
def grouped(reference):
    """The reference of a model whose answers have distances, normal ones."""
    distances = np.abs(np.random.default_rng(0).normal(size=len(reference.answers)))
    facts = reference.facts.model_copy(update={"unlike": FAR})
    return replace(reference, facts=facts, answers=reference.answers.assign(distance=distances))


def seen(grouped: Reference, scale: float, rows: int = 400):
    made = window(people(rows, 3), grouped)
    distances = scale * np.abs(np.random.default_rng(1).normal(size=rows))
    return measure_drift(replace(made, answers=made.answers.assign(distance=distances)), grouped, Monitoring())


def test_rows_like_no_group_are_counted_beside_those_of_the_holdout_and_told(grouped):
    drift = seen(grouped, 3.0)
    (rule,) = unlike_rows(drift, Monitoring(), None)

    assert drift.unlike.now > 0.3 and drift.unlike.before < 0.04
    assert drift.distance.drifted
    assert rule.verdict == "alert" and "of the rows are unlike all groups" in rule.reason
    assert "unlike all groups" in drift.html()


def test_a_window_as_in_training_tells_nothing_and_a_model_without_groups_has_no_such_rule(grouped, reference):
    assert unlike_rows(seen(grouped, 1.0), Monitoring(), None)[0].verdict == "nothing"
    assert unlike_rows(measure_drift(window(people(400, 3), reference), reference, Monitoring()), Monitoring(), None) == ()


def test_few_rows_that_may_be_chance_wait_for_the_next_window(grouped):
    drift, limit = seen(grouped, 1.35), Monitoring(unlike_share=0.02)
    (first,) = unlike_rows(drift, limit, frozenset())
    (again,) = unlike_rows(drift, limit, frozenset({"unlike_rows"}))

    assert 1e-6 < drift.unlike.p_value < 0.01
    assert (first.verdict, first.suspected, again.verdict) == ("nothing", True, "alert")


def test_the_log_gives_back_the_distances_that_answers_had(grouped, log):
    fill(log, people(50, 1))
    with log.begin() as connection:
        connection.execute(predictions.update().values(prediction=1.5))
    made = window_of_log(log, "small", "1", grouped.facts, Look(), "7d", 50_000)

    assert made.answers["distance"].tolist() == [1.5] * 50
    assert isinstance(made.answers, pd.DataFrame) and made.predictions(grouped.facts.classes).distances.max() == 1.5
