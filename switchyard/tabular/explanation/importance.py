"""Global importance: the mean absolute Shapley value of each column, how stable it is, and which way it points."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.explanation.coding import Coding

_CLEAR = 0.3
"""Rank correlation from which on a number is said to raise or lower the output."""
_FEWEST = 5
"""Rows a category needs to be named."""


class Importance(BaseModel):
    """One column's weight in the model's answers, in units of the output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    mean_abs: float
    """Mean over explained rows of |SHAP|; of several classes, their mean."""
    low: float
    high: float
    """Bootstrap interval over the explained rows."""
    rank: int
    rank_low: int
    rank_high: int
    """Best and worst rank in the same interval; 1 is the most important."""
    direction: str
    """In words; empty where there is none, or several classes have different ones."""


def importances(
    values: np.ndarray, coded: np.ndarray, coding: Coding, resamples: int, confidence: float, seed: int
) -> tuple[Importance, ...]:
    """All columns, most important first.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns, n_outputs)
        Shapley values.
    coded : ndarray of shape (n_rows, n_columns)
        The rows they explain.
    coding : Coding
    resamples, confidence, seed
        Of the bootstrap over rows.
    """
    size = np.abs(values).mean(axis=2)
    mean = size.mean(axis=0)
    counts = np.random.default_rng(seed).multinomial(len(size), np.full(len(size), 1 / len(size)), size=resamples)
    drawn = counts @ size / len(size)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(drawn, tails, axis=0)
    rank_low, rank_high = np.quantile(_ranks(drawn), tails, axis=0, method="nearest")
    rank = _ranks(mean[None])[0]
    found = [
        Importance(
            column=name,
            mean_abs=float(mean[k]),
            low=float(low[k]),
            high=float(high[k]),
            rank=int(rank[k]),
            rank_low=int(rank_low[k]),
            rank_high=int(rank_high[k]),
            direction=_direction(values[:, k, 0], coded[:, k], k, coding) if values.shape[2] == 1 else "",
        )
        for k, name in enumerate(coding.names)
    ]
    return tuple(sorted(found, key=lambda part: part.rank))


def _ranks(sizes: np.ndarray) -> np.ndarray:
    # 1 for the largest of each line; equal ones keep the columns' order.
    ranks = np.empty(sizes.shape, dtype=int)
    np.put_along_axis(ranks, np.argsort(-sizes, axis=1, kind="stable"), np.arange(1, sizes.shape[1] + 1)[None], axis=1)
    return ranks


def _direction(values: np.ndarray, coded: np.ndarray, position: int, coding: Coding) -> str:
    if not np.any(np.abs(values) > 1e-12):
        return "no effect on these rows"
    if coding.columns[position].name in coding.categories:
        means = pd.Series(values).groupby(coded).agg(["mean", "size"])
        means = means[means["size"] >= _FEWEST]["mean"]
        if len(means) < 2:
            return ""
        return f"highest for {coding.shown(position, means.idxmax())}, lowest for {coding.shown(position, means.idxmin())}"
    rank = pd.Series(coded).rank().corr(pd.Series(values).rank())
    if not np.isfinite(rank):
        return ""
    return "rises with the value" if rank > _CLEAR else "falls with the value" if rank < -_CLEAR else "rises and falls"


def agreement(values: np.ndarray) -> float:
    """Rank correlation of the importances from two halves of the background: 1 when the sampling adds no doubt.

    `values` is of shape (2, n_rows, n_columns, n_outputs).
    """
    if values.shape[2] < 2:
        return 1.0
    first, second = (pd.Series(np.abs(part).mean(axis=(0, 2))).rank() for part in values)
    correlation = first.corr(second)
    return float(correlation) if np.isfinite(correlation) else 1.0
