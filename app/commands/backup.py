"""`backup`: the workspace of this machine in one file, while it serves."""

from __future__ import annotations

from pathlib import Path

import click

from app.upkeep.sealing import VARIABLE


@click.command(short_help="Write the workspace to one file, while it serves; secrets only with a passphrase.")
@click.argument("target", metavar="TO", type=click.Path(path_type=Path))
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"With a passphrase, here or in {VARIABLE}, tokens and ZenML's secrets go in too, encrypted.",
)
@click.pass_obj
def COMMAND(root: Path, target: Path, passphrase_file: Path | None) -> None:
    """Write all that a restore needs to the file TO, or into the folder TO.

    Runs, versions, bundles, studies, the prediction log with its ledgers, what is served, configs, plugins and reports.
    """
    from datetime import UTC, datetime

    from app.upkeep.backup import back_up, workspace
    from app.upkeep.sealing import passphrase_from
    from stacks.active import require_own_records

    require_own_records()
    if target.is_dir():
        target /= f"switchyard-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"
    passphrase = passphrase_from(passphrase_file)
    manifest = back_up(workspace(root), target.absolute(), passphrase)
    click.echo(f"backup    {target}: {len(manifest.files):,} files, {target.stat().st_size / 1e6:,.1f} MB")
    if passphrase is None:
        click.echo(
            "secrets   left out: a restore makes new tokens, and ZenML's secrets are to be made again (--passphrase-file takes them in)"
        )
    click.echo(f"restore   python run.py restore {target}, where ZENML_CONFIG_PATH names a folder without a workspace")
