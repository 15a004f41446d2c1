"""The sampled Shapley values: exact where exactness is promised, shap's where it can be enumerated."""

from __future__ import annotations

import numpy as np
import pytest

from switchyard.bundle.shapley import MOST_PLAYERS, combined, shapley_values


def _values(function, rows, background, seed=0):
    halves, base, outputs = shapley_values(function, rows, background, seed)
    return combined(halves, len(background)), base, outputs


def test_of_a_linear_function_they_are_the_weights_times_the_distance_from_the_mean():
    rng = np.random.default_rng(0)
    weights = np.array([3.0, -2.0, 0.0, 0.5])
    rows, background = rng.normal(size=(6, 4)), rng.normal(size=(31, 4))
    values, base, _ = _values(lambda m: (m @ weights)[:, None], rows, background)
    assert values[:, :, 0] == pytest.approx(weights * (rows - background.mean(axis=0)), abs=1e-12)
    assert base[0] == pytest.approx((background @ weights).mean())


@pytest.mark.parametrize("n_background", [1, 2, 7, 16])
def test_they_add_up_to_the_output_less_the_base_whatever_the_function(n_background):
    rng = np.random.default_rng(1)

    def function(m):
        filled = np.nan_to_num(m, nan=-3.0)
        return np.column_stack([filled[:, 0] * filled[:, 1] > 0, np.sin(filled).prod(axis=1)]).astype(float)

    rows, background = rng.normal(size=(9, 5)), rng.normal(size=(n_background, 5))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    background[rng.random(background.shape) < 0.2] = np.nan
    values, base, outputs = _values(function, rows, background)
    assert values.shape == (9, 5, 2)
    assert values.sum(axis=1) == pytest.approx(outputs - base, abs=1e-12)
    assert outputs == pytest.approx(function(rows))


def test_they_are_those_of_shaps_exact_explainer():
    shap = pytest.importorskip("shap")
    rng = np.random.default_rng(2)

    def function(m):
        return 1 / (1 + np.exp(-(m[:, 0] + m[:, 1] * m[:, 2] + (m[:, 3] > 0) * m[:, 0])))

    rows, background = rng.normal(size=(8, 5)), rng.normal(size=(100, 5))
    exact = shap.explainers.Exact(function, shap.maskers.Independent(background, max_samples=100))(rows)
    values, base, _ = _values(lambda m: function(m)[:, None], rows, background)
    assert base[0] == pytest.approx(exact.base_values[0])
    assert values[:, :, 0] == pytest.approx(exact.values, abs=0.03)
    assert np.corrcoef(values[:, :, 0].ravel(), exact.values.ravel())[0, 1] > 0.995
    assert (values[:, 4, 0] == 0).all(), "a column without effect gets exactly nothing"


def test_columns_that_do_not_differ_cost_no_calls():
    calls = []

    def function(m):
        calls.append(len(m))
        return m[:, :1]

    background = np.zeros((10, 50))
    rows = np.zeros((4, 50))
    rows[:, 0] = 1
    rows[:, 1] = np.arange(4)
    values, _, _ = _values(function, rows, background)
    assert sum(calls) <= 10 + 4 + 4 * 10
    assert values[:, 0, 0] == pytest.approx(1)


def test_rows_equal_to_the_background_get_zeros():
    values, _, _ = _values(lambda m: m.sum(axis=1, keepdims=True), np.ones((3, 4)), np.ones((6, 4)))
    assert (values == 0).all()


def test_the_seed_decides():
    rng = np.random.default_rng(3)
    rows, background = rng.normal(size=(5, 6)), rng.normal(size=(8, 6))

    def function(m):
        return np.prod(m, axis=1, keepdims=True)

    first, again, other = (_values(function, rows, background, seed)[0] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_of_many_columns_those_that_matter_are_found_and_the_calls_stay_few():
    rng = np.random.default_rng(3)
    weights = np.zeros(2000)
    weights[[3, 500, 1999]] = [2.0, -1.0, 1.5]
    calls = []

    def function(m):
        calls.append(len(m))
        return (m @ weights + (m[:, 3] > 0) * m[:, 7])[:, None]

    rows, background = rng.normal(size=(12, 2000)), rng.normal(size=(16, 2000))
    values, base, outputs = _values(function, rows, background)
    assert sum(calls) < 12 * 16 * MOST_PLAYERS + 10_000
    assert values.sum(axis=1) == pytest.approx(outputs - base, abs=1e-12)
    exact = weights * (rows - background.mean(axis=0))
    assert values[:, [500, 1999], 0] == pytest.approx(exact[:, [500, 1999]], abs=1e-9)
    assert set(np.argsort(-np.abs(values[:, :, 0]).mean(axis=0))[:4]) == {3, 7, 500, 1999}
    assert len(np.unique(values[0, :, 0])) <= MOST_PLAYERS, "the others share what they do equally"
