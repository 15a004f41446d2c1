"""Which pipeline takes which option, and what the help says of it."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

import run
from app.options import PIPELINES, options_of, takers_of
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import Project


def test_help_shows_every_option_once_under_the_pipelines_that_take_it():
    sections, title = {}, ""
    for line in CliRunner().invoke(run.cli, ["--help"]).output.splitlines():
        if line.endswith(":") and not line.startswith(" "):
            title = line[:-1]
        elif line.startswith("  --"):
            sections[line.split()[0]] = title
    assert set(sections) == {option.opts[0] for option in run.cli.params}
    for option in run.cli.params:
        takers = takers_of(option.name)
        expected = "Every pipeline" if len(takers) in (0, len(PIPELINES)) else f"For {', '.join(takers)}"
        assert sections[option.opts[0]] == expected
    assert sections["--budget"] == "For training, retraining" and sections["--share"] == "For deployment"


@pytest.mark.parametrize(
    "pipeline, option", [("deployment", "--budget"), ("experiment", "--trials"), ("training", "--share"), ("monitoring", "--target")]
)
def test_an_option_of_another_pipeline_is_an_error_that_names_its_own(pipeline, option):
    context = run.cli.make_context("run", ["--pipeline", pipeline, option, "1"])
    with pytest.raises(click.UsageError, match=f"{option} is for --pipeline {' and '.join(takers_of(option[2:]))}, not for {pipeline}"):
        options_of(pipeline, context)


def test_a_name_stands_for_what_its_model_was_trained_by(tmp_path):
    project, table = Project(tmp_path), tmp_path / "people.csv"
    loans(rows=1200, seed=4).to_csv(table, index=False)
    trained = project.run("--pipeline", "training", "--data", str(table), "--target", "defaulted", "--trials", "1")
    assert trained.code == 0, trained.output
    assert "python run.py --pipeline deployment --name people " in trained.output

    again, other = project.batch(*(["--pipeline", "training", "--name", name, "--dry-run"] for name in ("people", "nobody")))
    assert again.code == 0
    assert "from what version 1 was trained by" in again.output and f"source: {table}" in again.output and "trials: 1" in again.output
    assert other.code == 2 and "no configs/nobody.yaml and no registered version" in other.output and "(configs: loans)" in other.output
