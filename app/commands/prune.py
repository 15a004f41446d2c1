"""`prune`: takes away what is kept no longer, so that a workspace does not grow without end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.upkeep.retention import DAYS, MEANING, Retention, retention_from

if TYPE_CHECKING:
    from app.upkeep.pruning import Gathered


@click.command(short_help="Take away runs, versions, pages and files that are kept no longer; --dry-run shows them.")
@click.option(
    "--keep", "changes", multiple=True, metavar="KIND=DAYS", help="Another retention than the default; KIND=all keeps a kind for ever."
)
@click.option("--dry-run", is_flag=True, help="Say what would go and what that frees; take nothing away.")
@click.option("--verbose", is_flag=True, help="Name each thing.")
@click.option("--schedule", help="Cron expression in UTC: a CronJob on a cluster, here in the foreground; off ends the CronJob.")
@click.pass_obj
def COMMAND(root: Path, changes: tuple[str, ...], dry_run: bool, verbose: bool, schedule: str | None) -> None:
    """Take away what is kept no longer.

    What is deployed, has an alias, was in production or in an experiment stays, and so does the newest of each kind. Says first what
    would go; exits with 1 where something could not be taken away.
    """
    from app.repository import ensure_stack

    retention = retention_from(changes)
    ensure_stack(root)
    if schedule:
        from app.scheduling import keep_command
        from app.terminal import terminal
        from stacks.cluster.schedule import PRUNER

        keep_command(schedule, "prune", "prune", root, terminal(), account=PRUNER)
        return
    raise SystemExit(_prune(root, retention, dry_run, verbose))


def _prune(root: Path, retention: Retention, dry_run: bool, verbose: bool) -> int:
    from datetime import UTC, datetime

    from app.upkeep.pruning import carry_out, gather

    gathered = gather(root, retention, datetime.now(UTC))
    _show(gathered, retention, verbose)
    total = gathered.freed() / 1e6
    if dry_run:
        click.echo(f"would free {total:,.1f} MB on this machine; without --dry-run it does")
        return 0
    failed = carry_out(gathered, click.echo)
    click.echo(f"freed      {total:,.1f} MB on this machine" + (f"; {failed} could not be taken away" if failed else ""))
    return 1 if failed else 0


def _show(gathered: Gathered, retention: Retention, verbose: bool) -> None:
    from rich.table import Table

    from app.terminal import terminal

    table = Table(show_edge=False, box=None, pad_edge=False)
    for header, side in (("kind", "left"), ("kept", "right"), ("goes", "right"), ("MB", "right"), ("what", "left")):
        table.add_column(header, justify=side)
    for kind in DAYS:
        days, count = retention.days[kind], sum(item.kind == kind for item in gathered.items)
        kept = "all" if days is None else f"{days:g} d"
        table.add_row(kind, kept, f"{count:,}", f"{gathered.freed(kind) / 1e6:,.1f}", MEANING[kind])
    terminal().print(table)
    for item in gathered.items if verbose else ():
        click.echo(f"{item.kind:<11}{item.what}")
