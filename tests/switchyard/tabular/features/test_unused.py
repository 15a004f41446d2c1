"""Each column that is not used is told with what it is, why, and the line of the config that brings it in."""

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.features.unused import way_in
from switchyard.tabular.fitting import raw_table
from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.schema import Column
from switchyard.tabular.tables.split import split_table

ROWS = 200


def planned(data=None, features=None, **columns):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": range(ROWS),
            "amount": rng.normal(size=ROWS),
            "same": 7.0,
            "no: thing": rng.integers(0, 5, ROWS),
            "parts": [[1, 2]] * ROWS,
            "empty": [None] * ROWS,
            "when": pd.date_range("2024-01-01", periods=ROWS).astype(str),
            "y": rng.integers(0, 2, ROWS),
        }
    ).assign(**columns)
    asked = problem_from({"name": "x", "data": {"source": "-", "target": "y", **(data or {})}, "features": features or {}}, "test")
    table, problem, _ = resolve(raw_table(frame), asked)
    split = split_table(table, problem)
    return plan_features(split, check_quality(split, problem).dropped, problem)


def test_every_unused_column_is_noted_with_its_way_in():
    plan = planned({"columns": {"no: thing": {"role": "ignored"}}, "time_column": "when"}, {"time_column": False})
    ways = {column.name: column.way_in for column in plan.unused}
    assert ways == {
        "number": "data.columns: {number: {role: feature}}",
        "same": "data.columns: {same: {role: feature}}",
        "no: thing": "without role: ignored in data.columns: {'no: thing': {role: ignored}}",
        "parts": "",
        "empty": "",
        "when": "without features.time_column: false",
    }
    notes = {note.split("'")[1]: note for note in plan.notes()}
    assert notes["number"].startswith("'number' (categorical) is not used: names the row and says nothing about others (")
    assert notes["number"].endswith("[data.columns: {number: {role: feature}}]") and "no model here reads it" in notes["parts"]
    page = plan.html()
    assert all(str(way).replace("'", "&#x27;") in page or str(way).replace("'", "&#39;") in page for way in ways.values())


@pytest.mark.parametrize("name", ["number", "same"])
def test_the_way_in_brings_it_in(name):
    before = planned()
    assert name in {column.name for column in before.unused}
    after = planned({"columns": {name: {"role": "feature"}}})
    assert name not in {column.name for column in after.unused}


def test_a_text_that_the_config_leaves_out_comes_in_without_its_word():
    story = Column(name="story", kind="text", role="ignored", reason="free text, 9 words on average; set in data.columns")
    problem = problem_from({"name": "x", "data": {"source": "-", "target": "y", "columns": {"story": {"role": "ignored"}}}}, "test")
    assert way_in(story, problem) == "without role: ignored in data.columns: {story: {role: ignored}}"
