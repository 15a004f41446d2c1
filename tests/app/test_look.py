"""`run.py look`: without ZenML, and never over a file that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import run
from switchyard.tabular.errors import InputError
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


@pytest.mark.parametrize(
    "options, why",
    [(["--save", "x.yaml"], "--save needs --target"), (["--target", "churned", "--save", "x.json"], "ends in .yaml")],
)
def test_what_cannot_be_saved_is_said_before_any_work(table, options, why):
    with pytest.raises(InputError, match=why):
        CliRunner().invoke(run.cli, ["look", "--data", str(table), *options], catch_exceptions=False)
