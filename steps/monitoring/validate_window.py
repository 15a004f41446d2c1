"""Step: the training's expectations, held against the window."""

from typing import Annotated

from zenml import step

from monitoring.reference import Reference
from monitoring.window import Window, in_words
from steps.caching import depends_on
from tabular.validation import ValidationReport, validate


@step(cache_policy=depends_on(__file__))
def validate_window(window: Window, reference: Reference) -> Annotated[ValidationReport, "validation"]:
    """Great Expectations on the columns that the window has; nothing is expected of labels, which come later."""
    if window.rows.empty:
        return ValidationReport(suite=reference.suite.name, what=in_words(window.facts_), rows=0, results=(), details={})
    return validate(window.rows, reference.suite, in_words(window.facts_), target=False, columns=window.rows.columns)
