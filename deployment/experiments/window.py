"""Reads what the prediction log holds of two versions of a model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from deployment.predictions import prediction_log
from registry.versions import Registered
from switchyard.bundle import Signature
from switchyard.monitoring.experiment.losses import Measure, measure_for
from switchyard.monitoring.experiment.observations import Observations, business_value, observe
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.tasks import kind_of

if TYPE_CHECKING:
    import pandas as pd


def signature_of(release: Registered) -> Signature:
    """What the answers of a version mean."""
    return release.opened.signature


def measure_of(problem: Problem, release: Registered) -> Measure:
    """What an experiment with this version goes by."""
    return measure_for(signature_of(release).task, problem.experiment.metric, problem.metric)


def read_observations(
    problem: Problem, release: Registered, versions: tuple[str, str], since: datetime, until: datetime, most: int | None = None
) -> tuple[Observations, timedelta]:
    """Both versions' predictions with their labels, and the time that they cover.

    Parameters
    ----------
    problem : Problem
    release : Registered
        Whose signature says what classes there are.
    versions : (str, str)
        Candidate and champion.
    since, until : datetime
    most : int, optional
        Rows to read at most, the oldest first; all by default.

    Raises
    ------
    InputError
        A business value is asked for where requests have no columns.
    """
    from switchyard.predictionlog import read_window

    signature = signature_of(release)
    columns = kind_of(signature.task).columns
    rail, span = problem.experiment.guardrails.business, _Span()
    if rail and not columns:
        raise InputError(
            f"experiment.guardrails.business: requests for a {signature.task} hold no numbers to make {rail.value!r} of; leave it out"
        )
    value = business_value(rail.value, signature.classes, signature.positive_class) if rail else None
    chunk = 10_000
    with prediction_log(problem.name) as engine:
        frames = read_window(engine, since, until, model=problem.name, chunk=chunk, spread=columns)
        frames = islice(frames, None if most is None else max(1, most // chunk))
        measure = measure_of(problem, release)
        found = observe(span.over(frames), versions, measure, signature.classes, signature.positive_class, value)
    return found, span.covered()


class _Span:
    """Remembers from when to when the rows are that pass."""

    def __init__(self) -> None:
        self.first: datetime | None = None
        self.last: datetime | None = None

    def over(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            self.first = self.first or frame["time"].iloc[0].to_pydatetime()
            self.last = frame["time"].iloc[-1].to_pydatetime()
            yield frame

    def covered(self) -> timedelta:
        """The time from the first row to the last."""
        return self.last - self.first if self.first and self.last else timedelta(0)
