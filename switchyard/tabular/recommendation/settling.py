"""`settle`: from the tables of a recommendation as read to its interactions, and a `Problem` with nothing left open."""

from __future__ import annotations

from dataclasses import replace

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.fitting import interactions_in
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.tables.reading.source import RawTable

HOLDOUT = 0.2


def settle(
    table: RawTable, items: RawTable | None, problem: Problem, users: RawTable | None = None
) -> tuple[Interactions, Problem, tuple[str, ...]]:
    """The interactions of `table` with what `items` and `users` say, the settled problem, and notes.

    Raises
    ------
    InputError
        When the config names columns that are not there, or the tables can't be learnt from.
    """
    data = problem.data
    if problem.split.kind not in ("auto", "time"):
        raise InputError(f"split.kind: {problem.split.kind} does not suit a recommendation, which is split in time; leave it out")
    log, roles, notes = interactions_in(
        table.frame,
        None if items is None else items.frame,
        None if users is None else users.frame,
        (table.source, items.source if items else "", users.source if users else ""),
        user=data.user,
        item=data.item,
        time=None if data.time_column == "@row" else data.time_column,
        weight=data.weight,
    )
    named = {"user": roles.user, "item": roles.item, "time_column": roles.time or "@row", "weight": roles.weight, "target": roles.item}
    settled = problem.model_copy(
        update={
            "data": data.model_copy(update={**named, "entity_column": roles.user}),
            "metric": "ndcg_at_10",
            "split": problem.split.model_copy(update={"kind": "time", "holdout": holdout_of(problem)}),
        }
    )
    return replace(log, source=table.source, revision=table.revision), settled, (*table.notes, *notes)


def holdout_of(problem: Problem) -> float:
    """The share of the interactions, the last ones, that are held out: a fifth where nothing is said."""
    return HOLDOUT if problem.split.holdout == "auto" else float(problem.split.holdout)
