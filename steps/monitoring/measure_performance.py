"""Step: the score on the labels that have arrived, and its estimate where they have not."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.monitoring.measuring import performance_of
from switchyard.monitoring.performance import Performance
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem


@step(cache_policy=depends_on(__file__))
def measure_performance(window: Window, reference: Reference, problem: Problem) -> Annotated[Performance, "performance"]:
    """The measures of training's evaluation, beside the holdout's score."""
    return performance_of(window, reference, problem.monitoring)
