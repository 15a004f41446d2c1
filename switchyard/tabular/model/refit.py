"""Fitting chosen candidates to all training rows: `Refit`."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import numpy as np
from sklearn.pipeline import Pipeline

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.base import Params
from switchyard.tabular.features.plan import FeaturePlan, training_rows
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.model.model import Member
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tuning.study import Candidate, Trial

logger = logging.getLogger(__name__)


def refit_params(family: str, trial: Trial, rows: int) -> Params:
    """The parameters of the fit on all rows, which has no validation rows to stop on.

    Boosting takes the mean of the folds' best rounds, more by the square root of what there are more rows. Nets take
    the mean of the epochs, which hold more steps by themselves, with a learning rate schedule of that length; forests
    take the trees they had.
    """
    found = [(best, rows / trained) for best, trained in zip(trial.best_iterations, trial.train_rows) if best is not None]
    if not found:
        return dict(trial.params)
    kind = FAMILIES[family]
    boosted = kind.stops_early and not kind.scheduled
    iterations = np.mean([best * min(ratio, 2.0) ** 0.5 if boosted else best for best, ratio in found])
    count = max(1, round(float(iterations)))
    return kind.with_iterations(trial.params, count)


class Refit:
    """Fits members to all training rows; members with the same preprocessing share one fit of it."""

    def __init__(self, split: Split, plan: FeaturePlan, problem: Problem, target: np.ndarray, n_classes: int, n_jobs: int):
        self._plan, self._problem, self._n_classes, self._n_jobs = plan, problem, n_classes, n_jobs
        kept = training_rows(split.train, plan, split.schema)
        self._rows = model_frame(kept, plan.used)
        self._target = target[kept.index.to_numpy()]
        self._prepared: dict[tuple, tuple[Pipeline, np.ndarray]] = {}

    def members(self, chosen: Sequence[tuple[str, Candidate]], end: float | None) -> list[Member]:
        """Fit the chosen (family, candidate) pairs.

        Parameters
        ----------
        end : float or None
            `time.monotonic` at which fitting and export should be through. A fit that would take longer ends early;
            the estimates made before should keep it from that.
        """
        members = []
        for number, (family, candidate) in enumerate(chosen):
            exports = sum(FAMILIES[name].export_s for name, _ in chosen)
            deadline = None if end is None else max(time.monotonic(), end - exports)
            began = time.monotonic()
            members.append(self._member(family, candidate.trial, deadline))
            logger.info("fitted %s (%d of %d) to all rows in %.1f s", family, number + 1, len(chosen), time.monotonic() - began)
            if deadline is not None and time.monotonic() > deadline:
                logger.warning("the fit of %s on all rows was cut short by the budget", family)
        return members

    def _member(self, family: str, trial: Trial, deadline: float | None) -> Member:
        kind = FAMILIES[family]
        preprocessor, features = self._prepare(kind.style, trial.choices)
        params = refit_params(family, trial, len(features))
        estimator = kind.build(
            task=self._problem.task,
            params=params,
            seed=self._problem.tuning.seed,
            n_classes=self._n_classes,
            n_jobs=self._n_jobs,
            categorical_sizes=preprocessor.categorical_sizes_,
        )
        estimator.fit(features, self._target, deadline=deadline)
        return Member(family, params, preprocessor, estimator)

    def _prepare(self, style: str, choices: dict[str, str]) -> tuple[Pipeline, np.ndarray]:
        key = (style, *sorted(choices.items()))
        if key not in self._prepared:
            preprocessor = build_preprocessor(self._plan, style, choices)
            features = np.asarray(preprocessor.fit_transform(self._rows, self._target), dtype="float32")
            self._prepared[key] = preprocessor, features
        return self._prepared[key]
