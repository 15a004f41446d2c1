"""`compare`: two registered versions of a model side by side, as a page below reports/."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.completing import model_names
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from switchyard.monitoring.versions import Side

_FACTS = {"family": "model", "data_source": "table", "data_revision": "its revision", "code_commit": "code", "verdict": "verdict"}
"""Tags of a version that say where it comes from, and what they are called."""


@click.command()
@click.argument("model", shell_complete=model_names)
@click.argument("before")
@click.argument("after")
@click.pass_obj
def COMMAND(root: Path, model: str, before: str, after: str) -> None:
    """Show what became otherwise from version BEFORE of MODEL to version AFTER.

    Scores, the rows that they answer differently, columns and their weights; as a page in reports/MODEL/.
    """
    if before == after:
        raise InputError(f"version {before} is the same as itself; name two versions of {model!r}")
    click.echo(f"compare  versions {before} and {after} of {model}")
    from app.reports import publish_comparison
    from app.repository import ensure_stack
    from switchyard.monitoring.versions import compare_versions
    from switchyard.tabular.report import html

    ensure_stack(root)
    report = compare_versions(model, _side(model, before), _side(model, after))
    click.echo(f"         {report.lead}")
    click.echo(f"reports  {publish_comparison(root, model, before, after, html.page(report))}")


def _side(model: str, version: str) -> Side:
    from registry.production import find_version, tags_of
    from registry.reference import find_reference
    from switchyard.bundle.signature import RECOMMENDATION
    from switchyard.monitoring.versions import Side

    found = find_version(model, version)
    if found.signature is not None and found.signature.task == RECOMMENDATION:
        raise InputError(f"{model!r} recommends: its versions have no rows to compare by; their pages are in reports/{model}/")
    tags = tags_of(model, version)
    facts = {title: tags[tag] for tag, title in _FACTS.items() if tags.get(tag)}
    return Side(version, found.scorer(), find_reference(model, version), facts)
