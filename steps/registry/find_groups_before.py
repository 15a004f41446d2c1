"""Step: into which groups the champion puts the rows of a table."""

from typing import Annotated

from zenml import step

from registry.versions import CHAMPION, find_alias
from switchyard.tabular.clustering.succession import GroupsBefore, groups_before
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.table import Table


@step(enable_cache=False)
def find_groups_before(table: Table, problem: Problem) -> Annotated[GroupsBefore, "groups_before"]:
    """The champion's groups of the rows, or nobody's.

    Never cached, since the registry changes by itself; what follows is cached where a new champion's groups are the same.
    """
    champion = find_alias(problem.name, CHAMPION)
    return groups_before(champion.version, champion.bundle, table.frame)
