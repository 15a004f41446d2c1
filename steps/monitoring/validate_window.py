"""Step: the training's expectations, held against the window."""

from typing import Annotated

from zenml import step

from steps.caching import depends_on
from switchyard.monitoring import expectations as library
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.validation import ValidationReport


@step(cache_policy=depends_on(__file__))
def validate_window(window: Window, reference: Reference, problem: Problem) -> Annotated[ValidationReport, "validation"]:
    """Great Expectations on the columns that the window has."""
    return library.validate_window(window, reference, problem.monitoring)
