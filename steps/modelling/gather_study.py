"""Step: one study from what the workers of a family found."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tuning import study as library
from switchyard.tabular.tuning.study import Study


@step(cache_policy=depends_on(__file__))
def gather_study(studies: list[Study], problem: Problem) -> Annotated[Study, "study"]:
    """All trials of the search, each once, with the predictions of the best; `problem` brings the plugin that a metric may be of."""
    return library.merged(studies)
