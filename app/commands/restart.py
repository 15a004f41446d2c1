"""`restart`: the services of a model, one after the other, with the traffic as it was."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names


@click.command()
@click.argument("model", shell_complete=model_names)
@click.option("--version", help="One version alone.")
@click.pass_obj
def COMMAND(root: Path, model: str, version: str | None) -> None:
    """Stop and start what serves MODEL.

    One version after the other; the traffic comes back as it was.
    """
    click.echo(f"restart: asking what serves {model}")
    from app.served import deployer_of, restart

    restart(deployer_of(root), model, version, click.echo)
