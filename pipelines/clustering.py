"""Training of a clustering: groups are found, and a model that gives them to new rows goes the way of any other."""

from __future__ import annotations

from zenml import pipeline

from pipelines.training import learn
from steps.data.find_groups import find_groups
from steps.data.load_table import load_table
from steps.registry.find_groups_before import find_groups_before
from switchyard.tabular.config.problem import Problem


@pipeline(name="clustering")
def clustering(problem: Problem, location: str, edited_suite: str, fresh: str = "", parallel: int = 1, workers: int = 1) -> None:
    """From a table without a target to a registered, explained, documented model of its groups.

    Parameters
    ----------
    problem, location, edited_suite, fresh, parallel, workers
        As of `pipelines.training.training`.
    """
    table, resolved, rest = load_table(problem, location)
    before = find_groups_before(table, resolved)
    grouped, settled, groups = find_groups(table, resolved, before)
    learn(problem, grouped, settled, rest, edited_suite, fresh, parallel, workers, groups=groups)
