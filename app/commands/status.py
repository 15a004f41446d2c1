"""`status`: what is served, where and since when, what it answered, when it was last looked at, and what comes next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click

from app.completing import model_names
from app.standing import LookStanding, Standing, standing_of
from switchyard.files import bytes_of


@click.command()
@click.argument("model", required=False, shell_complete=model_names)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def COMMAND(root: Path, model: str | None, as_json: bool) -> None:
    """Show what is served and how it does.

    For each model, or the one called MODEL: versions, traffic and answers, monitoring, alerts, schedules; and the disk.
    Exits with 1 where something is ill.
    """
    if not as_json:
        click.echo("status: asking the stack")
    from app.schedules import schedules_of
    from app.served import chosen, deployer_of, models_of

    deployer = deployer_of(root)
    if model is not None:
        chosen(deployer, model)
    names = [model] if model is not None else list(models_of(deployer))
    found = [standing_of(deployer, name, schedules_of(name)) for name in names]
    if as_json:
        click.echo(json.dumps({"models": [one.to_json() for one in found], "disk": _disk()}, indent=1))
    else:
        for one in found:
            _show(one)
        if not found:
            click.echo("no model is served on this stack; python run.py --pipeline deployment deploys what was trained last")
        for line in _disk_lines():
            click.echo(line)
    raise SystemExit(1 if any(one.trouble for one in found) else 0)


def _show(one: Standing) -> None:
    from rich.markup import escape
    from rich.table import Table

    from app.terminal import terminal

    console = terminal()
    console.print(f"[bold]{escape(one.model)}[/]  {one.address}")
    table = Table(show_edge=False, box=None, pad_edge=False)
    for header in ("version", "state", "share", "restarts", "predictions/h", "answers", "4xx", "5xx"):
        table.add_column(header, justify="left" if header in ("version", "state") else "right")
    for version in one.versions:
        mark = " (champion)" if version.version == one.champion else " (shadow)" if version.role == "shadow" else ""
        counts = (version.restarts, version.predictions_last_hour, version.requests, version.refused, version.errors)
        table.add_row(
            f"{version.version}{mark}", version.state, f"{version.share:.0%}", *("-" if count is None else f"{count:,}" for count in counts)
        )
    console.print(table)
    if one.production_since:
        console.print(f"in production since {one.production_since[:16].replace('T', ' ')} UTC, by {escape(one.promoted_by)}")
    console.print(f"monitoring   {_said(one.last_monitoring, f'no window yet; python run.py --pipeline monitoring --name {one.model}')}")
    if one.last_alert is not None and one.last_alert != one.last_monitoring:
        console.print(f"last alert   {_said(one.last_alert, '')}")
    for line in one.schedules or ("none; --schedule of monitoring keeps one",):
        console.print(f"schedule     {escape(line)}")
    for line in one.trouble:
        console.print(f"[red]ill[/]          {escape(line)}")
    console.print()


def _said(look: LookStanding | None, otherwise: str) -> str:
    from rich.markup import escape

    if look is None:
        return escape(otherwise)
    return escape(f"{look.action}, window until {look.until[:16].replace('T', ' ')} UTC, version {look.version}: {look.reason}")


def _disk() -> dict[str, float]:
    """Gigabytes that this machine's stores take, by what they hold, and that are free."""
    from zenml.config.global_config import GlobalConfiguration

    root = Path(GlobalConfiguration().local_stores_path)
    if not root.is_dir():
        return {}
    return {"stores_gb": round(bytes_of(root) / 1e9, 3), "free_gb": round(shutil.disk_usage(root).free / 1e9, 1)}


def _disk_lines() -> list[str]:
    disk = _disk()
    return [f"disk         {disk['stores_gb']:.2f} GB in this machine's stores, {disk['free_gb']:.0f} GB free"] if disk else []
