"""Calibration undoes what is wrong, leaves alone what is not clearly so, and never makes an answer certain."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from switchyard.tabular.families.base import probabilities_of
from switchyard.tabular.model.calibration import LEAST, Calibrator, fit_calibrator


def two(log_odds):
    return probabilities_of(np.asarray(log_odds, dtype=float)[:, None])


def honest(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds of two classes, and truth that came about by them."""
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=rows)
    return log_odds, (rng.random(rows) < two(log_odds)[:, 1]).astype(int)


def of_three(rows: int = 3000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    margins = rng.normal(size=(rows, 3))
    return margins, (np.log(-1 / np.log(rng.random((rows, 3)))) + margins).argmax(axis=1)


def slopes(calibrator):
    return np.array(calibrator.weights)


def test_a_known_distortion_is_undone():
    log_odds, y = honest()
    proba = two(3 * log_odds + 1)
    calibrator = fit_calibrator(proba, y)

    assert calibrator.kind == "sigmoid"
    assert slopes(calibrator)[1, 0] == pytest.approx(1 / 3, abs=0.05) and calibrator.intercept[0] == pytest.approx(-1 / 3, abs=0.12)
    assert np.allclose(calibrator.apply(proba).sum(axis=1), 1)
    holed = proba.copy()
    holed[::7] = np.nan
    assert fit_calibrator(holed, y).kind == "sigmoid"


def test_sides_that_are_wrong_by_different_slopes_want_beta():
    log_odds, y = honest(20_000)
    true = two(log_odds)
    # What makes this right again: half the logarithm of one side, twice that of the other.
    grid = np.linspace(-12, 12, 100_001)
    known = two(grid)
    said = two(np.interp(log_odds, 0.5 * np.log(known[:, 1]) - 2 * np.log(known[:, 0]), grid))
    calibrator = fit_calibrator(said, y)

    assert calibrator.kind == "beta" and slopes(calibrator)[:, 0] == pytest.approx([-2, 0.5], abs=0.15)
    assert np.abs(calibrator.apply(said) - true).max() < 0.05


def test_what_is_calibrated_and_what_is_few_is_left_alone():
    log_odds, y = honest()
    assert fit_calibrator(two(log_odds), y).kind == "none"
    assert fit_calibrator(two(3 * log_odds[:40]), y[:40]).kind == "none"
    margins, truth = of_three()
    assert fit_calibrator(probabilities_of(margins), truth).kind == "none"


def test_one_temperature_for_several_classes_and_a_matrix_where_classes_are_mixed_up():
    margins, y = of_three(6000)
    sharp = fit_calibrator(probabilities_of(4 * margins), y)
    assert sharp.kind == "temperature" and slopes(sharp) == pytest.approx(0.25 * np.eye(3), abs=0.03)
    assert fit_calibrator(probabilities_of(4 * margins), y, "sigmoid").kind == "temperature"
    tilted = fit_calibrator(probabilities_of(margins @ np.array([[1, 0.6, 0], [0, 1, 0], [0, 0, 1]]) + [0, 0, 0.7]), y)
    assert tilted.kind == "matrix"


@pytest.mark.parametrize("kind", ["auto", "temperature", "sigmoid", "beta", "matrix"])
@pytest.mark.parametrize("classes", [2, 3])
def test_perfect_separation_does_not_end_in_certainty(kind, classes):
    y = np.arange(150) % classes
    clear = np.full((150, classes), 0.02 / (classes - 1))
    clear[np.arange(150), y] = 0.98
    calibrator = fit_calibrator(clear, y, kind)
    sure = calibrator.apply(np.eye(classes))

    # It was right 150 times: that is worth more than 98 %, and no certainty.
    assert 0.98 <= calibrator.apply(clear)[np.arange(150), y].min() <= 0.9999
    assert sure.min() >= LEAST and sure.max() < 1 and np.allclose(sure.sum(axis=1), 1)


def test_scores_that_fall_with_the_truth_are_not_turned_round():
    log_odds, y = honest()
    assert fit_calibrator(two(-3 * log_odds), y, "sigmoid") == Calibrator()


def test_a_calibrator_is_kept_as_json():
    margins, y = of_three()
    for calibrator in (
        Calibrator(),
        Calibrator("sigmoid", ((-0.5,), (0.5,)), (0.1,)),
        fit_calibrator(probabilities_of(2 * margins), y, "matrix"),
    ):
        assert Calibrator.of(json.loads(json.dumps(asdict(calibrator)))) == calibrator
