"""A schedule without a scheduler: runs at the times it says, one at a time, whatever becomes of them."""

import io
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from app.cli import load
from app.scheduling import _config_for_pods, on_schedule
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError


class Enough(Exception):
    pass


def test_it_says_when_it_runs_and_runs_then():
    told, moment, ran = io.StringIO(), datetime(2026, 3, 1, 8, 50, 10, tzinfo=UTC), []

    def sleep(seconds):
        nonlocal moment
        moment += timedelta(seconds=seconds)

    def run(command, cwd):
        nonlocal moment
        ran.append((moment, command, cwd))
        # The second takes longer than the hour until the third would begin.
        moment += timedelta(minutes=75 if len(ran) == 2 else 5)
        if len(ran) == 3:
            raise Enough
        return subprocess.CompletedProcess(command, 1)

    with pytest.raises(Enough):
        on_schedule(
            "0 * * * *",
            ["python", "run.py", "--pipeline", "monitoring"],
            Console(file=told, width=200),
            cwd="/x",
            now=lambda: moment,
            sleep=sleep,
            run=run,
        )

    assert [when.hour for when, _, _ in ran] == [9, 10, 12]
    assert ran[0][1:] == (["python", "run.py", "--pipeline", "monitoring"], "/x")
    assert "next 2026-03-01 09:00 UTC, in 9 min: run.py --pipeline monitoring" in told.getvalue()
    assert "it ended with exit code 1" in told.getvalue()


@pytest.mark.parametrize("schedule", ["hourly", "0 * * *", "61 * * * *", "* * * * * *"])
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(InputError, match="no cron expression"):
        on_schedule(schedule, ["x"], Console(), cwd=".")


@pytest.mark.parametrize(
    ("source", "acts", "kept"),
    [("{folder}/people.csv", True, True), ("{folder}/people.csv", False, False), ("s3://theirs/people.csv", True, False)],
)
def test_a_table_of_this_machine_goes_where_pods_find_it(monkeypatch, tmp_path, source, acts, kept):
    monkeypatch.setattr("stacks.files.stage_file", lambda path: f"s3://store/{path.name}")
    (tmp_path / "people.csv").write_text("a,b\n1,2\n")
    text = yaml.safe_dump({"name": "people", "data": {"source": source.format(folder=tmp_path), "target": "b"}}) + "# kept as it is\n"
    config, said = tmp_path / "people.yaml", io.StringIO()
    config.write_text(text)
    name, content = _config_for_pods(config, problem_from(yaml.safe_load(text), "people.yaml"), acts, Console(file=said, width=200))

    assert name == "people.yaml"
    if kept:
        assert yaml.safe_load(content) == {"name": "people", "data": {"source": "s3://store/people.csv", "target": "b"}}
        assert "people.csv, as it is now, is kept in the artifact store" in said.getvalue()
    else:
        assert content == text and said.getvalue() == ""


def test_on_a_cluster_pruning_is_scheduled_for_whoever_may_prune_and_no_more(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr("app.repository.ensure_stack", lambda _root: "kubernetes")
    monkeypatch.setattr("stacks.active.is_local", lambda: False)
    monkeypatch.setattr("stacks.active.pipelines_image", lambda _report: "images/pipelines:1")
    monkeypatch.setattr("stacks.cluster.schedule.schedule", lambda *words, **named: asked.update(words=words, **named) or words[0])
    monkeypatch.setattr("sys.argv", ["run.py", "prune", "--keep", "runs=7", "--schedule", "0 3 * * *"])
    done = CliRunner().invoke(load("prune"), ["--keep", "runs=7", "--schedule", "0 3 * * *"], obj=tmp_path)

    assert done.exit_code == 0, done.output
    assert asked["words"][:3] == ("prune", "0 3 * * *", ["prune", "--keep", "runs=7"]) and asked["account"] == "pruner"
