"""`service`: models and schedules that outlive the terminal and come back with the machine."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names
from switchyard.tabular.errors import InputError


@click.group()
def COMMAND() -> None:
    """Have models and schedules start with the machine: systemd's user units, or launchd's agents."""


@COMMAND.command()
@click.argument("model", shell_complete=model_names)
@click.option("--schedule", help="Cron expression of five fields, in UTC: run monitoring by it, or the command after --.")
@click.argument("command", nargs=-1)
@click.option("--print", "show", is_flag=True, help="Print the units, and install nothing.")
@click.pass_obj
def install(root: Path, model: str, schedule: str | None, command: tuple[str, ...], show: bool) -> None:
    """Start MODEL with the machine; with --schedule run `monitoring --name MODEL`, or COMMAND, on a clock.

    A run that was missed while the machine was off is made up for once; none begins while the one before runs.

    Example: service install churn --schedule "0 * * * *" -- monitoring --config configs/churn.yaml --retrain
    """
    from app.units import Job, files_of, kept_environment
    from app.units import install as install_units
    from stacks.active import is_local

    if command and not schedule:
        raise InputError("a command after -- runs by --schedule CRON; name one")
    jobs = [Job(model, root, ("start", model))]
    if schedule:
        _check(schedule, command)
        jobs.append(Job(model, root, command or ("monitoring", "--name", model), schedule))
    if show:
        for name, content in (file for job in jobs for file in files_of(job, kept_environment())):
            click.echo(f"# {name}\n{content.decode()}")
        return
    _ensure(root)
    if not is_local():
        raise InputError("this stack's models and schedules are the cluster's, which keeps them; service is for the stacks of this machine")
    for line in install_units(jobs):
        click.echo(f"note     {line}")
    for job in jobs:
        click.echo(f"unit     {job.name}: run.py {' '.join(job.arguments)}" + (f", by {job.cron!r} (UTC)" if job.cron else ""))
    click.echo(f"next     python run.py status {model}   (python run.py service remove {model} takes them away)")


@COMMAND.command()
@click.argument("model", shell_complete=model_names)
def remove(model: str) -> None:
    """Take the units of MODEL away; what serves goes on serving."""
    from app.units import remove as remove_units

    names = remove_units(model)
    if not names:
        raise InputError(f"no unit is installed for {model!r}; python run.py service list names those that are")
    click.echo(f"removed  {', '.join(names)}; what serves {model} goes on until the machine restarts")


@COMMAND.command("list")
def show_units() -> None:
    """Name the units that are installed."""
    from app.schedules import next_time
    from app.units import units_of

    units = units_of()
    for unit in units:
        click.echo(f"{unit.name}  {next_time(unit.cron) if unit.cron else 'with the machine'}")
    if not units:
        click.echo("no unit is installed; python run.py service install MODEL")


def _check(schedule: str, command: tuple[str, ...]) -> None:
    from app.commands import NAMES
    from app.scheduling import check_schedule
    from switchyard.tabular.suggest import did_you_mean

    check_schedule(schedule)
    if command and command[0] not in NAMES:
        raise InputError(f"{command[0]} is no command of run.py{did_you_mean(command[0], NAMES)}")
    if "--schedule" in command:
        raise InputError("the command after -- needs no --schedule of its own: the timer runs it")


def _ensure(root: Path) -> None:
    from app.repository import ensure_stack

    ensure_stack(root)
