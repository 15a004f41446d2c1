"""Which version of the data was read: DVC's when it is under DVC, else the content's own hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from switchyard.tabular.config.yaml_text import read_yaml
from switchyard.tabular.errors import InputError


class ContentHash:
    """The hashes of a file that is read chunk by chunk: SHA-256, and MD5 as DVC takes it."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Take `chunk` in."""
        self._sha256.update(chunk)
        self._md5.update(chunk)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()


def revision_of(content: ContentHash, path: Path | None) -> tuple[str, tuple[str, ...]]:
    """The revision of a file just read, with notes.

    Parameters
    ----------
    content : ContentHash
        Hashes of the bytes as stored.
    path : Path or None
        Where the file is, when it is a local one.

    Returns
    -------
    revision : str
        `dvc:<md5>` when `<path>.dvc` names this very content, else `sha256:<hex>`.
    notes : tuple of str
        Says so when the file was changed since DVC last saw it.
    """
    recorded = _recorded_md5(path) if path is not None else None
    if path is None or recorded is None:
        return f"sha256:{content.sha256}", ()
    if recorded == content.md5:
        return f"dvc:{recorded}", ()
    note = f"{path.name} differs from what {path.name}.dvc records; its revision is its own hash (dvc add {path.name} records it)"
    return f"sha256:{content.sha256}", (note,)


def _recorded_md5(path: Path) -> str | None:
    try:
        record = read_yaml(path.with_name(path.name + ".dvc"), "")
        outputs = record["outs"]
        return next((str(out["md5"]) for out in outputs if Path(out.get("path", "")).name == path.name), None)
    except (InputError, KeyError, TypeError, AttributeError):
        return None
