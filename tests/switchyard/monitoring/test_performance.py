"""The score of a window: measured where labels are, estimated where not, and the estimate held against the truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from switchyard.bundle import Sets
from switchyard.monitoring.estimation import estimate_scores
from switchyard.monitoring.performance import measure_performance
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.served import predict_served
from tests.switchyard.monitoring.people import people, scorer, window


def performance(frame, reference, **settings):
    return measure_performance(window(frame, reference), reference, Monitoring(**settings))


def test_with_labels_the_score_is_measured_with_slices(reference):
    frame = people(1000, 1)
    found = performance(frame, reference)
    truth = roc_auc_score(frame.y == "yes", predict_served(scorer(), frame).probabilities[:, 1])

    assert found.basis == "measured" and found.score.value == pytest.approx(truth)
    assert found.score.low < truth < found.score.high
    assert [part.value for part in found.measured.slices[0].slices] == ["north", "south"]
    assert abs(found.drop) < 0.05
    assert "By region" in found.html()


def test_sets_are_watched_as_labels_come(reference):
    least = (0.5, 0.4)
    promised = replace(reference, facts=reference.facts.model_copy(update={"sets": Sets(0.99, False, least)}))
    frame = people(1000, 1)
    found = performance(frame, promised)
    proba = predict_served(scorer(), frame).probabilities
    held = (proba >= least)[np.arange(1000), (frame.y == "yes").to_numpy().astype(int)]

    assert found.measured.scores["set_coverage"].value == pytest.approx(held.mean()) and held.mean() < 0.97
    assert "made to hold 0.99. That is clearly less" in found.covered and found.covered in found.html()
    assert performance(frame, reference).covered == ""


def test_a_broken_relation_is_a_drop_that_only_labels_see(reference):
    frame = people(1000, 1, flipped=True)
    labelled, unlabelled = performance(frame, reference), performance(frame.assign(y=None), reference)

    assert labelled.drop > 0.5
    assert unlabelled.basis == "estimated" and abs(unlabelled.drop) < 0.05


@pytest.mark.parametrize("income", [35, 50, 70])
def test_the_estimate_follows_drift_of_the_columns(reference, income):
    """Calibrated by construction, so the estimate's interval must hold the true score."""
    frame = people(2000, 7, income=income)
    predictions = predict_served(scorer(), frame)
    estimated = estimate_scores(predictions, "binary", ("no", "yes"), 0.99)
    measured = performance(frame, reference).measured.scores

    for name in ("roc_auc", "log_loss", "brier", "accuracy"):
        assert estimated[name].low <= measured[name].value <= estimated[name].high, name


def test_few_labels_or_one_class_are_not_scored(reference):
    few = people(500, 1)
    few.loc[few.index[60:], "y"] = None
    one = people(500, 1).assign(y="no")

    assert performance(few, reference).reason == "60 labels are fewer than monitoring.min_labels = 100"
    assert performance(one, reference).reason.startswith("0 labels are 'yes'")
    assert performance(one, reference).basis == "estimated"


def test_a_handful_of_predictions_gives_no_estimate(reference):
    found = performance(people(99, 1).assign(y=None), reference)

    assert found.basis == "none" and found.estimated == {} and found.drop is None
    assert "not estimated from fewer predictions than monitoring.min_rows = 100" in found.reason and found.reason in found.html()
    assert performance(people(100, 1).assign(y=None), reference).basis == "estimated"


def test_the_error_of_a_regression_is_estimated_from_the_holdout():
    rng = np.random.default_rng(0)
    past = rng.uniform(0, 10, 4000)
    truth = past + rng.normal(0, 0.2 + 0.3 * past)  # larger predictions err more
    now = rng.uniform(6, 10, 2000)
    actual = now + rng.normal(0, 0.2 + 0.3 * now)
    estimated = estimate_scores(Predictions.of_values(now), "regression", (), 0.99, Predictions.of_values(past), truth)

    assert estimated["rmse"].low < np.sqrt(np.mean((actual - now) ** 2)) < estimated["rmse"].high
    assert estimated["rmse"].value > 1.3 * np.sqrt(np.mean((truth - past) ** 2))


def test_several_classes_are_estimated_too():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([1, 1, 1], 1500)
    truth = np.array([rng.choice(3, p=row) for row in probabilities])
    estimated = estimate_scores(Predictions.of_classes(probabilities), "multiclass", ("a", "b", "c"), 0.99)

    accuracy = float((probabilities.argmax(axis=1) == truth).mean())
    assert estimated["accuracy"].low < accuracy < estimated["accuracy"].high
    assert pd.notna(estimated["log_loss"].value)
