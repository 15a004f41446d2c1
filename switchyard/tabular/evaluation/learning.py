"""What more rows are worth: the holdout score of a library's defaults by how many of the training rows it learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.baselines import DEFAULTS, fit_baselines
from switchyard.tabular.evaluation.names import NAMES, name_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Draws, Estimate
from switchyard.tabular.report.curves import Curve, Line
from switchyard.tabular.report.report import Section
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import Split

_SHARES = (0.125, 0.25, 0.5)
_FEWEST, _MOST = 100, 200_000
"""Rows of a part below which the defaults learn hardly anything; training rows above which the fits take longer than they tell."""


class Learning(BaseModel):
    """The score by training rows, and what the last doubling of them brought."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    rows: tuple[int, ...]
    scores: tuple[float | None, ...]
    gain: Estimate
    """From half of the rows to all, positive where more are better, paired on the resamples of the holdout."""

    def section(self) -> Section:
        """The section of a report that shows it."""
        known = [(rows, score) for rows, score in zip(self.rows, self.scores) if score is not None]
        line = Line(label=name_of(DEFAULTS), x=tuple(rows for rows, _ in known), y=tuple(score for _, score in known))
        curve = Curve(title="Score by training rows", x="training rows", y=NAMES[self.metric], lines=(line,))
        return Section("What more rows are worth", self.sentence, curve.draw())

    @property
    def sentence(self) -> str:
        """What the last doubling brought, and what follows."""
        half, whole = self.rows[-2:]
        score = f"{NAMES[self.metric]} of {name_of(DEFAULTS)}"
        found = f"{score} is {self.gain.as_gain()} with all {whole:,} training rows than with {half:,}"
        if self.gain.low is not None and self.gain.low > 0:
            return f"{found}. Where such rows can be had, as many again are likely to help too."
        return f"{found}, which may be chance: columns that say more are likely to help before more such rows do."


def learn_in_part(split: Split, columns: tuple[Column, ...], problem: Problem, classes: tuple[str, ...]) -> dict[int, Predictions]:
    """Answers for the holdout of the library's defaults, by how many of the training rows they were fitted to, fewest first.

    Each part is drawn at random from the next larger one. Left out are parts that would be too small to learn from, or that miss
    a class; of hundreds of thousands of rows all.
    """
    if len(split.train) > _MOST:
        return {}
    order = np.random.default_rng(problem.tuning.seed).permutation(len(split.train))
    found = {}
    for share in _SHARES:
        rows = int(share * len(order))
        train = split.train.iloc[np.sort(order[:rows])].reset_index(drop=True)
        if rows < _FEWEST or (classes and train[problem.data.target].nunique() < len(classes)):
            continue
        part = fit_baselines(replace(split, train=train), columns, problem, classes)
        if DEFAULTS in part.predictions:
            found[rows] = part.predictions[DEFAULTS]
    return found


def learning_of(metric: str, sign: float, draws: Mapping[int, Draws], confidence: float) -> Learning:
    """The curve of `metric` from its draws by training rows, fewest first, two sizes or more; `sign` is -1 where less is better."""
    *_, half, whole = draws.values()
    scores = tuple(drawn.value if np.isfinite(drawn.value) else None for drawn in draws.values())
    return Learning(metric=metric, rows=tuple(draws), scores=scores, gain=(whole - half).scaled(sign).estimate(confidence))
