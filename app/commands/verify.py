"""`verify`: who signed a registered version, and whether it is still what was signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.completing import model_names

if TYPE_CHECKING:
    from rich.console import Console

    from registry.versions import Registered
    from switchyard.tabular.config.production import Trust

_CLAIMS = ("who", "when", "code_commit", "lock", "data_source", "data_revision", "evaluated_digest", "sbom", "zenml_run")

_OTHERS = ("baseline_", "gap_")
"""Metrics that are signed too, and are not of the model itself."""


@click.command()
@click.argument("model", shell_complete=model_names)
@click.pass_obj
def COMMAND(root: Path, model: str) -> None:
    """Say who signed MODEL[:VERSION], of what it was made, and what was changed since.

    Without a version the one in production, else the newest that might be. Exits with 1 where a deployment would not take it.
    """
    from app.repository import ensure_stack
    from app.terminal import terminal
    from registry.production import find_version, next_version, version_of
    from registry.trust import require_trusted
    from registry.versions import CHAMPION

    ensure_stack(root)
    name, _, version = model.partition(":")
    # Files that were changed end here, in a line that names them.
    found = find_version(name, version or version_of(name, CHAMPION) or next_version(name))
    trust = trust_of(root, name)
    _show(found, trust, terminal())
    require_trusted(found, trust)


def trust_of(root: Path, name: str) -> Trust:
    """What the config of a model says of trust: configs/NAME.yaml, where there is one."""
    from app.settings import settings_from
    from switchyard.tabular.config.production import Trust

    own = root / "configs" / f"{name}.yaml"
    return settings_from(root, own)[0].trust if own.is_file() else Trust()


def _show(found: Registered, trust: Trust, console: Console) -> None:
    from registry.trust import signer_of

    owner, doubt = signer_of(found, trust)
    lines = [f"{found.name} version {found.version}, {found.digest}"]
    if found.seal is None:
        lines.append("signed    by nobody; its files are those that were registered")
    else:
        said: dict[str, Any] = found.seal.claims
        lines += [f"signed    by the key {found.seal.key[:12]} of {owner}: {doubt or 'trusted'}"]
        lines += [f"files     {', '.join(sorted(found.opened.files))} are what was signed"]
        lines += [f"{key.replace('_', ' '):<9} {said[key]}" for key in _CLAIMS if said.get(key)]
        if metrics := said.get("metrics"):
            own = {metric: value for metric, value in sorted(metrics.items()) if not metric.startswith(_OTHERS)}
            more = f" (and {len(metrics) - len(own)} of baselines and groups)" if len(own) < len(metrics) else ""
            lines.append("scores    " + ", ".join(f"{metric} {value:.4g}" for metric, value in own.items()) + more)
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
