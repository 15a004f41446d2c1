"""The training's expectations, held against a window."""

from __future__ import annotations

from dataclasses import replace

from switchyard.monitoring.reference import Reference
from switchyard.monitoring.twosample import more_often
from switchyard.monitoring.window import Window, in_words
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.validation import ExpectationResult, ValidationReport, validate

_KNOWN = "the training's own rows fail it too"
_CHANCE = "with so few rows that may be chance"


def validate_window(window: Window, reference: Reference, settings: Monitoring | None = None) -> ValidationReport:
    """Great Expectations on the columns that the window has; nothing is expected of labels, which come later.

    What the rows of training and holdout fail together is no news: the model went into production with it. Such a failure
    stays in the report as a warning. (The suite is inferred from the training part alone, and a holdout that is the
    future may be beyond it.) Nor is it one that so few rows may fail by chance (`Monitoring.p_at_once`).
    """
    what = in_words(window.facts)
    if window.rows.empty or not reference.suite.expectations:
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
    limit = (settings or Monitoring()).p_at_once / len(report.results)
    now, then = _unexpected(report), _unexpected(before)
    results = []
    for result in report.results:
        key = (result.type, result.column)
        if result.success:
            results.append(result)
        elif key in known:
            results.append(_softened(result, _KNOWN))
        elif key in now and key in then and more_often(*now[key], *then[key]) >= limit:
            results.append(_softened(result, _CHANCE))
        else:
            results.append(result)
    return report.model_copy(update={"results": tuple(results)})


def _softened(result: ExpectationResult, why: str) -> ExpectationResult:
    return result.model_copy(update={"severity": "warning", "observed": f"{result.observed}; {why}"})


def _unexpected(report: ValidationReport) -> dict[tuple[str, str | None], tuple[int, int]]:
    """Expectation -> how many values were not as expected, and of how many; of those about single values."""
    found = {}
    for result, raw in zip(report.results, report.details["results"], strict=True):
        counts = raw["result"]
        if "unexpected_count" in counts and "element_count" in counts:
            found[result.type, result.column] = (int(counts["unexpected_count"]), int(counts["element_count"]))
    return found
