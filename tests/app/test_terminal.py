"""What is printed for a person keeps to the width of the terminal, and what is to be copied stays whole."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import run
from app import perform as performing
from app.command import Command, Plan, Result
from app.commands.training import _score_table
from app.terminal import Lines, kept_clean, terminal
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.names import NAMES, meaning_of
from switchyard.tabular.report.terminal import table


def printed(*lines: str, **options) -> list[str]:
    console = Lines(file=io.StringIO(), width=80, highlight=False)
    for line in lines:
        console.print(line, **options)
    return console.file.getvalue().splitlines()


def test_a_long_line_goes_on_under_its_text_and_no_word_is_broken():
    said = printed("verdict  the challenger is not worse than the champion on the same holdout, by a paired bootstrap of its rows")

    assert len(said) == 2 and max(map(len, said)) <= 80
    assert said[1].startswith("         ") and not said[1].startswith("          ")
    assert " ".join(" ".join(said).split()).endswith("holdout, by a paired bootstrap of its rows")


@pytest.mark.parametrize("label", ["next     ", "         ", ""])
def test_a_command_or_an_address_to_copy_stays_on_one_line(label):
    command = "python run.py --pipeline deployment --config configs/a_rather_long_name_of_a_config.yaml --share 0.05"
    address = "http://127.0.0.1:8237/projects/default/runs/d9dc64ea-fa7d-4431-baea-389bdbcaa0d1/and/some/more"

    assert printed(f"{label}{command}", f"{label}{address}") == [f"{label}{command}", f"{label}{address}"]


def test_a_word_wider_than_the_terminal_is_not_cut():
    digest = "sha256:" + "a" * 90

    assert digest in printed(f"model    loans version 1 (lightgbm), {digest}")[1]


def test_markup_is_kept_and_text_that_looks_like_it_is_kept_too():
    assert printed("[bold]training[/] loans") == ["training loans"]
    assert printed("unused   [data.columns: {a: b}]", markup=False) == ["unused   [data.columns: {a: b}]"]


def test_a_line_printed_while_a_step_keeps_a_library_quiet_is_not_lost(capsys):
    console = terminal()
    with contextlib.redirect_stdout(io.StringIO()):
        console.print("  + infer_expectations 0.7 s")

    assert capsys.readouterr().out == "  + infer_expectations 0.7 s\n"


def test_a_pipe_is_as_wide_as_columns_says(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert terminal().width == 80
    monkeypatch.delenv("COLUMNS")
    assert terminal().width == 150


def test_no_color_means_no_colour(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Lines(file=io.StringIO(), force_terminal=True, width=80)
    console.print("[red]x[/] failed")

    assert "\x1b[31m" not in console.file.getvalue()


def test_every_score_of_ours_has_a_name_and_what_it_says():
    ours = {"roc_auc", "rmse", "mae", "r2", "bias", "coverage", "width", "log_loss", "brier", "accuracy", "f1"}
    ours |= {"pinball", "pinball_0.1", "below_0.9", "within_0.1_0.9"}

    assert all(NAMES[name] and meaning_of(name) for name in ours)
    assert meaning_of("within_0.1_0.9").endswith("0.8 is right")


def test_the_scores_of_a_training_say_their_unit_within_80_columns():
    scores = {"cv": {"rmse": 123456.789}, "holdout": {"rmse": 234567.891, "bias": -1234.5, "coverage": 0.9}, "baseline": {"rmse": 3e5}}
    console = Lines(file=io.StringIO(), width=80)
    console.print(table(_score_table(SimpleNamespace(scores=scores)), "Scores"))
    said = console.file.getvalue()

    assert max(map(len, said.splitlines())) <= 80
    assert ("predicted" in said and "minus true" in " ".join(said.split()).replace("\u2502 ", "")) or "minus" in said
    assert "-1234.5000" in said


@pytest.fixture
def command(monkeypatch):
    """`run.py labels` replaced by one that prints a line and returns a summary."""

    def run_it(request, plan, **own):
        request.console.print("told to a person")
        return Result({"status": "completed", "scores": {"auc": 0.9}})

    made = Command("Stands for any.", lambda request, **own: Plan("begins"), run_it)
    monkeypatch.setattr("app.cli.load", lambda name: made)

    def request_from(root, name, changes, console):
        class Problem:
            name = ""

        return performing.Request(Problem(), "", root, "local", console)

    monkeypatch.setattr(performing, "request_from", request_from)
    return lambda *options: CliRunner().invoke(run.cli, ["labels", *options])


def test_json_is_all_that_stands_on_standard_output(command):
    done = command("--json")

    assert json.loads(done.stdout)["scores"] == {"auc": 0.9} and json.loads(done.stdout)["pipeline"] == "labels"
    assert "told to a person" in done.stderr


def test_quiet_prints_nothing(command):
    assert command("--quiet").output == "" and "told to a person" in command().output


@pytest.mark.parametrize("quiet", [False, True])
def test_what_libraries_print_is_not_on_standard_output(capfd, quiet):
    with kept_clean(stderr=True, quiet=quiet):
        os.write(1, b"a log line")
    print("the summary")
    said = capfd.readouterr()

    assert said.out == "the summary\n" and said.err == ("" if quiet else "a log line")


def test_json_of_a_command_that_fails_says_so(command, monkeypatch):
    def refuse(*_arguments):
        raise InputError("no such column")

    monkeypatch.setattr(performing, "request_from", refuse)
    done = command("--json")

    assert json.loads(done.stdout)["status"] == "failed" and json.loads(done.stdout)["error"] == "no such column"


def test_the_help_of_all_commands_needs_no_numbers_and_no_orchestrator():
    code = """
import sys
from click.testing import CliRunner
import run
assert CliRunner().invoke(run.cli, ["--help"]).exit_code == 0
print(sorted({"numpy", "pandas", "pydantic", "scipy", "zenml", "mlflow"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(run.__file__).parent, capture_output=True, text=True)

    assert done.stdout.strip() == "[]", done.stdout + done.stderr
