"""`models delete`: a model or one version out of MLflow, ZenML, bundles and reports."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(short_help="models delete NAME[:VERSION] takes a model, or one version, out of everything.")
def COMMAND() -> None:
    """What becomes of registered models besides being served; `zenml model list` shows them."""


@COMMAND.command("delete")
@click.argument("model", metavar="NAME[:VERSION]")
@click.option("--dry-run", is_flag=True, help="Say what would go; take nothing away.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(root: Path, model: str, dry_run: bool, yes: bool) -> None:
    """Delete a model, or one version: in MLflow, ZenML, bundles and reports.

    Refused where it serves. Its predictions and decisions stay in the prediction log.
    """
    from zenml.config.global_config import GlobalConfiguration

    from app.repository import ensure_stack
    from app.upkeep.deleting import deletion_of
    from app.upkeep.item import freed
    from deployment.flavor import SwitchyardDeployer
    from stacks.active import artifact_store, component

    ensure_stack(root)
    from zenml.enums import StackComponentType

    found = component(StackComponentType.MODEL_DEPLOYER)
    deployer = found if isinstance(found, SwitchyardDeployer) else None
    name, _, version = model.partition(":")
    deletion = deletion_of(name, version or None, deployer)
    store, stores = artifact_store().path, Path(GlobalConfiguration().local_stores_path)
    for trained in deletion.versions:
        why = f" ({trained.kept})" if trained.kept else ""
        click.echo(f"version {trained.version} of {name}, of {trained.created:%Y-%m-%d}, {trained.digest[:19]}{why}")
    what = f"model {name} with all of its versions" if deletion.whole else f"version {version} of {name}"
    if dry_run:
        click.echo(f"would delete {what}: {freed(deletion.paths(root, store, stores)) / 1e6:,.1f} MB and its run's artifacts")
        return
    if not yes:
        click.confirm(f"delete {what} for good?", abort=True)
    size = deletion.carry_out(root, store, stores, deployer)
    click.echo(f"deleted {what}: {size / 1e6:,.1f} MB")
