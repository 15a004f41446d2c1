"""`perform`: from a command and the values of its options to its result, the summary file and the metrics, however it ends."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app import collecting
from app.command import Command, Plan, Request, Result
from app.repository import left_as_it_is
from app.schedule_alerts import told_of
from switchyard.permissions import shared
from switchyard.tabular.errors import SwitchyardError

if TYPE_CHECKING:
    from rich.console import Console

    from switchyard.tabular.config.problem import Problem

logger = logging.getLogger(__name__)


def perform(root: Path, began: float, name: str, command: Command, values: Mapping[str, Any]) -> Result:
    """Do what is asked for; nothing else writes a summary or metrics.

    Parameters
    ----------
    root : Path
        Folder of configs and results: the project's, or one of one's own.
    began : float
        `time.monotonic()` when the process, or the call, began.
    name : str
        The command's.
    values : mapping
        Of all options: those that change the problem, the command's own, `dry_run`, `summary`, and where given `quiet` and `as_json`.

    Raises
    ------
    SwitchyardError
        The command failed. The summary, if one is wanted, says so: a script never reads an old one.
    """
    changes = {option.name: values[option.name] for option in command.changes}
    with told_of(lambda: _problem(root, changes)), left_as_it_is(root) if values["dry_run"] else contextlib.nullcontext():
        return _perform(root, began, name, command, values, changes)


def _problem(root: Path, changes: Mapping[str, Any]) -> Problem:
    from app.settings import settings_from

    return settings_from(root, **changes)[0]


def _perform(root: Path, began: float, name: str, command: Command, values: Mapping[str, Any], changes: Mapping[str, Any]) -> Result:
    # Rich is no part of what a help needs.
    from app.terminal import kept_clean, terminal

    summary, model, as_json, quiet = values["summary"], "", bool(values.get("as_json")), bool(values.get("quiet"))
    if summary and summary.is_file():
        summary.unlink()
    try:
        with kept_clean(as_json, quiet):
            request = request_from(root, name, changes, terminal(as_json, quiet))
            model = request.problem.name
            own = {option.name: values[option.name] for option in command.own}
            if values["dry_run"]:
                show(request, command.plan(request, **own))
                return Result()
            collecting.as_usual()
            result = command(request, **own)
    except SwitchyardError as error:
        ended = {"pipeline": name, "status": "failed", "exit_code": error.exit_code, "error": str(error)}
        _tell(ended, model, error.exit_code, summary, began, as_json)
        raise
    # A command that only keeps a schedule ran nothing: what the last run told stays.
    if result.summary:
        _tell({"pipeline": name, **result.summary}, model, result.exit_code, summary, began, as_json)
    return result


def request_from(root: Path, name: str, changes: Mapping[str, Any], console: Console) -> Request:
    """What the command `name` is given, from the options that choose its problem."""
    # What follows loads ZenML, which takes seconds in which nobody should wonder.
    console.print(f"[dim]{name}: reading the config, asking the stack[/]", highlight=False)
    from app.repository import ensure_stack
    from app.settings import settings_from

    problem, where = settings_from(root, **changes)
    return Request(problem, where, root, ensure_stack(root), console)


def show(request: Request, plan: Plan) -> None:
    """Print what a dry run prints: the config, the steps, the stack."""
    import yaml
    from zenml.client import Client

    from app.running import show_steps

    console = request.console
    console.print(plan.title, highlight=False)
    if plan.check is not None:
        for line in plan.check() or ():
            console.print(line, highlight=False, markup=False)
    console.print(f"[bold]config[/] (checked, from {request.where})")
    text = yaml.safe_dump(request.problem.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    console.print(text, highlight=False, markup=False)
    if plan.pipeline is not None:
        console.print("[bold]steps[/]")
        show_steps(plan.pipeline, plan.arguments, console)
    console.print(f"[bold]stack[/] {request.stack}")
    for kind, components in Client().active_stack_model.components.items():
        console.print(f"  {kind.value}: {', '.join(f'{item.name} ({item.flavor_name})' for item in components)}", highlight=False)


def _tell(summary: Mapping[str, Any], model: str, exit_code: int, path: Path | None, began: float, as_json: bool) -> None:
    """Write or print the summary where it is wanted, and write the metrics where a run of a model ended."""
    from app.textfile import publish

    told = {**summary, "duration_s": round(time.monotonic() - began, 2)}
    if path:
        with shared():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(told, indent=1))
    if not model:
        return
    try:
        publish(told, model, exit_code)
    except OSError as error:
        logger.warning("no metrics of this run for Prometheus: %s", error)
