"""Thresholds, intervals and combination."""

import numpy as np
import pytest

from switchyard.bundle import Sets
from switchyard.tabular.config.learning import Costs
from switchyard.tabular.errors import InputError
from switchyard.tabular.model.combiner import Combiner, stack_features
from switchyard.tabular.model.decision import choose_threshold, conformal_half_width, least_probabilities
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


def test_by_costs_the_threshold_is_where_both_errors_cost_the_same():
    costs, rng = Costs(false_positive=1, false_negative=4), np.random.default_rng(3)
    scores = rng.random(4000)
    y = (rng.random(4000) < scores).astype(int)

    assert choose_threshold(scores, y, "auto", costs) == 0.2
    assert choose_threshold(scores, np.zeros(4000, dtype=int), "auto", costs) == 0.2
    assert choose_threshold(scores, y, "accuracy", costs) == choose_threshold(scores, y, "accuracy") != 0.2
    assert choose_threshold(scores, y, 0.7, costs) == 0.7


def test_probabilities_that_are_not_true_are_cut_where_errors_did_cost_least():
    costs, rng = Costs(false_positive=1, false_negative=4), np.random.default_rng(3)
    truth = rng.random(4000)
    y = (rng.random(4000) < truth).astype(int)

    # What is said is the square of what is so: 0.2 is said as 0.04.
    assert choose_threshold(truth**2, y, "auto", costs) == pytest.approx(0.04, abs=0.02)


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


def test_sets_have_their_finite_sample_rank_and_leave_nothing_out_where_rows_are_too_few():
    own = np.arange(1, 20) / 20  # 19 rows: rank ceil(20 * 0.9) = 18, so the second smallest
    proba, y = np.column_stack([own, 1 - own]), np.zeros(19, dtype=int)
    unknown = np.vstack([proba, [np.nan, np.nan]])
    assert least_probabilities(unknown, np.append(y, 0), 0.9, False) == (0.1, 0.1)
    assert least_probabilities(proba[:5], y[:5], 0.9, False) == (0.0, 0.0)
    assert least_probabilities(proba, y, 0.9, True) == (0.1, 0.0)


@pytest.mark.parametrize("each_class", [False, True])
def test_sets_cover_what_they_promise(each_class):
    """Of each class by itself where that is asked for; else the rare class may go without."""
    rng = np.random.default_rng(4)

    def drawn(rows):
        y = (rng.random(rows) < 0.15).astype(int)
        positive = 1 / (1 + np.exp(-(rng.normal(size=rows) + 2 * y - 2.5)))
        return np.column_stack([1 - positive, positive]), y

    held = np.zeros((200, 3))
    for run in range(200):
        least = least_probabilities(*drawn(300), 0.85, each_class)
        proba, y = drawn(2000)
        inside = Sets(0.85, each_class, least).members(proba)[np.arange(2000), y]
        held[run] = inside.mean(), inside[y == 0].mean(), inside[y == 1].mean()
    overall, common, rare = held.mean(axis=0)
    assert overall == pytest.approx(0.85, abs=0.015)
    assert rare == pytest.approx(0.85, abs=0.03) if each_class else rare < 0.6 < common


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
