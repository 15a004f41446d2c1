"""Step: set the holdout apart."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from tabular import split as library
from tabular.problem import Problem
from tabular.split import Split
from tabular.table import Table


@step(cache_policy=depends_on(__file__))
def split_table(table: Table, problem: Problem) -> Annotated[Split, "split"]:
    """Train and holdout, by hash, time or group."""
    return library.split_table(table, problem)
