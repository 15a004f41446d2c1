"""The weighted scores are scikit-learn's, on rows as they are and on resamples of them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn import metrics

from switchyard.tabular.evaluation.measures import ClassificationScores, RegressionScores
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Resampler, resample


def _ones(n: int) -> np.ndarray:
    return np.ones((1, n))


def _sklearn_binary(truth: np.ndarray, score: np.ndarray, served: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    each = {"sample_weight": weights}
    return {
        "roc_auc": metrics.roc_auc_score(truth, score, **each),
        "average_precision": metrics.average_precision_score(truth, score, **each),
        "log_loss": metrics.log_loss(truth, score, **each),
        "brier": metrics.brier_score_loss(truth, score, **each),
        "accuracy": metrics.accuracy_score(truth, served, **each),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, served, **each),
        "precision": metrics.precision_score(truth, served, **each),
        "recall": metrics.recall_score(truth, served, **each),
        "f1": metrics.f1_score(truth, served, **each),
        "f1_weighted": metrics.f1_score(truth, served, average="weighted", **each),
        "precision_weighted": metrics.precision_score(truth, served, average="weighted", **each),
        "recall_weighted": metrics.recall_score(truth, served, average="weighted", **each),
    }


@pytest.mark.parametrize("decimals", [1, 2, 12], ids=["many ties", "some ties", "no ties"])
def test_binary_scores_equal_scikit_learns_with_and_without_weights(decimals):
    rng = np.random.default_rng(decimals)
    truth = rng.integers(0, 2, 300)
    score = np.clip(np.round(rng.normal(0.4 + 0.2 * truth, 0.2), decimals), 0.01, 0.99)
    predictions = Predictions.of_classes(np.column_stack([1 - score, score]), threshold=0.4)
    scores = ClassificationScores(truth, predictions, ("no", "yes"))
    weights = np.vstack([np.ones(300), rng.integers(0, 4, 300)])
    ours = scores(weights)
    for line in range(2):
        for name, value in _sklearn_binary(truth, score, predictions.labels, weights[line]).items():
            assert ours[name][line] == pytest.approx(value, abs=1e-12), name
    assert ours["yes:f1"][0] == ours["f1"][0]


def test_multiclass_scores_equal_scikit_learns():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 400)
    proba = rng.dirichlet(np.ones(4), 400) * 0.5 + 0.5 * np.eye(4)[np.where(rng.random(400) < 0.6, truth, rng.integers(0, 4, 400))]
    ours = {name: value[0] for name, value in ClassificationScores(truth, Predictions.of_classes(proba), tuple("abcd"))(_ones(400)).items()}
    served = proba.argmax(axis=1)
    assert ours["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, proba, multi_class="ovr"))
    assert ours["log_loss"] == pytest.approx(metrics.log_loss(truth, proba))
    assert ours["f1"] == ours["f1_weighted"] == pytest.approx(metrics.f1_score(truth, served, average="weighted"))
    per_class = metrics.precision_recall_fscore_support(truth, served)
    for k, label in enumerate("abcd"):
        assert [ours[f"{label}:{name}"] for name in ("precision", "recall", "f1")] == pytest.approx([part[k] for part in per_class[:3]])


def test_the_classification_scores_are_those_the_tuning_uses():
    from switchyard.tabular.tasks import METRICS, TASKS

    rng = np.random.default_rng(4)
    for task, n_classes in (("binary", 2), ("multiclass", 3)):
        truth, proba = rng.integers(0, n_classes, 200), rng.dirichlet(np.ones(n_classes), 200)
        ours = ClassificationScores(truth, Predictions.of_classes(proba), tuple("abc"[:n_classes]))(_ones(200))
        for name in TASKS[task].metrics:
            assert ours[name][0] == pytest.approx(METRICS[name].function(truth, proba)), name


def test_a_class_without_rows_is_left_out_and_not_counted_as_zero():
    truth = np.array([0, 0, 1, 1])
    proba = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1]])
    ours = ClassificationScores(truth, Predictions.of_classes(proba), ("a", "b", "c"))(_ones(4))
    assert ours["roc_auc"][0] == 1.0 and ours["f1"][0] == 1.0
    assert np.isnan(ours["c:recall"][0])


def test_regression_scores_equal_scikit_learns_far_from_zero():
    rng = np.random.default_rng(5)
    truth = 1e6 + rng.normal(size=300)
    values = truth + rng.normal(0.1, 0.5, 300)
    predictions = Predictions.of_values(values, values - 1, values + 1)
    weights = rng.integers(0, 3, 300)
    ours = {name: value[0] for name, value in RegressionScores(truth, predictions)(weights[None].astype(float)).items()}
    assert ours["r2"] == pytest.approx(metrics.r2_score(truth, values, sample_weight=weights), abs=1e-9)
    assert ours["mae"] == pytest.approx(metrics.mean_absolute_error(truth, values, sample_weight=weights))
    assert (
        ours["mse"] == pytest.approx(ours["rmse"] ** 2) == pytest.approx(metrics.mean_squared_error(truth, values, sample_weight=weights))
    )
    assert ours["bias"] == pytest.approx(np.average(values - truth, weights=weights))
    assert ours["coverage"] == pytest.approx(np.average(np.abs(values - truth) <= 1, weights=weights))
    assert ours["width"] == pytest.approx(2)


def test_resamples_draw_classes_as_a_holdout_does_and_repeat_for_a_seed():
    rare = np.repeat([0, 1], [90, 10])
    first = np.vstack(list(Resampler(100, 50, seed=1).chunks()))
    assert first.shape == (50, 100) and (first.sum(axis=1) == 100).all()
    assert 1.5 < first[:, rare == 1].sum(axis=1).std() < 4.5
    assert (first == np.vstack(list(Resampler(100, 50, seed=1).chunks()))).all()
    assert (first != np.vstack(list(Resampler(100, 50, seed=2).chunks()))).any()


def test_rows_of_a_group_come_and_go_together():
    groups = np.repeat(np.arange(20), 5)
    weights = np.vstack(list(Resampler(100, 30, seed=0, groups=groups).chunks()))
    assert (weights.reshape(30, 20, 5) == weights.reshape(30, 20, 5)[:, :, :1]).all()
    assert (weights[:, ::5].sum(axis=1) == 20).all()


def test_chunking_does_not_change_the_draws(monkeypatch):
    from switchyard.tabular.evaluation import resampling

    whole = np.vstack(list(Resampler(100, 50, seed=1).chunks()))
    monkeypatch.setattr(resampling, "_CELLS", 700)
    parts = list(Resampler(100, 50, seed=1).chunks())
    assert len(parts) > 1 and (np.vstack(parts) == whole).all()


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(7)
    caught = 0
    for trial in range(200):
        truth = rng.normal(size=150)
        values = truth + rng.normal(size=150)  # the true mse is 1
        draws = resample({"m": RegressionScores(truth, Predictions.of_values(values))}, Resampler(150, 200, seed=trial))
        estimate = draws["m"]["mse"].estimate(0.9)
        caught += estimate.low <= 1 <= estimate.high
    assert 0.80 <= caught / 200 <= 0.97


def test_two_hundred_resamples_of_fifteen_thousand_rows_take_seconds():
    rng = np.random.default_rng(0)
    n = 15_000
    truth = (rng.random(n) < 0.25).astype(int)
    score = 1 / (1 + np.exp(-rng.normal(truth, 1)))
    predictions = Predictions.of_classes(np.column_stack([1 - score, score]), 0.4)
    started = time.process_time()
    draws = resample({"m": ClassificationScores(truth, predictions, ("no", "yes"))}, Resampler(n, 200, 0))
    assert time.process_time() - started < 3
    auc = draws["m"]["roc_auc"]
    # Hanley & McNeil's standard error.
    a, n_pos, n_neg = auc.value, truth.sum(), n - truth.sum()
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    expected = np.sqrt((a * (1 - a) + (n_pos - 1) * (q1 - a * a) + (n_neg - 1) * (q2 - a * a)) / (n_pos * n_neg))
    assert auc.draws.std() == pytest.approx(expected, rel=0.25)
