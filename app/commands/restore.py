"""`restore`: what `backup` wrote, on this machine or another, serving at once."""

from __future__ import annotations

from pathlib import Path

import click

from app.upkeep.sealing import VARIABLE


@click.command(short_help="Bring back what backup wrote, where there is no workspace yet, and start what it served.")
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@click.option("--passphrase-file", type=click.Path(path_type=Path, dir_okay=False), help=f"Where {VARIABLE} is not set.")
@click.option("--no-start", is_flag=True, help="Start nothing; run.py start MODEL does.")
@click.pass_obj
def COMMAND(root: Path, source: Path, passphrase_file: Path | None, no_start: bool) -> None:
    """Bring back the workspace in the file FROM and start what was served.

    Nothing is written before all of it is checked; a workspace that is there is never replaced. The repository's configs, plugins and
    reports take the place of those that are there.
    """
    from app.upkeep.backup import workspace
    from app.upkeep.restoring import restore
    from app.upkeep.sealing import passphrase_from

    place = workspace(root)
    restored = restore(source, place, passphrase_from(passphrase_file))
    click.echo(
        f"restored  {len(restored.manifest.files):,} files of {restored.manifest.made[:16].replace('T', ' ')} UTC into {place.stores}"
    )
    click.echo(f"files     {restored.files:,} of configs, plugins, reports; git status shows what is not as in this clone")
    for model in restored.new_tokens:
        click.echo(f"tokens    {model}: a new one, in {place.stores / 'switchyard' / 'serving' / model / 'tokens'}; clients need it")
    for model in restored.new_ports:
        click.echo(f"port      {model}: its port is taken on this machine, so its front door has another one (run.py status)")
    if not no_start:
        from app.served import bring_up, deployer_of

        bring_up(deployer_of(root), click.echo)
