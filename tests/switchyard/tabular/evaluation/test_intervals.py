"""The interval of a score covers what fresh rows show about as often as it says, on twenty rows too."""

import numpy as np
import pytest

from switchyard.tabular.evaluation.intervals import Support, interval
from switchyard.tabular.evaluation.measures import ClassificationScores, RegressionScores, scores_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Resampler, resample

CLASSES = ("no", "yes")


def people(rows: int, rng: np.random.Generator, apart: float = 2.0) -> tuple[np.ndarray, Predictions]:
    """Rows, a third of them yes, and a calibrated model's answers."""
    truth = (rng.random(rows) < 0.3).astype(int)
    logit = apart * rng.normal(apart * truth, 1) - apart**2 / 2 + np.log(3 / 7)
    chance = 1 / (1 + np.exp(-logit))
    return truth, Predictions.of_classes(np.column_stack([1 - chance, chance]), 0.5)


def covered(name: str, rows: int, times: int = 200) -> float:
    rng = np.random.default_rng(5)
    truth, answers = people(200_000, rng)
    score = float(ClassificationScores(truth, answers, CLASSES)(np.ones((1, len(truth))))[name][0])
    caught = 0
    for trial in range(times):
        truth, answers = people(rows, rng)
        draws = resample({"m": ClassificationScores(truth, answers, CLASSES)}, Resampler(rows, 200, trial))["m"][name]
        estimate = draws.estimate(0.95, name, Support.of(truth, CLASSES, answers=answers))
        caught += estimate.value is not None and estimate.low is not None and estimate.low <= score <= estimate.high
    return caught / times


@pytest.mark.parametrize("name", ["roc_auc", "accuracy", "log_loss", "brier"])
@pytest.mark.parametrize(("rows", "least"), [(20, 0.88), (200, 0.92)])
def test_intervals_cover_the_score_of_fresh_rows(name, rows, least):
    assert covered(name, rows) >= least


def test_classes_that_are_separated_on_few_rows_are_not_separated_for_sure():
    truth = np.array([0] * 10 + [1] * 10)
    chance = np.linspace(0.01, 0.99, 20)
    answers = Predictions.of_classes(np.column_stack([1 - chance, chance]), 0.5)
    draws = resample({"m": ClassificationScores(truth, answers, CLASSES)}, Resampler(20, 200, 0))["m"]
    for name in ("roc_auc", "accuracy", "yes:recall"):
        estimate = draws[name].estimate(0.95, name, Support.of(truth, CLASSES))
        assert estimate.value == 1.0 == estimate.high and 0.6 < estimate.low < 0.9, name
    assert draws["yes:recall"].estimate(0.95, "yes:recall", Support.of(truth, CLASSES)).low < 0.8


@pytest.mark.parametrize("wrong", [0, 1])
def test_the_log_loss_of_twenty_sure_answers_holds_a_mistake_and_no_more_than_mistakes_cost(wrong):
    """A model that is right in 93 % and always as sure, so its true loss is known; resamples of twenty right answers know of none."""
    truth = np.array([0] * 10 + [1] * 10)
    chance = np.where(truth == 1, 0.999, 0.001)
    chance[:wrong] = 0.999
    answers = Predictions.of_classes(np.column_stack([1 - chance, chance]), 0.5)
    support, scores = Support.of(truth, CLASSES, answers=answers), ClassificationScores(truth, answers, CLASSES)
    estimate = resample({"m": scores}, Resampler(20, 200, 0))["m"]["log_loss"].estimate(0.95, "log_loss", support)

    assert support.mistake == pytest.approx(-np.log(0.001))
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.low < -0.07 * np.log(0.001) < estimate.high < 0.3 * support.mistake


def test_the_error_of_twenty_rows_with_one_stray_is_known_less_well_than_its_resamples_say():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=20)
    answers = Predictions.of_values(truth + np.append(rng.normal(size=19), 8.0))
    draws = resample({"m": RegressionScores(truth, answers)}, Resampler(20, 400, 0))["m"]["rmse"]
    simple, better = draws.estimate(0.95), draws.estimate(0.95, "rmse", Support.of(truth, ()))
    assert 0 < better.low < better.value < better.high and better.high > 1.2 * simple.high


def test_rows_of_one_group_count_once():
    support = Support.of(np.array([0, 1] * 50), CLASSES, np.repeat(np.arange(10), 10))
    assert support.rows == 10 and support.behind("accuracy") == 10 and support.behind("roc_auc") == 10
    assert Support.of(np.array([0] * 97 + [1] * 3), CLASSES).behind("roc_auc") == 6


@pytest.mark.parametrize("name", ["bias", "profit"])
def test_a_score_of_no_known_kind_has_percentiles(name):
    draws = np.arange(101.0) - 50
    assert interval(name, 0.0, draws, 0.9, Support(20, {})) == (-45.0, 45.0)


def test_an_interval_has_the_value_in_it():
    rng = np.random.default_rng(2)
    truth, answers = people(60, rng)
    draws = resample({"m": scores_of(truth, answers, "binary", CLASSES)}, Resampler(60, 200, 0))["m"]
    for name, drawn in draws.items():
        estimate = drawn.estimate(0.95, name, Support.of(truth, CLASSES))
        assert estimate.low <= estimate.value <= estimate.high, name
