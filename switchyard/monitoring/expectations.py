"""The training's expectations, held against a window."""

from __future__ import annotations

from dataclasses import replace

from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.validation import ExpectationResult, ValidationReport, validate

_KNOWN = "the training's own rows fail it too"


def validate_window(window: Window, reference: Reference) -> ValidationReport:
    """Great Expectations on the columns that the window has; nothing is expected of labels, which come later.

    What the rows of training and holdout fail together is no news: the model went into production with it. Such a failure
    stays in the report as a warning. (The suite is inferred from the training part alone, and a holdout that is the
    future may be beyond it.)
    """
    what = in_words(window.facts_)
    if window.rows.empty:
        return ValidationReport(suite=reference.suite.name, what=what, rows=0, results=(), details={})
    columns = list(window.rows.columns)
    report = validate(window.rows, reference.suite, what, target=False, columns=columns)
    failed = {(result.type, result.column) for result in report.failed}
    if not failed:
        return report
    again = replace(
        reference.suite,
        expectations=tuple(item for item in reference.suite.expectations if (item["type"], item["kwargs"].get("column")) in failed),
    )
    before = validate(reference.rows, again, "reference", target=False, columns=columns)
    known = {(result.type, result.column) for result in before.failed}
    return report.model_copy(update={"results": tuple(_softened(result, known) for result in report.results)})


def _softened(result: ExpectationResult, known: set[tuple[str, str | None]]) -> ExpectationResult:
    if result.success or (result.type, result.column) not in known:
        return result
    return result.model_copy(update={"severity": "warning", "observed": f"{result.observed}; {_KNOWN}"})
