"""`run.py look`: without ZenML, and never over a file that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

import run
from switchyard.tabular.config.problem import problem_from, read_settings
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.looking import look_at_interactions
from switchyard.tabular.tables.reading.builtin import read_builtin
from tests.switchyard.tabular.tables_of_quality import customers

ROOT = Path(run.__file__).parent
WITHOUT_ZENML = """
import sys
sys.argv = ["run.py", "look", "--data", {path!r}, "--target", "churned"]
import run
run.cli(standalone_mode=False)
print("zenml" in sys.modules, "mlflow" in sys.modules)
"""


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "people.csv"
    customers(200).to_csv(path, index=False)
    return path


def test_it_needs_neither_zenml_nor_mlflow_and_says_first_what_it_reads(table):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ZENML.format(path=str(table))], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    lines = done.stdout.splitlines()
    assert lines[0] == f"look     reading {table}" and lines[-1] == "False False", done.stdout + done.stderr
    assert any(line.startswith("next     python run.py training --data") for line in lines)


def test_it_saves_a_config_once(table, tmp_path):
    config = tmp_path / "configs" / "people.yaml"
    command = ["look", "--data", str(table), "--target", "churned", "--goal", "Keep: them", "--save", str(config)]
    done = CliRunner().invoke(run.cli, command, catch_exceptions=False)
    assert f"next     python run.py training --config {config}" in done.output
    saved = yaml.safe_load(config.read_text())
    assert saved["name"] == "people" and saved["goal"] == "Keep: them" and saved["data"]["columns"]["usage"] == {"kind": "numeric"}
    with pytest.raises(InputError, match="there is one already, and it is not overwritten"):
        CliRunner().invoke(run.cli, command, catch_exceptions=False)
    assert yaml.safe_load(config.read_text()) == saved


def test_a_clustering_is_looked_at_without_a_target_and_its_config_is_one(table, tmp_path):
    config = tmp_path / "kinds.yaml"
    command = ["look", "--data", str(table), "--task", "clustering", "--save", str(config)]
    done = CliRunner().invoke(run.cli, command, catch_exceptions=False)
    saved = yaml.safe_load(config.read_text())

    assert "answer" in done.output and "clustering" in done.output
    assert saved["task"] == "clustering" and "target" not in saved["data"]
    assert problem_from(saved, "x").data.target == "group"


def test_what_to_type_next_repeats_what_was_said_of_the_columns(table):
    pd.read_csv(table).assign(copies=2).to_csv(table, index=False)
    said = ["--data", str(table), "--weight", "copies"]
    columns = CliRunner().invoke(run.cli, ["look", *said], catch_exceptions=False)
    whole = CliRunner().invoke(run.cli, ["look", *said, "--target", "churned"], catch_exceptions=False)

    assert f"next     python run.py look --data {table} --weight copies --target COLUMN" in columns.output
    assert f"next     python run.py training --data {table} --weight copies --target churned" in whole.output


@pytest.mark.parametrize(
    "options, why",
    [
        (["--save", "x.yaml"], "--save needs --target"),
        (["--task", "clustering", "--target", "churned"], "predicts no column"),
        (["--target", "churned", "--save", "x.json"], "ends in .yaml"),
    ],
)
def test_what_cannot_be_saved_is_said_before_any_work(table, options, why):
    with pytest.raises(InputError, match=why):
        CliRunner().invoke(run.cli, ["look", "--data", str(table), *options], catch_exceptions=False)


def test_interactions_are_looked_at_by_their_roles_and_a_config_says_the_same(tmp_path):
    config = tmp_path / "shop.yaml"
    command = ["look", "--task", "recommendation", "--data", "builtin:purchases", "--items", "builtin:products", "--save", str(config)]

    done = CliRunner().invoke(run.cli, command, catch_exceptions=False)

    assert "'time' is taken for the time, by its name" in done.output and "Tea no. 1" in done.output
    assert "of them new" in " ".join(done.output.split()) and f"next     python run.py training --config {config}" in done.output
    saved = problem_from(yaml.safe_load(config.read_text()), "test")
    assert (saved.task, saved.data.user, saved.data.item, saved.data.time_column) == ("recommendation", "user", "item", "time")


def test_a_rating_that_is_no_number_is_named(tmp_path):
    orders = read_builtin("builtin:purchases").head(300).astype({"quantity": object})
    orders.loc[6, "quantity"] = "good"
    orders.to_csv(tmp_path / "orders.csv", index=False)

    done = CliRunner().invoke(run.cli, ["look", "--task", "recommendation", "--data", str(tmp_path / "orders.csv")], catch_exceptions=False)

    assert "'quantity': 1 of 300 values are no numbers and count as missing ('good', row 7)" in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"user": "u1"}, "has 1 user in 'user'; what others took is learnt from"),
        ({"rating": "good"}, "weight column 'rating' holds categorical values such as 'good'; weights and ratings are numbers"),
        ({"rating": -1.0}, "weight column 'rating' is -1 in row 1"),
    ],
)
def test_interactions_that_teach_nothing_are_one_line(tmp_path, changes, why):
    read_builtin("builtin:purchases").assign(**changes).head(300).to_csv(tmp_path / "orders.csv", index=False)

    with pytest.raises(InputError, match=why):
        CliRunner().invoke(run.cli, ["look", "--task", "recommendation", "--data", str(tmp_path / "orders.csv")], catch_exceptions=False)


def test_the_config_of_the_made_up_shop_is_whole():
    problem = problem_from(read_settings(ROOT / "configs" / "shop.yaml"), "configs/shop.yaml")
    look = look_at_interactions(problem)

    assert look.questions is not None and 0 < (~look.questions.warm).sum() < len(look.questions) and look.questions.unknown.sum() > 0
    assert look.log.titles["p000"] == "Tea no. 1"
