"""`model_names`: what a shell offers where a command asks for a model."""

from __future__ import annotations

from pathlib import Path

import click


def model_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names that begin so, of the folder's configs and of models that have pages in it.

    The registry is not asked: it takes seconds, and a key is pressed for a name.
    """
    root: Path = context.find_root().obj
    names = {path.stem for path in (root / "configs").glob("*.yaml")} | {
        path.name for path in (root / "reports").glob("*") if path.is_dir()
    }
    return sorted(name for name in names if name.startswith(incomplete))
