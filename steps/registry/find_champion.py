"""Step: who is champion now."""

from typing import Annotated

from zenml import step

from registry.versions import CHAMPION, Registered, find_alias
from switchyard.tabular.config.problem import Problem


@step(enable_cache=False)
def find_champion(problem: Problem) -> Annotated[Registered, "champion"]:
    """The champion's version and bundle from the registry, or nobody; never cached, since the registry changes by itself."""
    return find_alias(problem.name, CHAMPION)
