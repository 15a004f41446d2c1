"""How good quantiles are: their pinball loss, and how many outcomes lie below each and within each band of two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from switchyard.tabular.evaluation.intervals import BELOW, PINBALL, WITHIN
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Estimate


def bands_of(levels: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """The lowest level with the highest, the second with the last but one, and so on."""
    return tuple(zip(levels[: len(levels) // 2], reversed(levels)))


def within(low: float, high: float) -> str:
    """The score of a band."""
    return f"{WITHIN}{low:g}_{high:g}"


def quantile_columns(truth: np.ndarray, predictions: Predictions) -> dict[str, np.ndarray]:
    """Score -> what each row adds to its mean, of shape (n,); empty without quantiles.

    `pinball` is the mean over all levels (units of the target), `pinball_0.9` that of one; `below_0.9` is the share of outcomes
    not above that quantile, which should be 0.9, and `within_0.1_0.9` that of outcomes in the band, which should be 0.8.
    """
    if predictions.quantiles is None:
        return {}
    by_level = dict(zip(predictions.levels, predictions.quantiles.T))
    losses = {level: np.maximum(level * (truth - values), (level - 1) * (truth - values)) for level, values in by_level.items()}
    bands = {
        within(low, high): ((by_level[low] <= truth) & (truth <= by_level[high])).astype("float64")
        for low, high in bands_of(predictions.levels)
    }
    return {
        PINBALL: np.mean(list(losses.values()), axis=0),
        **{f"{PINBALL}_{level:g}": loss for level, loss in losses.items()},
        **{f"{BELOW}{level:g}": (truth <= values).astype("float64") for level, values in by_level.items()},
        **bands,
    }


def band_sentences(scores: Mapping[str, Estimate]) -> tuple[str, ...]:
    """A sentence for each band: how many outcomes lay within, beside what it was made for, and whether that is clearly less."""
    said = []
    for name, held in scores.items():
        if not name.startswith(WITHIN) or held.value is None:
            continue
        low, high = map(float, name.removeprefix(WITHIN).split("_"))
        less = " That is clearly less." if held.high is not None and held.high < high - low else ""
        said.append(f"Quantiles {low:g} to {high:g} hold {held} of the outcomes; they were made to hold {high - low:.4g}.{less}")
    return tuple(said)
