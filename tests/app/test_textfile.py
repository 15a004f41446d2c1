"""What a run tells scripts and Prometheus, however it ends."""

import json
import time
from pathlib import Path

import pytest

from app import perform as performing
from app import textfile
from app.command import Command, Plan, Request, Result
from app.perform import perform
from switchyard.tabular.errors import GateClosed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(textfile.FOLDER_VARIABLE, str(tmp_path / "metrics"))
    return tmp_path / "metrics"


@pytest.fixture(autouse=True)
def request_(monkeypatch):
    """A problem that nothing has to be read for."""
    from rich.console import Console

    from switchyard.tabular.config.problem import problem_from

    problem = problem_from({"name": "loans", "data": {"source": "builtin:loans", "target": "defaulted"}}, "test")
    made = Request(problem, "test", Path("."), "local", Console(quiet=True))
    monkeypatch.setattr(performing, "request_from", lambda root, name, changes, console: made)
    monkeypatch.setattr(performing, "show", lambda request, plan: None)
    return made


def done(run, summary=None, dry_run=False):
    command = Command("Test.", lambda request: Plan("begins"), run)
    return perform(Path("."), time.monotonic(), "training", command, {"summary": summary, "dry_run": dry_run})


def stopped(request, plan):
    raise GateClosed("no")


def test_a_run_is_told_however_it_ends(folder, tmp_path):
    summary = tmp_path / "given.json"
    with pytest.raises(GateClosed):
        done(stopped, summary)
    text = (folder / "training-loans.prom").read_text()

    told = json.loads(summary.read_text())
    assert {key: told[key] for key in ("pipeline", "status", "exit_code", "error")} == {
        "pipeline": "training", "status": "failed", "exit_code": 3, "error": "no",
    }  # fmt: skip
    assert 'switchyard_run_exit_code{pipeline="training",model="loans"} 3' in text
    assert "# TYPE switchyard_run_exit_code gauge" in text
    assert done(lambda request, plan: Result({"status": "completed"}), summary).exit_code == 0
    assert json.loads(summary.read_text())["status"] == "completed"
    assert 'switchyard_run_exit_code{pipeline="training",model="loans"} 0' in (folder / "training-loans.prom").read_text()
    assert [path.name for path in folder.iterdir()] == ["training-loans.prom"]


def test_an_old_summary_is_never_read_for_a_new_one(tmp_path):
    summary = tmp_path / "given.json"
    summary.write_text("old")

    def crashes(request, plan):
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        done(crashes, summary)
    assert not summary.exists()


def test_a_dry_run_tells_nothing_and_runs_nothing(folder, tmp_path):
    done(stopped, tmp_path / "given.json", dry_run=True)

    assert not folder.exists() and not (tmp_path / "given.json").exists()


def test_labels_are_escaped():
    assert (
        textfile.text_of(iter([("switchyard_run_steps", {"model": 'a"b\\c'}, 1)])).splitlines()[-1]
        == 'switchyard_run_steps{model="a\\"b\\\\c"} 1'
    )
