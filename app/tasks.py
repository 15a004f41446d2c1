"""What commands ask of a task before they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Problem


def refuse_without_labels(problem: Problem, what: str) -> None:
    """Stop a command that works by labels, where the task predicts no column, so that none can come.

    Raises
    ------
    InputError
    """
    from switchyard.tabular.tasks import kind_of

    if not kind_of(problem.task).labels:
        raise InputError(
            f"{what} goes by labels that come later, and a {problem.task} has none; --pipeline retraining trains {problem.name!r} again"
        )
