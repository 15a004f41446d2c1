"""`look`: what a training would make of a table, in seconds, without training and without ZenML."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.names import name_of
from app.saving import check_place, save_config
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from switchyard.tabular.report.report import Report

CLUSTERING, RECOMMENDATION = "clustering", "recommendation"
_WIDTH = 80
"""Of what is printed where the terminal does not say."""


@click.command()
@click.option("--data", required=True, help="PATH, URL, builtin:NAME or openml:NAME, or a SQLAlchemy URL with --query.")
@click.option("--target", help="The column to predict; without it the columns alone are looked at.")
@click.option("--query", help="SQL to run when --data is a SQLAlchemy URL.")
@click.option("--time-column", help="Column that orders rows in time; @row: the file's order is time.")
@click.option(
    "--task",
    type=click.Choice([CLUSTERING, RECOMMENDATION]),
    help="clustering: groups are found; recommendation: what users take next, from who took what and when.",
)
@click.option("--user", help="Recommendation: the column of who took something, where its name does not tell.")
@click.option("--item", help="Recommendation: the column of what was taken, where its name does not tell.")
@click.option("--items", help="Recommendation: PATH or URL of a table of the items with their titles and what describes them.")
@click.option("--users", help="Recommendation: PATH or URL of a table of the users with what describes them.")
@click.option("--weight", help="The column that says how much each row counts; it is no feature.")
@click.option("--goal", help="What the model is for, in a sentence; it goes into the config.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write a config that says the same: configs/NAME.yaml.")
@click.pass_context
def COMMAND(context: click.Context, data: str, goal: str | None, save: Path | None, task: str | None, **columns: str | None) -> None:
    """Say what each column is taken for, what is odd, what leaks, and what would be trained; train nothing."""
    target = columns["target"]
    if target and task:
        raise InputError(f"--task {task} predicts no column; leave out --target, or the task")
    if save:
        if target is None and task is None:
            raise InputError("--save needs --target COLUMN: a config says what is predicted")
        check_place("--save", save, data)
    click.echo(f"look     reading {_shown(data)}")
    asked = {"name": save.stem if save else name_of(data), "goal": goal or ""}
    config, following = (_at_interactions if task == RECOMMENDATION else _at_columns)(
        {"source": data, **columns}, {**asked, **({"task": task} if task else {})}
    )
    if save:
        save_config("--save", save, config(), context.obj)
        click.echo(f"config   {save}, ready to be edited")
        following = f"python run.py training --config {shlex.quote(str(save))}"
    if following:
        click.echo(f"next     {following}")


def _at_columns(given: dict[str, str | None], asked: dict[str, Any]) -> tuple[Callable[[], str], str]:
    """Look at a table of rows with columns, and print that; its config, and what to type next."""
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.look import NO_TARGET, config_of, look_at

    task = asked.get("task")
    data = {key: value for key, value in {**given, "target": None if task else given["target"] or NO_TARGET}.items() if value}
    look = look_at(problem_from({**asked, "data": data}, "the command line"))
    _print(look.report())
    if given["target"] is None and task is None:
        last = [column for column in look.schema.columns if column.role != "weight"][-1].name
        return lambda: config_of(look), f"python run.py look {_options(given, task)} --target COLUMN   (the last one is {last!r})"
    return lambda: config_of(look), "" if look.trouble else f"python run.py training {_options(given, task)}"


def _at_interactions(given: dict[str, str | None], asked: dict[str, Any]) -> tuple[Callable[[], str], str]:
    """The same of a table of who took what and when."""
    import yaml

    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.recommendation.looking import look_at_interactions

    data = {key: value for key, value in given.items() if value}
    look = look_at_interactions(problem_from({**asked, "data": data}, "the command line"))
    _print(look.report())
    roles = {key: value for key in ("user", "item", "time_column", "weight") if (value := getattr(look.problem.data, key))}
    settings = {**{key: value for key, value in asked.items() if value}, "data": {**data, **roles}}
    following = "" if look.trouble else f"python run.py training {_options(data, RECOMMENDATION)}"
    return lambda: yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), following


def _print(report: Report) -> None:
    from rich.console import Console

    from switchyard.tabular.report.terminal import render

    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=_WIDTH, highlight=False)
    for part in render(report):
        console.print(part)
    console.print()


def _shown(data: str) -> str:
    from switchyard.tabular.tables.reading.credentials import without_credentials

    return without_credentials(data)


def _options(data: Mapping[str, str | None], task: str | None) -> str:
    """What was said of the data, as options of a training."""
    said = {"data": _shown(str(data["source"])), "task": task, **{key: value for key, value in data.items() if key != "source"}}
    return " ".join(f"--{key.replace('_', '-')} {shlex.quote(value)}" for key, value in said.items() if value)
