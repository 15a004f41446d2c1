"""Quantiles around out-of-fold predictions."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from switchyard.bundle import Quantiles
from switchyard.tabular.evaluation import Predictions
from switchyard.tabular.evaluation.measures import RegressionScores
from switchyard.tabular.evaluation.quantiles import band_sentences, bands_of
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.model.quantiles import quantiles_around

LEVELS = (0.05, 0.1, 0.5, 0.9)


def growing(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, and outcomes that lie the farther around them the larger they are."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(1, 10, rows)
    return predicted, predicted * (1 + 0.3 * rng.normal(size=rows))


def test_each_level_holds_its_share_where_predictions_are_small_and_where_they_are_large():
    found = quantiles_around(*growing(4000, 0), LEVELS)
    predicted, truth = growing(20_000, 1)
    below = truth[:, None] <= found.values(predicted)

    for rows in (predicted < 3, predicted > 8):
        assert below[rows].mean(axis=0) == pytest.approx(LEVELS, abs=0.03)


def test_quantiles_never_cross_and_counts_have_none_below_zero():
    rng = np.random.default_rng(0)
    found = quantiles_around(rng.normal(size=300), rng.normal(size=300) * 5, LEVELS, floor=0.0)
    values = found.values(np.linspace(-50, 50, 1001))

    assert (np.diff(values, axis=1) >= 0).all() and values.min() == 0.0


def test_rows_that_weigh_count_as_that_many_and_unknown_predictions_do_not():
    predicted, truth = growing(1500, 2)
    counts = np.random.default_rng(3).integers(0, 3, 1500)
    often = quantiles_around(np.repeat(predicted, counts), np.repeat(truth, counts), (0.5,))
    weighed = quantiles_around(predicted, truth, (0.5,), weights=counts.astype(float))

    at = np.linspace(2, 9, 20)
    np.testing.assert_allclose(often.values(at), weighed.values(at), atol=0.35)
    gaps = quantiles_around(np.append(predicted, np.nan), np.append(truth, 1e9), LEVELS)
    assert gaps == quantiles_around(predicted, truth, LEVELS)


def test_few_rows_and_equal_predictions_have_one_place():
    few = quantiles_around(np.zeros(30), np.arange(30.0), (0.1, 0.9))
    many = quantiles_around(np.zeros(1000), np.arange(1000.0), (0.1, 0.9))

    assert few.at == many.at == (0.0,) and few.offsets == ((3.0, 27.0),)


def test_what_is_kept_of_them_reads_back():
    found = quantiles_around(*growing(500, 0), LEVELS)
    assert Quantiles.of(json.loads(json.dumps(asdict(found)))) == found
    assert found.names == ("0.05", "0.1", "0.5", "0.9")


def test_scores_are_the_pinball_loss_and_the_shares_below_and_within():
    truth = np.array([0.0, 1.0, 2.0, 3.0])
    quantiles = np.array([[0.5, 2.5]] * 4)
    scores = RegressionScores(truth, Predictions(values=np.ones(4), quantiles=quantiles, levels=(0.25, 0.75)))
    found = {name: values[0] for name, values in scores(np.ones((1, 4))).items()}
    from sklearn.metrics import mean_pinball_loss

    assert (found["below_0.25"], found["below_0.75"], found["within_0.25_0.75"]) == (0.25, 0.75, 0.5)
    assert found["pinball_0.25"] == pytest.approx(mean_pinball_loss(truth, quantiles[:, 0], alpha=0.25))
    assert found["pinball"] == pytest.approx((found["pinball_0.25"] + found["pinball_0.75"]) / 2)
    assert bands_of(LEVELS) == ((0.05, 0.9), (0.1, 0.5)) and bands_of((0.5,)) == ()


def test_a_band_that_holds_clearly_less_than_it_was_made_for_says_so():
    said = band_sentences({"within_0.1_0.9": Estimate(value=0.6, low=0.55, high=0.65), "rmse": Estimate(value=1.0)})
    assert len(said) == 1 and "made to hold 0.8. That is clearly less." in said[0]
