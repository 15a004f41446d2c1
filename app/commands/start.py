"""`start`: the champion of a model, or one version, that was stopped."""

from __future__ import annotations

from pathlib import Path

import click

from app.completing import model_names


@click.command()
@click.argument("model", shell_complete=model_names)
@click.option("--version", help="One version alone.")
@click.pass_obj
def COMMAND(root: Path, model: str, version: str | None) -> None:
    """Start again what was stopped of MODEL.

    The champion, or the version that is named.
    """
    click.echo(f"start: asking what serves {model}")
    from app.served import deployer_of, start

    start(deployer_of(root), model, version, click.echo)
