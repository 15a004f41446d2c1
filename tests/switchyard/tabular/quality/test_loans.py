"""The embedded loans, read as the pipeline reads them: honest they pass, and each leak they can plant is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from switchyard.tabular.config.problem import Problem, problem_from, read_settings
from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.reading.loans import LEAKS
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import Split, split_table
from switchyard.tabular.validation import infer_suite, validate

CONFIG = Path(__file__).parents[4] / "configs" / "loans.yaml"
CAUGHT = {"target_copy": ("target_leakage", "stop"), "future": ("future_column", "stop"), "id": ("id_column", "drop")}


def loans(options: str = "") -> tuple[Split, Problem]:
    settings = read_settings(CONFIG)
    settings["data"]["source"] = f"builtin:loans{options}"
    asked = problem_from(settings, "test")
    table, problem, _ = resolve(read_source(asked.data), asked)
    return split_table(table, problem), problem


def test_honest_loans_pass():
    split, problem = loans()
    report = check_quality(split, problem)
    assert report.stops == () and report.dropped == {}
    # People come back: the holdout of a time split knows some of them.
    assert [(finding.check, finding.column) for finding in report.findings] == [("split_overlap", "applicant_id")]
    assert validate(split.holdout, infer_suite(split, problem)).failed == ()


@pytest.mark.parametrize("leak", LEAKS)
def test_each_planted_leak_is_caught(leak):
    report = check_quality(*loans(f"?leaks={leak}"))
    check, action = CAUGHT[leak]
    caught = [(finding.column, finding.action) for finding in report.findings if finding.check == check]
    assert caught == [(LEAKS[leak], action)]


def test_the_drift_of_later_months_fails_the_suite_of_earlier_ones():
    split, problem = loans()
    later, _ = loans("?months=24-29&rows=1500")
    failed = {result.column for result in validate(later.train, infer_suite(split, problem), "new data").failed}
    assert "purpose" in failed
