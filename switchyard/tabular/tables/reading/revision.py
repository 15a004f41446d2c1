"""Which version of the data was read: DVC's when it is under DVC, else the content's own hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from switchyard.tabular.config.yaml_text import read_yaml
from switchyard.tabular.errors import InputError


def digest_of(files: Sequence[Path]) -> str:
    """`sha256:<hex>` of one file as stored; of several, of their names and contents."""
    if len(files) == 1:
        return f"sha256:{_hash(files[0], 'sha256')}"
    root = os.path.commonpath(files) if files else ""
    return digest_of_parts({os.path.relpath(path, root): f"sha256:{_hash(path, 'sha256')}" for path in files})


def digest_of_parts(digests: Mapping[str, str]) -> str:
    """`sha256:<hex>` of several files by name, each with its own."""
    listed = sorted(f"{name}\0{digest.removeprefix('sha256:')}" for name, digest in digests.items())
    return f"sha256:{hashlib.sha256(chr(10).join(listed).encode()).hexdigest()}"


def revision_of(files: Sequence[Path], local: bool) -> tuple[str, tuple[str, ...]]:
    """The revision of what was just read from `files`, with notes.

    Parameters
    ----------
    files : sequence of Path
    local : bool
        They are where the user keeps them, and may be under DVC there.

    Returns
    -------
    revision : str
        `dvc:<md5>` when `<path>.dvc` names this very content, else `sha256:<hex>`.
    notes : tuple of str
        Says so when the file was changed since DVC last saw it.
    """
    path = files[0]
    recorded = _recorded_md5(path) if local and len(files) == 1 else None
    if recorded is None:
        return digest_of(files), ()
    if recorded == _hash(path, "md5"):
        return f"dvc:{recorded}", ()
    note = f"{path.name} differs from what {path.name}.dvc records; its revision is its own hash (dvc add {path.name} records it)"
    return digest_of(files), (note,)


def _hash(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()


def _recorded_md5(path: Path) -> str | None:
    try:
        record = read_yaml(path.with_name(path.name + ".dvc"), "")
        outputs = record["outs"]
        return next((str(out["md5"]) for out in outputs if Path(out.get("path", "")).name == path.name), None)
    except (InputError, KeyError, TypeError, AttributeError):
        return None
