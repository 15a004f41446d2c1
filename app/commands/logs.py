"""`logs`: what the services of a model printed."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names


@click.command()
@click.argument("model", shell_complete=model_names)
@click.option("--version", help="One version alone.")
@click.option("--tail", default=100, show_default=True, help="Lines of each version.")
@click.pass_obj
def COMMAND(root: Path, model: str, version: str | None, tail: int) -> None:
    """Print what the services of MODEL printed last."""
    from app.served import deployer_of, lines

    for line in lines(deployer_of(root), model, version, tail):
        click.echo(line)
