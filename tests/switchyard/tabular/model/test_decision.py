"""Thresholds, intervals and combination."""

import numpy as np
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.model.combiner import Combiner, stack_features
from switchyard.tabular.model.decision import choose_threshold, conformal_half_width
from switchyard.tabular.model.model import encode_target


@pytest.mark.parametrize("rule", ["f1", "balanced_accuracy", "accuracy"])
def test_threshold_is_the_best_one_and_stands_between_scores(rule):
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

    quality = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score, "accuracy": accuracy_score}[rule]
    rng = np.random.default_rng(2)
    scores = np.round(rng.random(300), 2)
    y = (rng.random(300) < scores**2).astype(int)
    threshold = choose_threshold(scores, y, rule)
    tried = [quality(y, scores >= cut) for cut in np.unique(scores)]
    assert quality(y, scores >= threshold) == pytest.approx(max(tried))
    assert np.abs(scores - threshold).min() > 0.004


def test_threshold_takes_the_widest_of_equally_good_gaps():
    scores, y = np.array([0.1, 0.2, 0.6, 0.61]), np.array([0, 0, 1, 1])
    assert choose_threshold(scores, y, "accuracy") == pytest.approx(0.4)
    assert choose_threshold(scores, y, 0.25) == 0.25
    assert choose_threshold(scores, np.ones(4, dtype=int), "f1") == 0.5


def test_conformal_interval_has_its_finite_sample_rank():
    residuals = np.append(np.arange(1.0, 20.0), np.nan)  # 19 known: rank ceil(20 * 0.9) = 18
    assert conformal_half_width(-residuals, 0.9) == 18.0
    assert conformal_half_width(residuals[:5], 0.99) == 5.0
    with pytest.raises(ValueError, match="residual"):
        conformal_half_width(np.array([np.nan]), 0.9)


def test_conformal_interval_covers():
    rng = np.random.default_rng(3)
    covered = [np.mean(np.abs(rng.normal(size=500)) <= conformal_half_width(rng.normal(size=50), 0.8)) for _ in range(300)]
    assert np.mean(covered) == pytest.approx(0.8, abs=0.02)


def test_combiners():
    one, two = np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])
    assert np.allclose(Combiner.average([3, 1]).combine([one, two]), [[0.3, 0.7]])
    alone = Combiner.stack(np.array([[1.0], [0.0]]), [0.0])
    assert np.allclose(alone.combine([one, two]), one)
    assert stack_features([one, two]).shape == (1, 2)
    numbers = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert np.allclose(Combiner.stack(np.array([[0.5], [0.5]]), [1.0]).combine(numbers), [3.0, 4.0])
    with pytest.raises(ValueError, match="weights"):
        Combiner.average([0, 0])


def test_target_codes():
    assert encode_target(["b", "a"], ("a", "b")).tolist() == [1, 0]
    with pytest.raises(InputError, match="'c' in row 1"):
        encode_target(["a", "c"], ("a", "b"))
