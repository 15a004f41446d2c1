"""Step: which version is in production, and what its windows are held against."""

from typing import Annotated

from zenml import step

from registry.reference import find_reference
from registry.versions import CHAMPION, Registered, find_alias
from switchyard.monitoring.reference import Reference
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError


@step(enable_cache=False)
def find_production(problem: Problem) -> tuple[Annotated[Registered, "production"], Annotated[Reference, "reference"]]:
    """The champion with its bundle, and its reference; never cached, since the registry changes by itself."""
    champion = find_alias(problem.name, CHAMPION)
    if champion.version is None:
        raise InputError(f"no version of {problem.name!r} is in production; run: python run.py --pipeline deployment")
    return champion, find_reference(problem.name, champion.version)
