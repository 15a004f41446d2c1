"""Validation with Great Expectations: a suite inferred once from the training part, editable, then run as a gate.

`infer_suite` or `load_or_infer` -> `Suite` (expectations.json) -> `validate` -> `ValidationReport` -> `raise_if_failed`,
`html` for the dashboard and `data_docs` for the site that Great Expectations itself renders.
"""

from switchyard.tabular.validation.docs import data_docs
from switchyard.tabular.validation.infer import infer_suite, load_or_infer
from switchyard.tabular.validation.report import ExpectationResult, ValidationReport
from switchyard.tabular.validation.run import validate
from switchyard.tabular.validation.suite import Suite

__all__ = ["ExpectationResult", "Suite", "ValidationReport", "data_docs", "infer_suite", "load_or_infer", "validate"]
