"""Which command takes which option, and what the help says of it."""

from __future__ import annotations

import click
import pytest
import yaml
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from rich.console import Console

import run
from app.cli import as_command, load, takers_of
from app.command import Command, Request
from app.commands import NAMES
from app.saving import check_place, given_settings, save_config
from app.settings import settings_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import Project


def test_help_lists_every_command_and_a_commands_help_its_options():
    listed = CliRunner().invoke(run.cli, ["--help"]).output
    for name in NAMES:
        assert f"\n  {name} " in listed
        command = load(name)
        if isinstance(command, Command):
            shown = CliRunner().invoke(run.cli, ["--pipeline", name, "--help"]).output
            assert all(option.opts[0] in shown for option in (*command.changes, *command.own)), name


@pytest.mark.parametrize(
    "given",
    [
        ["--pipeline", "training", "--seed", "1", "--no-cache"],
        ["--seed", "1", "--pipeline", "training", "--no-cache"],
        ["--seed", "1", "--no-cache", "--pipeline=training"],
        ["training", "--seed", "1", "--no-cache"],
    ],
)
def test_the_pipeline_may_be_named_anywhere(given):
    assert as_command(given) == ["training", "--seed", "1", "--no-cache"]


@pytest.mark.parametrize(
    "pipeline, option, takers",
    [
        ("deployment", "--budget", "training and retraining"),
        ("experiment", "--trials", "training and retraining"),
        ("training", "--share", "deployment"),
        ("monitoring", "--target", "training and deployment and experiment and retraining"),
    ],
)
def test_an_option_of_another_command_is_an_error_that_names_its_own(pipeline, option, takers):
    assert " and ".join(takers_of(option)) == takers
    with pytest.raises(click.UsageError, match=f"{option} is for {takers}, not for {pipeline}"):
        run.cli(["--pipeline", pipeline, option, "1"], standalone_mode=False)


def test_a_training_from_a_database_needs_no_config(tmp_path):
    problem, _ = settings_from(tmp_path, data="sqlite:///shop.db", target="y", query="SELECT * FROM sales")

    assert (problem.name, problem.data.query) == ("shop", "SELECT * FROM sales")
    assert takers_of("--query") == ["training", "inference", "labels", "retraining"]


def test_what_is_no_command_is_refused():
    with pytest.raises(click.UsageError, match="No such command 'trainning'"):
        run.cli(["--pipeline", "trainning"], standalone_mode=False)


def test_a_name_stands_for_what_its_model_was_trained_by(tmp_path):
    project, table = Project(tmp_path), tmp_path / "people.csv"
    loans(rows=1200, seed=4).to_csv(table, index=False)
    trained = project.run("--pipeline", "training", "--data", str(table), "--target", "defaulted", "--trials", "1")
    assert trained.code == 0, trained.output
    assert "python run.py --pipeline deployment --name people " in trained.output

    again, other = project.batch(*(["--pipeline", "training", "--name", name, "--dry-run"] for name in ("people", "nobody")))
    assert again.code == 0
    assert "from what version 1 was trained by" in again.output and f"source: {table}" in again.output and "trials: 1" in again.output
    assert other.code == 2 and "no configs/nobody.yaml and no registered version" in other.output
    assert "(configs: loans, rides, shop, shoppers)" in other.output


def test_a_command_called_by_another_has_the_defaults_of_its_options():
    assert load("deployment").defaults() == {"strategy": "all", "share": None, "version": None, "rollback": False, "to": None, "why": ""}
    assert load("monitoring").defaults()["act"] is None


def test_the_command_line_says_what_a_first_hour_needs(tmp_path):
    problem, _ = settings_from(
        tmp_path,
        data="people.csv",
        target="income",
        metric="f1",
        positive="rich",
        ignore=("zip.code", "note"),
        changes=("split.kind=time", "tuning.families=[lightgbm]", "decision.threshold=0.3"),
    )

    assert (problem.metric, problem.positive_class, problem.split.kind) == ("f1", "rich", "time")
    assert {name: column.role for name, column in problem.data.columns.items()} == {"zip.code": "ignored", "note": "ignored"}
    assert (problem.tuning.families, problem.decision.threshold) == (("lightgbm",), 0.3)


@pytest.mark.parametrize(
    "change, why",
    [
        ("split.kind", "write KEY=VALUE"),
        ("=time", "write KEY=VALUE"),
        ("split.kind=sideways", "split.kind"),
        ("spilt.kind=time", "spilt: no such key"),
        ("goal.kind=time", "must be a mapping"),
        ("tuning.families=[lightgbm", "--set tuning.families is not YAML"),
    ],
)
def test_a_change_that_is_wrong_is_said_in_one_line(tmp_path, change, why):
    with pytest.raises(InputError, match=why) as error:
        settings_from(tmp_path, data="people.csv", target="income", goal="Find them", changes=(change,))
    assert "\n" not in str(error.value)


def test_a_config_is_saved_as_it_was_asked_for_and_never_over_another(tmp_path):
    asked, _ = settings_from(tmp_path, data="people.csv", target="income", ignore=("note",), changes=("tuning.folds=3",))
    (tmp_path / "configs").mkdir()
    path = tmp_path / "configs" / "people.yaml"

    check_place("--save-config", path, "people.csv")
    save_config("--save-config", path, given_settings(asked), tmp_path)

    assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")
    assert yaml.safe_load(path.read_text()).keys() == {"name", "data", "tuning"}
    again, _ = settings_from(tmp_path, config=path)
    assert again == asked
    with pytest.raises(InputError, match="not overwritten"):
        check_place("--save-config", path, "people.csv")
    with pytest.raises(InputError, match="holds a password"):
        check_place("--save-config", tmp_path / "b.yaml", "postgresql://me:secret@db/shop")


@pytest.mark.parametrize(
    "name, given",
    [("experiment", {}), ("deployment", {"strategy": "ab"}), ("deployment", {"strategy": "canary"}), ("monitoring", {"act": True})],
)
def test_what_goes_by_labels_is_refused_where_none_can_come(tmp_path, name, given):
    problem, where = settings_from(tmp_path, data="people.csv", task="clustering")
    command = load(name)

    with pytest.raises(InputError, match="goes by labels that come later, and a clustering has none"):
        command.plan(Request(problem, where, tmp_path, "local", Console()), **{**command.defaults(), **given})


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run.py monit", ["monitoring"]),
        ("run.py --pipeline deployment --na", ["--name"]),
        ("run.py deployment --name sho", ["shop", "shoppers"]),
        ("run.py status sold", ["sold_once"]),
    ],
)
def test_a_shell_is_offered_commands_options_and_models(tmp_path, typed, offered):
    for name in ("shop", "shoppers", "loans"):
        (tmp_path / "configs").mkdir(exist_ok=True)
        (tmp_path / "configs" / f"{name}.yaml").touch()
    (tmp_path / "reports" / "sold_once").mkdir(parents=True)
    words = typed.split()
    found = ShellComplete(run.cli, {"obj": tmp_path}, "run.py", "_RUN_PY_COMPLETE").get_completions(words[1:-1], words[-1])

    assert [item.value for item in found] == offered
