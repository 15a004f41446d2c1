"""Step: drift of columns, answers and labels."""

from typing import Annotated

from zenml import step

from registry.versions import Registered
from steps.caching import depends_on
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.measuring import drift_of
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem


@step(cache_policy=depends_on(__file__))
def measure_drift(window: Window, reference: Reference, production: Registered, problem: Problem) -> Annotated[DriftReport, "drift"]:
    """Evidently on every column, weighed by what the column means to the model; of a recommendation on what was shown and taken."""
    return drift_of(window, reference, problem.monitoring, production.scorer())
