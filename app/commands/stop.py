"""`stop`: the services of a model, or of one version, once they have answered what they were asked."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names


@click.command()
@click.argument("model", shell_complete=model_names)
@click.option("--version", help="One version alone.")
@click.pass_obj
def COMMAND(root: Path, model: str, version: str | None) -> None:
    """Stop what serves MODEL.

    What was asked is answered first; where nothing is left, the front door says 503.
    """
    click.echo(f"stop: asking what serves {model}")
    from app.served import deployer_of, stop

    stop(deployer_of(root), model, version, click.echo)
