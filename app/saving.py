"""`save_config`: a config that a command writes for a person to keep and to edit, never over another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from switchyard.permissions import shared
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import holds_secret, without_credentials

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Problem

SCHEMA = Path("configs") / "schema.json"
"""The JSON schema of a config in the repository, made by `make reference`."""


def check_place(option: str, path: Path, source: str) -> None:
    """Refuse, before any work, a place or a content that `save_config` could not write.

    Parameters
    ----------
    option : str
        As typed, for the error: "--save".
    path : Path
        Where the config shall be.
    source : str
        Its `data.source`.

    Raises
    ------
    InputError
        When it is no YAML file's name, something is there already, or the source holds a password.
    """
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"{option} {path}: a config's name ends in .yaml, as in configs/NAME.yaml")
    if path.exists():
        raise InputError(f"{option} {path}: there is one already, and it is not overwritten; name another, or remove it")
    if holds_secret(source):
        raise InputError(
            f"{option}: {without_credentials(source)} holds a password or token, which the config would keep;"
            " write a {{secret.key}} into it by hand"
        )


@shared()
def save_config(option: str, path: Path, text: str, root: Path) -> None:
    """Write the YAML `text` to `path`, below the line by which an editor finds the schema of the repository `root`.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    schema = root / SCHEMA
    # From elsewhere a path to the schema would be one of this machine only.
    within = path.resolve().is_relative_to(root.resolve())
    line = f"# yaml-language-server: $schema={os.path.relpath(schema, path.resolve().parent)}\n" if within else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as sink:
            sink.write(line + text)
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror}") from None


def given_settings(problem: Problem) -> str:
    """What was said of `problem`, by a config or the command line, as YAML; what has its default is left out."""
    import yaml

    said = problem.model_dump(mode="json", exclude_unset=True)
    if problem.plugins:
        said["plugins"] = [plugin.source for plugin in problem.plugins]
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
