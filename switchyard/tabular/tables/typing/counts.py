"""`settle_objective`: which loss suits a target that counts something."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of

_MANY_ZEROS = 0.1
"""Share of zeros, from which on amounts that are not whole are sums of few, as claims are."""
_FEWEST = 5
"""Rows above zero: with fewer, folds are left that have none."""
_DEVIANCES = {"poisson": "poisson_deviance", "tweedie": "tweedie_deviance"}


def settle_objective(problem: Problem, values: np.ndarray, rows: np.ndarray) -> tuple[Problem, tuple[str, ...]]:
    """The problem with its objective settled, its metric by that where it was auto, and a note of it.

    Parameters
    ----------
    problem : Problem
    values : ndarray of shape (n,)
        Of the target.
    rows : ndarray of int of shape (n,)
        Their numbers in the table.

    Raises
    ------
    InputError
        Names the first row that is below zero, which is no count; or hardly any is above.
    """
    name, counted = problem.data.target, problem.metric in _DEVIANCES.values()
    if problem.objective == "auto" and not counted:
        return problem, ()
    below = values < 0
    if below.any():
        place = int(below.argmax())
        said = f"objective: {problem.objective}" if problem.objective != "auto" else f"metric: {problem.metric}"
        raise InputError(
            f"{said}: target {name!r} is {values[place]:g} in row {rows[place]}, and no count is below zero; mend it, or remove the key"
        )
    if problem.objective == "auto":
        return problem, ()
    above = int((values > 0).sum())
    if 0 < above < _FEWEST:
        raise InputError(
            f"objective: {problem.objective}: target {name!r} is above zero in {count_of(above, 'row')} of {len(values):,}; a count is "
            f"learnt from {_FEWEST} such rows at least: give more, or remove the key"
        )
    whole, zeros = bool((values == np.floor(values)).all()), float((values == 0).mean())
    objective, why = problem.objective, "set in the config"
    if objective == "count":
        objective = "tweedie" if not whole and zeros >= _MANY_ZEROS else "poisson"
        why = f"{'whole numbers' if whole else 'amounts'}, {zeros:.0%} of them zero"
    metric = _DEVIANCES[objective] if problem.metric == "auto" else problem.metric
    note = f"{name!r} is learnt as a count by the {objective.capitalize()} loss ({why}); no answer is below zero"
    return problem.model_copy(update={"objective": objective, "metric": metric}), (note,)
