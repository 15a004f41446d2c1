"""Two versions side by side: what changed between them is found and said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import pytest

from switchyard.bundle import Scorer, Signature
from switchyard.monitoring.versions import Side, compare_versions
from switchyard.tabular.report import html, markdown
from switchyard.tabular.report.report import Table
from tests.switchyard.monitoring.people import scorer
from tests.switchyard.tabular.bundles import logistic_files


def other_scorer(intercept: float = -6.5, **changes) -> Scorer:
    """As `scorer`, whose intercept is -6.5, with another one and another signature."""
    files = logistic_files()
    model = onnx.load_from_string(files["model.onnx"])
    node = next(node for node in model.graph.node if node.output[0] == "intercept")
    node.attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.array([[intercept]])))
    signature = Signature.from_json(files["signature.json"].decode())
    return Scorer.of(model.SerializeToString(), replace(signature, **changes))


def table_of(report, heading: str) -> Table:
    section = next(section for section in report.sections if section.heading == heading)
    return next(part for part in section.parts if isinstance(part, Table))


@pytest.fixture
def before(reference) -> Side:
    return Side("1", scorer(), reference, {"model": "lightgbm"})


def test_rows_that_changed_side_are_counted_and_the_page_is_static(before, reference):
    after = Side("2", other_scorer(intercept=-7.5), reference, {"model": "xgboost"})
    report = compare_versions("small", before, after)
    rows = reference.rows
    odds = np.log(1 / scorer().score_frame(rows).probabilities[:, 1] - 1)
    # Those whose log-odds a drop by one takes below zero.
    crossed = int(((odds <= 0) & (odds + 1 > 0)).sum())
    page = html.page(report)

    counts = table_of(report, "Rows that changed side").rows
    assert counts[1][1] == crossed > 0 and counts[0][2] == 0
    assert f"{crossed:,} of {len(rows):,} rows" in report.lead
    assert "<script" not in page and page.count("<svg") == 1 and "version 2" in page
    assert ("model", "lightgbm", "xgboost") in table_of(report, "Where they come from").rows
    assert "Clients send and get the same" in markdown.render(report)


def test_a_version_with_other_classes_is_compared_by_scores_and_columns_only(before, reference):
    after = Side("2", other_scorer(classes=("no", "maybe")), reference, {})
    report = compare_versions("small", before, after)

    assert "answer different questions" in markdown.render(report)
    assert any("class 'yes'" in row[0].text for row in table_of(report, "Columns and classes").rows)


def test_rows_without_a_column_of_one_version_give_way_to_those_of_the_other(before, reference):
    narrow = replace(reference, rows=reference.rows.drop(columns="job"))
    found = compare_versions("small", before, Side("2", scorer(), narrow, {}))
    neither = compare_versions("small", replace(before, reference=narrow), Side("2", scorer(), narrow, {}))

    assert "rows that version 1 keeps of its table" in markdown.render(found)
    assert "no rows with the columns of both" in markdown.render(neither) and "job" in markdown.render(neither)


def test_a_regression_says_how_far_predictions_moved(before, reference, monkeypatch):
    from switchyard.monitoring import versions
    from switchyard.tabular.evaluation.predictions import Predictions

    signature = replace(scorer().signature, task="regression", classes=(), target="price")
    sides = [Side(number, other_scorer(task="regression", classes=(), target="price"), reference, {}) for number in ("1", "2")]
    values = {id(sides[0].scorer): 100.0, id(sides[1].scorer): 103.0}

    def answers(model: Scorer, rows: pd.DataFrame) -> Predictions:
        level = np.full(len(rows), values[id(model)])
        return Predictions.of_values(level, level - 2, level + 2)

    monkeypatch.setattr(versions, "predict_served", answers)
    report = compare_versions("homes", *sides)

    assert signature.target == "price" and table_of(report, "Rows that are predicted otherwise").rows[2] == ("50 %", 3.0)
    assert "more than 3 (price)" in report.lead and "(100.0%) left the interval of version 1" in markdown.render(report)
