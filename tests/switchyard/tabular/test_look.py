"""What a look says of a table is what a training would do, and the config that it writes says the same."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.look import NO_TARGET, Look, config_of, look_at
from switchyard.tabular.report.terminal import render
from switchyard.tabular.tables.large import sample
from tests.switchyard.tabular.tables_of_quality import customers, genes


def looked(frame: pd.DataFrame, folder, target: str = "churned") -> Look:
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return look_at(problem_from({"name": "table", "data": {"source": str(path), "target": target}}, "test"))


def printed(look: Look) -> str:
    console = Console(file=io.StringIO(), width=80)
    for part in render(look.report()):
        console.print(part)
    return console.file.getvalue()


@pytest.fixture
def odd() -> pd.DataFrame:
    """Customers with an id, a leak, a constant, dates, and names that YAML and rich would take for theirs."""
    frame = customers(600).assign(customer=[f"k{number}" for number in range(600)], one=1)
    frame["paid: {after}"] = (frame["churned"] == "yes").astype(int) + np.random.default_rng(0).normal(0, 0.01, 600)
    return frame.rename(columns={"plan": "[bold]plan, \"a\" # 'b'", "mobile": "yes"})


def test_it_says_what_columns_are_what_leaks_and_what_would_be_trained_within_80_columns(odd, tmp_path):
    look = looked(odd, tmp_path)
    said = printed(look)

    assert max(map(len, said.splitlines())) <= 80
    assert look.schema["joined"].kind == "datetime" and look.schema["customer"].role == "id" and "600 rows, 10 columns" in said
    leaks = [finding for finding in look.quality.findings if finding.check == "target_leakage"]
    assert [finding.column for finding in leaks] == ["paid: {after}"] and "gives 'churned' away" in " ".join(said.split())
    assert "roc_auc" in said and "[bold]plan" in said


def test_the_config_says_the_same(odd, tmp_path):
    look = looked(odd, tmp_path)
    again = look_at(problem_from(yaml.safe_load(config_of(look)), "the config"))

    assert [(column.name, column.kind, column.role) for column in again.schema.columns] == [
        (column.name, column.kind, column.role) for column in look.schema.columns
    ]
    for key in ("task", "metric", "positive_class", "split", "name"):
        assert getattr(again.problem, key) == getattr(look.problem, key)
    assert again.quality.stops == look.quality.stops and again.quality.dropped.keys() <= look.quality.dropped.keys() | {"customer"}


def test_without_a_target_the_columns_are_read_all_the_same(odd, tmp_path):
    look = looked(odd, tmp_path, NO_TARGET)

    assert [column.name for column in look.schema.columns] == list(odd.columns) and look.quality is None
    assert "roc_auc" not in printed(look) and NO_TARGET not in printed(look)


@pytest.mark.parametrize("task", [{}, {"task": "clustering"}])
def test_where_there_can_be_no_training_it_says_why(tmp_path, task):
    path = tmp_path / "table.csv"
    pd.DataFrame({"x": [1.0] * 100, "place": ["here"] * 100, **({} if task else {"churned": ["a", "b"] * 50})}).to_csv(path, index=False)
    data = {"source": str(path), **({} if task else {"target": "churned"})}
    look = look_at(problem_from({"name": "table", "data": data, **task}, "test"))

    assert look.trouble.startswith("no column is left to learn from (x: dropped") and set(look.dropped) == {"x", "place"}
    assert "There can be no training" in printed(look) and "What would be trained" not in printed(look)


def test_a_wide_table_has_a_line_for_the_first_hundred_columns(tmp_path):
    said = printed(looked(genes(40, 300), tmp_path, "tissue"))

    assert "and 201 more" in said and len(said.splitlines()) < 200


def test_of_a_large_file_some_rows_are_looked_at_and_it_says_so(odd, tmp_path, monkeypatch):
    whole = looked(odd, tmp_path)
    monkeypatch.setattr(sample, "_LOOK_ROWS", 300)
    look = looked(odd, tmp_path)

    assert (look.rows, look.schema.of, whole.schema.of) == (300, 600, None)
    assert [(column.name, column.kind) for column in look.schema.columns] == [(column.name, column.kind) for column in whole.schema.columns]
    assert "looked at 300 of 600 rows" in printed(look) and "600 rows were checked" not in look.quality.report().lead
    assert "(300 of its 600 rows)" in config_of(look).splitlines()[0] and "looked at" not in printed(whole)


def test_a_wide_file_is_looked_at_by_fewer_rows():
    assert sample.rows_to_look_at(20) == 200_000 and sample.rows_to_look_at(200) == 20_000 and sample.rows_to_look_at(1_000_000) == 1000
