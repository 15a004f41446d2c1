"""`put`: the same bytes lie once in an artifact store that is a folder, whatever number of artifacts holds them.

A file is a hard link to its content in `switchyard/content`, so an artifact can be read, copied and deleted as before; content
that nothing links to any more is found by `unlinked`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from switchyard.files import partial_file

CONTENT = ("switchyard", "content")
"""Below the artifact store's folder."""
_LEAST = 4096
"""Bytes: what is smaller takes no less room for being shared."""


def put(source: Path, target: Path, root: Path) -> None:
    """Put the content of `source` at `target`, a path below the store's folder `root` that is not there yet.

    Where the disk knows no links, or has no more for this content, `target` is a copy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.stat().st_size >= _LEAST:
        with contextlib.suppress(OSError):
            os.link(_kept(source, root), target)
            return
    shutil.copyfile(source, target)


def unlinked(root: Path) -> Iterator[Path]:
    """Contents that no artifact holds any more."""
    for path in root.joinpath(*CONTENT).glob("*/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_nlink == 1:
                yield path


def _kept(source: Path, root: Path) -> Path:
    """The file that holds what `source` holds; what somebody changed there is replaced, and no other artifact with it."""
    digest = _digest(source)
    kept = root.joinpath(*CONTENT, digest[:2], digest)
    if not kept.is_file() or _digest(kept) != digest:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(kept) as partial:
            shutil.copyfile(source, partial)
    return kept


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
