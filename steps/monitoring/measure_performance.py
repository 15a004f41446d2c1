"""Step: the score on the labels that have arrived, and its estimate where they have not."""

from typing import Annotated

from zenml import step

from monitoring import performance as library
from monitoring.performance import Performance
from monitoring.reference import Reference
from monitoring.window import Window
from steps.caching import depends_on
from tabular.problem import Problem


@step(cache_policy=depends_on(__file__))
def measure_performance(window: Window, reference: Reference, problem: Problem) -> Annotated[Performance, "performance"]:
    """The measures of training's evaluation, beside the holdout's score."""
    return library.measure_performance(window, reference, problem.monitoring)
