"""Step: the version that scores."""

from typing import Annotated

from zenml import step

from registry.production import find_version
from registry.versions import CHAMPION, Registered, find_alias
from steps.inference.order import ScoringOrder
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError


@step(enable_cache=False)
def pick_production(problem: Problem, order: ScoringOrder) -> Annotated[Registered, "release"]:
    """The version in production, or the one asked for, with its bundle; from the registry as it is now, never cached."""
    if order.version is not None:
        return find_version(problem.name, order.version)
    champion = find_alias(problem.name, CHAMPION)
    if champion.version is None:
        way_out = "deploy one (python run.py --pipeline deployment), or name a registered one with --version"
        raise InputError(f"no version of {problem.name!r} is in production yet; {way_out}")
    return champion
