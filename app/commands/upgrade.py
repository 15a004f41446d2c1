"""`upgrade`: what the installed Switchyard means for a folder of one's own, and its files brought up to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from app.own_folder import Upgrade


@click.command()
@click.option("--check", is_flag=True, help="Say what would change, and change nothing.")
@click.pass_obj
def COMMAND(root: Path, check: bool) -> None:
    """Say what the installed version changes for this folder, and bring up the files that nobody edited.

    Ends with 3 where a config is refused by it: mend that first, or install the version before.
    """
    from app.own_folder import bring_up, upgrade_of
    from switchyard import __version__

    found = upgrade_of(root)
    click.echo(f"version  {found.before} made this folder, {__version__} is installed")
    for line in _lines(found):
        click.echo(line)
    if found.wrong:
        click.echo("next     mend the configs that are refused; nothing was changed")
        raise SystemExit(3)
    if check:
        click.echo("next     python run.py upgrade" if found.stale else "next     nothing to do")
        return
    bring_up(root, found)
    click.echo(f"done     {len(found.stale)} files brought up; look at them with git diff")


def _lines(found: Upgrade) -> Iterator[str]:
    for reason in found.wrong:
        yield f"refused  {reason}"
    for what, names in (("gone", found.gone), ("new", found.new), ("default", found.changed)):
        for name in names:
            yield f"{what:<8} {name}"
    for file in found.stale:
        yield f"file     {file} is written otherwise now"
    for file in found.edited:
        yield f"edited   {file} is written otherwise now, and you edited it: it stays; compare it with a fresh run.py init"
