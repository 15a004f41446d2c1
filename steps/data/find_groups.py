"""Step: find the groups of a table that has no target."""

import logging
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.clustering import finding as library
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.table import Table

logger = logging.getLogger(__name__)


@step(cache_policy=depends_on(__file__))
def find_groups(table: Table, problem: Problem) -> tuple[Annotated[Table, "grouped"], Annotated[Groups, "groups"]]:
    """The table with the group of each row as its target, and what makes each group itself."""
    grouped, groups = library.find_groups(table, problem)
    logger.info(groups.sentence)
    return grouped, groups
