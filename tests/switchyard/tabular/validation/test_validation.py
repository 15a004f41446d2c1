"""The inferred suite keeps honest data and catches broken data; a person's edits are honoured."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.errors import GateClosed, InputError
from switchyard.tabular.tables.split import Split
from switchyard.tabular.validation import Suite, ValidationReport, data_docs, infer_suite, load_or_infer, validate
from tests.switchyard.tabular.tables_of_quality import customers, genes, houses, problem_for, split_of

PROBLEM = problem_for("churned")


@pytest.fixture(scope="module")
def split() -> Split:
    frame = customers().assign(client=lambda data: data.index.map("k{}".format))
    return split_of(frame, PROBLEM, {"client": "id"})


@pytest.fixture(scope="module")
def suite(split) -> Suite:
    return infer_suite(split, PROBLEM)


def failures(report: ValidationReport) -> set[tuple[str | None, str]]:
    return {(result.column, result.type.removeprefix("expect_").removeprefix("column_values_to_")) for result in report.failed}


def edited(suite: Suite, path: Path, change: Callable[[dict], None]) -> Path:
    whole = json.loads(suite.to_json())
    change(whole)
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", range(4))
def test_honest_holdouts_pass(seed):
    for frame, problem in ((customers(seed=seed), PROBLEM), (houses(seed=seed), problem_for("price", "regression"))):
        split = split_of(frame, problem)
        assert failures(validate(split.holdout, infer_suite(split, problem))) == set()


def test_a_later_holdout_passes():
    problem = problem_for("churned", data={"time_column": "joined"})
    split = split_of(customers(), problem, {"joined": "time"})
    assert validate(split.holdout, infer_suite(split, problem)).success


@pytest.mark.parametrize("name, target, task", [("adult", "income", "binary"), ("ames", "SalePrice", "regression")])
def test_real_holdouts_pass(request, name, target, task):
    problem = problem_for(target, task)
    split = split_of(request.getfixturevalue(name), problem)
    assert failures(validate(split.holdout, infer_suite(split, problem))) == set()


@pytest.mark.parametrize(
    "break_it, failed",
    [
        (
            lambda data: data.drop(columns="usage"),
            {("usage", "not_be_null"), ("usage", "be_between"), ("usage", "be_of_type"), (None, "table_columns_to_match_set")},
        ),
        (lambda data: data.assign(extra=1.0), {(None, "table_columns_to_match_set")}),
        (lambda data: data.assign(usage=data["usage"] * 100), {("usage", "be_between")}),
        (lambda data: data.assign(usage=np.nan), {("usage", "not_be_null")}),
        (lambda data: data.assign(plan="gold"), {("plan", "be_in_set")}),
        (lambda data: data.assign(mobile=2.0), {("mobile", "be_in_set")}),
        (lambda data: data.assign(joined=data["joined"] - pd.Timedelta(days=4000)), {("joined", "be_between")}),
        (lambda data: data.assign(client="k1"), {("client", "be_unique")}),
        (lambda data: data.assign(churned="maybe"), {("churned", "be_in_set")}),
        (lambda data: data.assign(spend=data["spend"].astype(str)), {("spend", "be_of_type"), ("spend", "be_between")}),
        (lambda data: data.head(0), {(None, "table_row_count_to_be_between")}),
    ],
)
def test_broken_data_fails_where_it_is_broken(split, suite, break_it, failed):
    report = validate(break_it(split.holdout), suite, "new data")
    assert failures(report) == failed and not report.success
    report.raise_if_failed("warn")
    with pytest.raises(GateClosed, match=r"validation gate: .* on the new data: .*quality\.validation: stop") as raised:
        report.raise_if_failed("stop")
    assert "\n" not in str(raised.value)


def test_failures_say_what_was_seen(split, suite):
    frame = split.holdout.copy()
    frame.loc[frame.index[:60], "plan"] = "gold"
    (result,) = validate(frame, suite).failed
    assert result.samples == ("gold",) and result.observed.startswith("60 of ") and "basic, plus, pro" in result.expected


def test_order_of_columns_and_rows_does_not_matter(split, suite):
    shuffled = split.holdout.sample(frac=1, random_state=0)[sorted(split.holdout.columns)]
    assert validate(shuffled, suite).success


def test_prediction_logs_need_no_target_and_may_hold_fewer_columns(split, suite):
    assert validate(split.holdout.drop(columns="churned"), suite, "prediction log", target=False).success
    few = split.holdout[["usage", "plan"]].assign(note="x")
    report = validate(few, suite, "prediction log", target=False, columns=["usage", "plan"])
    assert report.success and {result.column for result in report.results} == {None, "usage", "plan"}


def test_an_edited_suite_is_honoured(split, suite, tmp_path):
    def tighten(whole):
        for item in whole["expectations"]:
            if item["kwargs"].get("column") == "usage" and "max_value" in item["kwargs"]:
                item["kwargs"].update(max_value=10.0)
        whole["expectations"].append(
            {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "spend", "max_value": 1.0}, "severity": "warning"}
        )

    path = edited(suite, tmp_path / "test.expectations.json", tighten)
    changed = load_or_infer(split, PROBLEM, path)
    assert changed.metadata()["edited"] is True and load_or_infer(split, PROBLEM, tmp_path / "absent.json") == suite == load_or_infer(
        split, PROBLEM, None
    )
    report = validate(split.holdout, changed)
    assert failures(report) == {("usage", "be_between"), ("spend", "column_mean_to_be_between")}
    with pytest.raises(GateClosed) as raised:
        report.raise_if_failed("stop")
    assert "usage" in str(raised.value) and "spend" not in str(raised.value)


def test_an_expectation_of_severity_warning_closes_no_gate(split, suite, tmp_path):
    mild = {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "spend", "max_value": 1.0}, "severity": "warning"}
    path = edited(suite, tmp_path / "mild.json", lambda whole: whole.update(expectations=[mild]))
    report = validate(split.holdout, load_or_infer(split, PROBLEM, path))
    assert len(report.failed) == 1 and report.success
    report.raise_if_failed("stop")


@pytest.mark.parametrize(
    "item, said",
    [
        ({"type": "expect_magic", "kwargs": {}}, "there is no expectation 'expect_magic'"),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"colum": "usage"}}, "column field required"),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "usage", "mostly": 7}},
            "mostly ensure this value is less than or equal to 1",
        ),
        (
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "usage", "min_value": 9, "max_value": 1}},
            "min_value 9 is above max_value 1",
        ),
        (
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "usge"}},
            "'usge' is not a column of the table; did you mean 'usage'",
        ),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "usage"}, "mostly": 0.9}, "no such key 'mostly'"),
        ({"type": "expect_column_values_to_not_be_null"}, "needs 'type' (text) and 'kwargs' (a mapping)"),
        ({"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "usage"}, "severity": "fatal"}, "severity"),
        ("expect_column_values_to_not_be_null", "needs 'type' (text)"),
    ],
)
def test_wrong_edits_are_input_errors_that_name_the_place(split, suite, tmp_path, item, said):
    path = edited(suite, tmp_path / "wrong.json", lambda whole: whole["expectations"].insert(3, item))
    with pytest.raises(InputError) as raised:
        load_or_infer(split, PROBLEM, path)
    assert said in str(raised.value) and f"expectations {path}, number 4" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text, said",
    [
        ('{"name": "x",\n "expectations": [,]}', "not JSON: Expecting value in line 2"),
        ("[]", "list under 'expectations'"),
        ('{"expectations": {}}', "list under 'expectations'"),
        ('{"expectations": []}', "hold no expectation"),
        ('{"expectations": [], "meta": 3}', "meta must be a mapping"),
    ],
)
def test_files_that_are_no_suite_are_input_errors(tmp_path, text, said):
    path = tmp_path / "suite.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        Suite.from_file(path)


def test_suite_and_report_are_kept_and_shown(split, suite, tmp_path):
    broken = split.holdout.assign(usage=-1e6).drop(columns="plan")
    reports = [validate(broken, suite), validate(broken, suite)]
    for name, stored in (("a", reports[0]), ("b", reports[1]), ("c", suite), ("d", infer_suite(split, PROBLEM))):
        (tmp_path / name).mkdir()
        stored.write(tmp_path / name)
    assert (tmp_path / "a" / "object.json").read_bytes() == (tmp_path / "b" / "object.json").read_bytes()
    assert (tmp_path / "c" / "expectations.json").read_bytes() == (tmp_path / "d" / "expectations.json").read_bytes()
    assert Suite.read(tmp_path / "c") == suite == Suite.from_file(tmp_path / "c" / "expectations.json", split.train.columns)
    assert ValidationReport.read(tmp_path / "a") == reports[0]
    for page in (suite.html(), reports[0].html()):
        assert "<script" not in page and "usage" in page


def test_data_docs_are_written(split, suite, tmp_path):
    report = validate(split.holdout.assign(usage=-1e6).drop(columns="plan"), suite, "new data")
    index = data_docs(report, tmp_path / "docs")
    pages = [path.read_text(encoding="utf-8") for path in index.parent.rglob("*.html")]
    assert index.name == "index.html" and len(pages) == 3
    assert any("Failed" in page and "usage" in page for page in pages)
    assert sum(path.stat().st_size for path in index.parent.rglob("*")) < 500_000, "each training keeps a copy"


def test_forty_expectations_on_many_rows_are_fast_and_quiet(capfd):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"x{number}": rng.normal(size=100_000) for number in range(19)}).assign(
        label=rng.choice(["a", "b"], 100_000).astype(object)
    )
    problem = problem_for("label")
    split = split_of(frame, problem)
    suite = infer_suite(split, problem)
    validate(split.holdout.head(100), suite)
    started = time.process_time()
    report = validate(frame, suite)
    assert time.process_time() - started < 5 and report.success and len(report.results) > 40
    assert capfd.readouterr() == ("", "") and logging.getLogger("great_expectations").level == logging.WARNING


@pytest.mark.filterwarnings("ignore:DataFrame is highly fragmented")
def test_of_a_wide_table_the_columns_that_go_with_the_target_are_described_and_all_must_be_there():
    problem = problem_for("tissue")
    suite = infer_suite(split_of(genes(), problem), problem)
    described = {item["kwargs"]["column"] for item in suite.expectations if "column" in item["kwargs"]}
    assert len(described) == 100 and {"tissue", "g1998", "g1999"} <= described
    assert len(suite.expectations[1]["kwargs"]["column_set"]) == 2001
