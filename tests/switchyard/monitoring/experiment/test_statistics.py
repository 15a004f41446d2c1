"""Sizes, the sequence and the counts, against simulations and other people's formulas."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score
from statsmodels.stats.power import NormalIndPower

from benchmarks.experiments import SCENARIOS, summarise
from switchyard.monitoring.experiment.counts import Counts, too_many_p
from switchyard.monitoring.experiment.losses import pair_losses
from switchyard.monitoring.experiment.sample_size import fixed, sequential
from switchyard.monitoring.experiment.sequence import compare, half_width


@pytest.mark.parametrize("scenario", SCENARIOS[:5], ids=lambda scenario: scenario.name)
def test_the_right_winner_is_found_and_a_false_one_is_rare(scenario):
    # `python -m benchmarks.experiments` does so with 400 runs; some dozens tell 5 % from 50 %, which is what an ordinary interval has.
    found = summarise(scenario, 60 if scenario.rows == 1 else 40, seed=1)

    assert found["right"] >= 0.9 and found["false_winner"] <= 0.07 and found["undecided"] == 0
    assert found["median_entities"] < found["planned"]
    assert found["usual_false"] > 0.2


def test_the_interval_holds_the_truth_at_every_look():
    count, strays, runs = np.arange(1, 4001), 0, 300
    for run in range(runs):
        values = np.random.default_rng(run).exponential(1.0, len(count))
        mean = np.cumsum(values) / count
        deviation = np.sqrt(np.maximum(np.cumsum(values**2) / count - mean**2, 1e-12))
        outside = np.abs(mean - 1.0) > half_width(count, deviation, 0.1, 1000)
        strays += outside[100:].any()

    assert strays / runs <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / runs)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_size_for_proportions_is_that_of_statsmodels(share):
    effect = 0.03
    ours = fixed((0.83 * 0.17, 0.8 * 0.2), effect, 0.05, 0.8, share)
    # statsmodels wants an effect in standard deviations, and one deviation for both arms.
    deviation = np.sqrt((0.83 * 0.17 / share + 0.8 * 0.2 / (1 - share)) / (1 / share + 1 / (1 - share)))
    theirs = NormalIndPower().solve_power(effect / deviation, power=0.8, alpha=0.05, ratio=share / (1 - share)) / (1 - share)

    assert ours == pytest.approx(theirs, rel=0.001)


def test_the_planned_power_is_reached_and_more_power_share_or_effect_shows():
    variances, effect = (0.16, 0.16), 0.05
    size = sequential(variances, effect, 0.05, 0.8, 0.5)
    wins = 0
    for run in range(300):
        rng = np.random.default_rng(run)
        arms = [(rng.random(size // 2) < rate).astype(float) for rate in (0.15, 0.2)]
        wins += compare(*arms, 0.05, size, 1.0).lower > 0

    assert wins / 300 >= 0.8 - 2 * np.sqrt(0.16 / 300)
    assert size > fixed(variances, effect, 0.05, 0.8, 0.5)
    assert sequential(variances, effect, 0.05, 0.9, 0.5) > size
    assert sequential(variances, effect, 0.05, 0.8, 0.1) > size
    assert sequential(variances, 2 * effect, 0.05, 0.8, 0.5) < size


@pytest.mark.parametrize(("changes", "said"), [({"effect": 0}, "effect"), ({"alpha": 1.5}, "alpha"), ({"share": 0}, "share")])
def test_a_size_that_nobody_can_tell_is_an_error(changes, said):
    arguments = {"variances": (1.0, 1.0), "effect": 0.1, "alpha": 0.05, "power": 0.8, "share": 0.5, **changes}
    with pytest.raises(ValueError, match=said):
        sequential(**arguments)


def test_rare_events_are_too_many_seldom_by_chance_and_surely_where_they_are():
    false, found, runs = 0, 0, 150
    for run in range(runs):
        rng = np.random.default_rng(run)
        candidate = rng.random(4000) < 0.2
        for rates, kind in (((0.02, 0.02), "false"), ((0.08, 0.02), "found")):
            failed = rng.random(4000) < np.where(candidate, *rates)
            least = min(
                too_many_p(int((failed & candidate)[:n].sum()), int((failed & ~candidate)[:n].sum()), candidate[:n].mean())
                for n in range(200, 4001, 200)
            )
            false += kind == "false" and least <= 0.05
            found += kind == "found" and least <= 0.05

    assert false / runs <= 0.05 and found / runs >= 0.95


def test_few_errors_of_a_small_canary_are_enough_and_those_of_production_are_not():
    assert too_many_p(4, 0, 0.1) < 0.01
    assert too_many_p(0, 40, 0.1) == 1.0 and too_many_p(0, 0, 0.1) == 1.0
    assert too_many_p(10, 90, 0.1) > 0.05


def test_counts_of_a_front_door_started_anew_are_all_new():
    before, now = (
        Counts(requests=10, errors=2, refused=1, latency=((1.0, 5), (5.0, 10))),
        Counts(requests=15, errors=2, refused=4, latency=((1.0, 9), (5.0, 15))),
    )

    assert now.since(before) == Counts(requests=5, errors=0, refused=3, latency=((1.0, 4), (5.0, 5)))
    assert before.since(now) == before
    assert now.slower_than(1.0) == 6 and now.quantile(0.5) == pytest.approx(7.5 / 9)


def test_losses_of_pairs_are_the_auc_with_the_spread_of_its_estimate():
    def estimate(seed):
        rng = np.random.default_rng(seed)
        positive = rng.random(400) < 0.3
        scores = np.round(rng.normal(size=400) + positive, 1)
        return positive, scores

    estimates = [pair_losses(scores, positive, np.ones(400)) for positive, scores in map(estimate, range(300))]
    positive, scores = estimate(0)
    assert 1 - estimates[0].mean() == pytest.approx(roc_auc_score(positive, scores))
    means = np.array([values.mean() for values in estimates])
    predicted = np.mean([values.std() / np.sqrt(400) for values in estimates])
    assert means.std() == pytest.approx(predicted, rel=0.12)
    assert norm.cdf(1 / np.sqrt(2)) == pytest.approx(1 - means.mean(), abs=0.005)
