"""`gather_rows`: what a retraining trains on, put together by what the task learns from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchyard.tabular.tasks import kind_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from switchyard.monitoring.retraining.rows import TrainingRows
    from switchyard.tabular.config.problem import Problem
    from switchyard.tabular.tables.reading.source import RawTable


_LARGE = (
    "a retraining puts the labelled rows of the prediction log beside those of a table that memory holds; add them to the table "
    "yourself and train on it, or raise training.in_memory where memory is enough"
)


def gather_rows(engine: Engine, problem: Problem, version: str) -> TrainingRows:
    """The rows of the model's source as it is now, and what the prediction log knows by its labels.

    Parameters
    ----------
    engine : Engine
        Of the prediction log.
    problem : Problem
        As the user gave it.
    version : str
        In production.

    Raises
    ------
    InputError
        The source is larger than memory, or as `resolve` and `labelled_predictions`.
    """
    from stacks.files import local_copy
    from switchyard.tabular.tables.large.load import read_whole

    with local_copy(problem.data.source) as source:
        raw = read_whole(problem, source, _LARGE)
    gather = _of_columns if kind_of(problem.task).columns else _of_interactions
    return gather(engine, raw, problem, version)


def _of_columns(engine: Engine, raw: RawTable, problem: Problem, version: str) -> TrainingRows:
    from registry.production import find_version
    from switchyard.monitoring.retraining.labelled import labelled_predictions
    from switchyard.monitoring.retraining.rows import put_together
    from switchyard.tabular.tables.reading.credentials import without_credentials
    from switchyard.tabular.tables.resolve import resolve

    old, resolved, _ = resolve(raw, problem)
    columns = find_version(problem.name, version).opened.signature.columns
    used, optional = (frozenset(column.name for column in columns if column.optional or every) for every in (True, False))
    new = labelled_predictions(engine, problem.name, old.schema, resolved, used, optional)
    return put_together(old, new, resolved, without_credentials(problem.data.source), problem.retraining.window_days)


def _of_interactions(engine: Engine, raw: RawTable, problem: Problem, version: str) -> TrainingRows:
    from switchyard.monitoring.retraining.interactions import taken_since, with_labels
    from switchyard.tabular.recommendation.settling import settle
    from switchyard.tabular.tables.reading.credentials import without_credentials

    log, settled, _ = settle(raw, None, problem)
    source = without_credentials(problem.data.source)
    return with_labels(log, taken_since(engine, problem.name), settled, source, problem.retraining.window_days)
