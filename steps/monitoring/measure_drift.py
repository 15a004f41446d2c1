"""Step: drift of columns, answers and labels."""

from typing import Annotated

from zenml import step

from monitoring import drift as library
from monitoring.drift import DriftReport
from monitoring.reference import Reference
from monitoring.window import Window
from stacks.registry import Registered
from steps.caching import depends_on
from tabular.problem import Problem


@step(cache_policy=depends_on(__file__))
def measure_drift(window: Window, reference: Reference, production: Registered, problem: Problem) -> Annotated[DriftReport, "drift"]:
    """Evidently on every column, weighed by what the column means to the model."""
    return library.measure_drift(window, reference, problem.monitoring, production.scorer())
