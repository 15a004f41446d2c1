"""A suite run on a frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from switchyard.tabular.validation.engine import LOCK, context, great_expectations
from switchyard.tabular.validation.report import ValidationReport, result_from
from switchyard.tabular.validation.suite import Suite, build
from switchyard.tabular.validation.words import columns_of


def validate(
    frame: pd.DataFrame,
    suite: Suite,
    what: str = "holdout",
    target: bool = True,
    columns: Iterable[str] | None = None,
    of_rows: int | None = None,
) -> ValidationReport:
    """Hold `frame` against `suite`.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        In canonical types.
    suite : Suite
        Inferred or edited.
    what : str
        What the frame is, for people: holdout, new data, prediction log.
    target : bool
        False where the target is not known yet: nothing is expected of it.
    columns : iterable of str, optional
        Look at these columns alone (those of a prediction log, say); expectations about others are left out.
    of_rows : int, optional
        Rows of the table that the frame is of a sample of.

    Returns
    -------
    ValidationReport
        The same bytes for the same frame and suite. An expectation that cannot be evaluated (its column is absent) has failed.
    """
    kept = set(columns) if columns is not None else None
    if kept is not None:
        frame = frame[[name for name in frame.columns if name in kept]]
    expectations = [narrowed for item in suite.expectations if (narrowed := _narrowed(item, None if target else suite.target, kept))]
    raw = _run(frame.reset_index(drop=True), suite.name, expectations)
    return ValidationReport(
        suite=suite.name,
        what=what,
        rows=len(frame),
        results=tuple(result_from(result, set(frame.columns)) for result in raw["results"]),
        details=raw,
        of_rows=of_rows,
    )


def _narrowed(item: dict[str, Any], without: str | None, kept: set[str] | None) -> dict[str, Any] | None:
    """`item` for a frame without the column `without` and with no columns but `kept`; None where nothing is left to expect."""

    def stays(column: str) -> bool:
        return column != without and (kept is None or column in kept)

    kwargs = item["kwargs"]
    if not all(stays(column) for column in columns_of(kwargs)):
        return None
    if "column_set" in kwargs:
        remaining = [column for column in kwargs["column_set"] if stays(column)]
        return {**item, "kwargs": {**kwargs, "column_set": remaining}} if remaining else None
    return item


def _run(frame: pd.DataFrame, name: str, expectations: list[dict[str, Any]]) -> dict[str, Any]:
    gx = great_expectations()
    built = [
        build({**item, "meta": {**(item.get("meta") or {}), "order": order}}, f"expectations of {name}, number {order + 1}")
        for order, item in enumerate(expectations)
    ]
    with LOCK:
        made = context()
        suite = made.suites.add(gx.ExpectationSuite(name=name, expectations=built))
        batch = made.data_sources.add_pandas("pandas").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
        outcome = batch.get_batch({"dataframe": frame}).validate(
            suite, result_format={"result_format": "SUMMARY", "partial_unexpected_count": 20}
        )
    raw = outcome.to_json_dict()
    results = sorted((_steady(result) for result in raw["results"]), key=lambda result: result["expectation_config"]["meta"].pop("order"))
    return {
        "success": raw["success"],
        "suite_name": name,
        "suite_parameters": {},
        "statistics": raw["statistics"],
        "results": results,
        "meta": {"great_expectations_version": raw["meta"]["great_expectations_version"]},
    }


def _steady(result: dict[str, Any]) -> dict[str, Any]:
    """The result without what differs from run to run: random ids, memory addresses, tracebacks."""
    config = {key: value for key, value in result["expectation_config"].items() if key != "id"}
    config["kwargs"] = {key: value for key, value in config["kwargs"].items() if key != "batch_id"}
    failures = result["exception_info"]
    if "raised_exception" not in failures:
        # One entry per metric that failed, keyed by the metric's id; all tell of the same cause.
        failures = failures[min(failures)] if failures else {"raised_exception": False, "exception_message": None}
    message = failures.get("exception_message")
    info = {"raised_exception": bool(failures.get("raised_exception")), "exception_message": message, "exception_traceback": ""}
    return {"success": result["success"], "expectation_config": config, "result": result["result"], "meta": {}, "exception_info": info}
