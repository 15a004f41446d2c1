"""MLflow asked so that an outage is never taken for "there is none"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line

_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""MLflow's words for a model or version, and for an alias, that is not there."""


class RegistryError(SwitchyardError):
    """The registry can't be asked."""


def unless_absent(ask: Callable[[], Any]) -> Any:
    """What MLflow answers; None where it holds no such model, version or alias.

    Raises
    ------
    RegistryError
        It did not answer: that nobody is champion must never follow from an outage.
    """
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code in _ABSENT:
            return None
        raise no_answer(error) from error


def ask_registry(ask: Callable[[], Any]) -> Any:
    """What MLflow answers.

    Raises
    ------
    RegistryError
        It did not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        raise no_answer(error) from error


def no_answer(error: Exception) -> RegistryError:
    """What is raised where MLflow failed."""
    return RegistryError(f"the model registry did not answer, run the same command again when it does: {first_line(error)}")


def is_away(error: Any) -> bool:
    """Whether MLflow failed for want of an answer, not for what it was asked."""
    return error.error_code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
