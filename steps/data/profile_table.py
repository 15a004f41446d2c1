"""Steps: look at the table, in short for the dashboard and in full as a page of its own."""

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from steps.caching import depends_on
from switchyard.tabular import profile as library
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.profile import Profile
from switchyard.tabular.tables.table import Table


@step(cache_policy=depends_on(__file__))
def profile_table(table: Table, problem: Problem) -> Annotated[Profile, "profile"]:
    """Distributions, missing values, outliers, correlations."""
    return library.profile_table(table, problem)


@step(cache_policy=depends_on(__file__), enable_artifact_visualization=False)
def profile_in_full(table: Table, profile: Profile) -> Annotated[HTMLString, "full_profile"]:
    """The profiler's whole page; it needs scripts, so the dashboard cannot show it: run.py writes it to a file."""
    return HTMLString(library.full_profile(table.frame, columns=[column.name for column in profile.of_interest(library.MOST_COLUMNS)]))
