"""Step: find the groups of a table that has no target."""

import logging
from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.clustering import finding as library
from switchyard.tabular.clustering.groups import Groups
from switchyard.tabular.clustering.succession import GroupsBefore
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.table import Table

logger = logging.getLogger(__name__)


@step(cache_policy=depends_on(__file__))
def find_groups(
    table: Table, problem: Problem, before: GroupsBefore
) -> tuple[Annotated[Table, "grouped"], Annotated[Problem, "settled"], Annotated[Groups, "groups"]]:
    """The table with the group of each row as its target, the problem of giving them to new rows, and what makes each group itself."""
    grouped, settled, groups = library.find_groups(table, problem, before)
    if before.note:
        logger.warning(before.note)
    logger.info(groups.sentence)
    return grouped, settled, groups
