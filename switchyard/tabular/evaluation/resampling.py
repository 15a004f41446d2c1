"""Bootstrap by weights: every resample is a vector of row counts, every score a function of such weights.

All scores of all models see the same resamples in one pass, so differences between them are paired by
construction, and the memory stays bounded whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.intervals import Support, interval
from switchyard.tabular.report.words import shown
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.weights import weights_of

Scores = Callable[[np.ndarray], dict[str, np.ndarray]]
"""From weights of shape (n_resamples, n_rows) to named scores, each of shape (n_resamples,); NaN where undefined."""

_CELLS = 2_000_000
"""Weights held at a time: 16 MB of float64."""


class Estimate(BaseModel):
    """A score with its bootstrap interval; None where it is not defined on these rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        return shown(self.value) if self.low is None else f"{shown(self.value)} ({shown(self.low)} to {shown(self.high)})"

    def as_gain(self) -> str:
        """An improvement, positive where it is one, in words: "better by 0.1 (0.05 to 0.15)", "worse by ..."."""
        if self.value is None or self.value >= 0:
            return f"better by {self}"
        ends = [None if end is None else -end for end in (self.high, self.low)]
        return f"worse by {Estimate(value=-self.value, low=ends[0], high=ends[1])}"


@dataclass(frozen=True)
class Draws:
    """A score on the rows as they are and on every resample of them."""

    value: float
    draws: np.ndarray

    def __sub__(self, other: Draws) -> Draws:
        return Draws(self.value - other.value, self.draws - other.draws)

    def scaled(self, factor: float) -> Draws:
        """The same in other units, or with the other sign."""
        return Draws(factor * self.value, factor * self.draws)

    def estimate(self, confidence: float, name: str = "", support: Support | None = None) -> Estimate:
        """The value with its interval: that of the score `name` of so many rows, or of a difference, by percentiles.

        References
        ----------
        Efron & Tibshirani, *An Introduction to the Bootstrap*, 1993, ch. 13; for single scores `interval`.
        """
        if not np.isfinite(self.value):
            return Estimate(value=None)
        draws = self.draws[np.isfinite(self.draws)]
        if draws.size < 2:
            return Estimate(value=self.value)
        if support is not None:
            low, high = interval(name, self.value, draws, confidence, support)
        else:
            low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
        return Estimate(value=self.value, low=low, high=high)


@dataclass(frozen=True)
class Resampler:
    """Draws rows with replacement: one by one, or whole groups of rows that belong together.

    Not within classes: how many of a class a holdout has is chance as well, and an accuracy, a loss goes by it.

    Parameters
    ----------
    rows : int
    resamples : int
    seed : int
    groups : ndarray of int codes 0..n_groups-1, shape (rows,), optional
        Rows of one group come and go together (cluster bootstrap).
    weights : ndarray of shape (rows,), optional
        How much each row counts, in every resample as often as it is drawn.
    """

    rows: int
    resamples: int
    seed: int
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def all_rows(self) -> np.ndarray:
        """Weights of the rows as they are, of shape (1, rows)."""
        return np.ones((1, self.rows)) if self.weights is None else self.weights[None, :].astype("float64")

    def chunks(self) -> Iterator[np.ndarray]:
        """Weights of shape (n, rows), float64, until all resamples are drawn; the same for the same seed."""
        rng = np.random.default_rng(self.seed)
        n_units = self.rows if self.groups is None else int(self.groups.max()) + 1
        step = max(1, _CELLS // max(self.rows, 1))
        for start in range(0, self.resamples, step):
            n = min(step, self.resamples - start)
            counts = np.zeros((n, n_units))
            for line in counts:
                line[:] = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
            drawn = counts if self.groups is None else counts[:, self.groups]
            yield drawn if self.weights is None else drawn * self.weights


def resample(scores: Mapping[Hashable, Scores], resampler: Resampler) -> dict[Hashable, dict[str, Draws]]:
    """Every score of every item of `scores`, on all rows and on the same resamples.

    Returns
    -------
    dict
        item -> score name -> `Draws`.
    """
    values = {item: score(resampler.all_rows) for item, score in scores.items()}
    drawn: dict[Hashable, list[dict[str, np.ndarray]]] = {item: [] for item in scores}
    for weights in resampler.chunks():
        for item, score in scores.items():
            drawn[item].append(score(weights))
    return {
        item: {name: Draws(float(value[0]), np.concatenate([part[name] for part in drawn[item]])) for name, value in named.items()}
        for item, named in values.items()
    }


def holdout_resampler(split: Split, problem: Problem, truth: np.ndarray) -> tuple[Resampler, str]:
    """How the holdout is resampled, and that in words."""
    owner = (split.schema.group.name if split.kind == "group" and split.schema.group else None) or problem.data.entity_column
    settings: dict[str, Any] = {"rows": len(truth), "resamples": problem.evaluation.bootstrap, "seed": problem.tuning.seed}
    settings["weights"] = weights_of(split.holdout, split.schema)
    if owner is not None and owner in split.holdout and split.holdout[owner].duplicated().any():
        return Resampler(**settings, groups=pd.factorize(split.holdout[owner], use_na_sentinel=False)[0]), f"rows drawn by whole {owner}"
    return Resampler(**settings), "rows drawn one by one"
