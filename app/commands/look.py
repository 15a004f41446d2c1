"""`look`: what a training would make of a table, in seconds, without training and without ZenML."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from app.names import name_of
from app.saving import check_place, save_config
from switchyard.tabular.errors import InputError

_WIDTH = 80
"""Of what is printed where the terminal does not say."""


@click.command()
@click.option("--data", required=True, help="PATH, URL, builtin:NAME or openml:NAME, or a SQLAlchemy URL with --query.")
@click.option("--target", help="The column to predict; without it the columns alone are looked at.")
@click.option("--query", help="SQL to run when --data is a SQLAlchemy URL.")
@click.option("--time-column", help="Column that orders rows in time; @row: the file's order is time.")
@click.option("--goal", help="What the model is for, in a sentence; it goes into the config.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Write a config that says the same: configs/NAME.yaml.")
@click.pass_context
def COMMAND(
    context: click.Context, data: str, target: str | None, query: str | None, time_column: str | None, goal: str | None, save: Path | None
) -> None:
    """Say what each column is taken for, what is odd, what leaks, and what would be trained; train nothing."""
    if save:
        if target is None:
            raise InputError("--save needs --target COLUMN: a config says what is predicted")
        check_place("--save", save, data)
    click.echo(f"look     reading {_shown(data)}")
    from rich.console import Console

    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.look import NO_TARGET, config_of, look_at
    from switchyard.tabular.report.terminal import render

    given = {"source": data, "target": target or NO_TARGET, "query": query, "time_column": time_column}
    settings = {
        "name": save.stem if save else name_of(data),
        "goal": goal or "",
        "data": {key: value for key, value in given.items() if value},
    }
    look = look_at(problem_from(settings, "the command line"))
    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=_WIDTH, highlight=False)
    for part in render(look.report()):
        console.print(part)
    console.print()
    if save:
        save_config("--save", save, config_of(look), context.obj)
        click.echo(f"config   {save}, ready to be edited")
    click.echo(f"next     {_next(data, target, look, save)}")


def _shown(data: str) -> str:
    from switchyard.tabular.tables.reading.credentials import without_credentials

    return without_credentials(data)


def _next(data: str, target: str | None, look: Any, save: Path | None) -> str:
    """What to type now."""
    if save:
        return f"python run.py training --config {shlex.quote(str(save))}"
    if target is None:
        last = look.schema.columns[-1].name
        return f"python run.py look --data {shlex.quote(_shown(data))} --target COLUMN   (the last one is {last!r})"
    return f"python run.py training --data {shlex.quote(_shown(data))} --target {shlex.quote(target)}"
