"""Step: who is champion now, and what its clients send."""

from typing import Annotated

from zenml import step

from registry.versions import CHAMPION, Registered, find_alias
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.export.terms import Terms, terms_of
from switchyard.tabular.features.plan import FeaturePlan


@step(enable_cache=False)
def find_champion(plan: FeaturePlan, problem: Problem) -> tuple[Annotated[Registered, "champion"], Annotated[Terms, "terms"]]:
    """The champion's version, bundle and evaluated twin from the registry, or nobody, and the terms that a successor takes over.

    Never cached, since the registry changes by itself. What follows from the terms is cached where a new champion's are the same.
    """
    champion = find_alias(problem.name, CHAMPION, with_twin=True)
    return champion, terms_of(plan.used, problem, champion.signature)
