"""Tests of two samples keep their level at every pair of sizes, find what is there, and give one answer for many columns."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from switchyard.monitoring.columns import compare
from switchyard.monitoring.twosample import combine, holm, of_levels, of_numbers
from switchyard.tabular.config.monitoring import Monitoring

SIZES = [(200, 100), (600, 600), (200, 3000), (3000, 100)]


def rejected(draw, sizes, test, level=0.05, times=300):
    """How often two samples of one distribution are told apart."""
    rng = np.random.default_rng(0)
    return np.mean([test(draw(rng, sizes[0]), draw(rng, sizes[1])) < level for _ in range(times)])


@pytest.mark.parametrize("sizes", SIZES)
def test_samples_of_one_distribution_are_told_apart_no_oftener_than_stated(sizes):
    """0.05 of 300 are 15; with 29 and more in one of a thousand."""
    shares = np.random.default_rng(1).dirichlet(np.full(12, 0.5))

    assert rejected(lambda rng, rows: rng.normal(size=rows), sizes, of_numbers) < 0.095
    assert rejected(lambda rng, rows: np.round(rng.lognormal(0, 1, rows)), sizes, of_numbers) < 0.095
    assert rejected(lambda rng, rows: pd.Series(rng.choice(12, rows, p=shares)), sizes, of_levels) < 0.095


def test_a_shift_a_spread_and_a_shape_are_found_about_as_often_as_by_the_test_made_for_each():
    rng = np.random.default_rng(0)
    made = {
        "shift": (lambda: rng.normal(0.2, 1, 500), lambda a, b: stats.mannwhitneyu(a, b).pvalue),
        "spread": (lambda: rng.normal(0, 1.25, 500), lambda a, b: stats.levene(a, b).pvalue),
    }
    for draw, best in made.values():
        pairs = [(rng.normal(size=500), draw()) for _ in range(200)]
        ours, theirs = (np.mean([test(*pair) < 0.01 for pair in pairs]) for test in (of_numbers, best))
        assert ours > theirs - 0.15 and ours > 0.4


def test_levels_are_compared_by_both_samples_and_rare_ones_together():
    past, current = pd.Series(["a"] * 300 + ["b"] * 300), pd.Series(["a"] * 240 + ["b"] * 360)
    table = [[300, 300], [240, 360]]

    assert of_levels(past, current) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert of_levels(past, pd.Series(["a"] * 30 + ["b"] * 30 + ["x", "y", "z"])) > 1e-4
    assert of_levels(pd.Series(["a"] * 50), pd.Series(["a"] * 70)) == of_levels(past, past.head(0)) == 1.0
    assert of_numbers(np.zeros(30), np.zeros(40)) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("levels", "sizes"), [(200, (5000, 300)), (2000, (2000, 60))])
def test_of_many_levels_one_that_becomes_frequent_is_found_and_chance_is_not(levels, sizes):
    shares = 1 / np.arange(1, levels + 1) ** 0.7
    shares /= shares.sum()
    moved = 0.85 * shares
    moved[levels // 2] += 0.15
    rng = np.random.default_rng(0)

    def drawn(of, rows):
        return pd.Series(rng.choice(levels, rows, p=of))

    assert rejected(lambda _, rows: drawn(shares, rows), sizes, of_levels) < 0.095
    assert np.mean([of_levels(drawn(shares, sizes[0]), drawn(moved, sizes[1])) < 0.001 for _ in range(20)]) > 0.8


def test_many_columns_are_corrected_for_by_holm_and_many_tests_by_cauchy():
    assert holm({"b": 0.02, "a": 0.01, "c": 0.9}) == pytest.approx({"a": 0.03, "b": 0.04, "c": 0.9}) and holm({}) == {}
    assert combine([1e-200, 0.5, 1.0]) == pytest.approx(3e-200) and combine([0.02, 0.02, 0.02]) == pytest.approx(0.02)


def test_a_column_of_thousands_of_categories_does_not_drift_by_chance():
    rng = np.random.default_rng(0)

    def items(rows):
        return pd.DataFrame({"item": rng.integers(0, 2000, rows).astype(str)})

    past = items(3000)
    found = [compare(past, items(60), {"item": "categorical"}, Monitoring(), False, False)[0] for _ in range(5)]

    assert not any(column.drifted for column in found)
