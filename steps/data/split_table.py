"""Step: set the holdout apart."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables import split as library
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import Table


@step(cache_policy=depends_on(__file__))
def split_table(table: Table, problem: Problem) -> Annotated[Split, "split"]:
    """Train and holdout, by hash, time or group."""
    return library.split_table(table, problem)
