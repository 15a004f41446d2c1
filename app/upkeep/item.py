"""`Item`: one thing that may go, and what that would free."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """One thing that is kept no longer.

    Parameters
    ----------
    kind : str
        One of `app.upkeep.retention.DAYS`.
    what : str
        It, in words.
    free : callable
        Takes it away; what is gone already is no error.
    paths : tuple of Path
        Its files and folders on this machine; none where they lie elsewhere.
    """

    kind: str
    what: str
    free: Callable[[], None]
    paths: tuple[Path, ...] = ()


def freed(paths: Iterable[Path]) -> int:
    """Bytes that are free once all of `paths` are gone.

    A file of an artifact is a link to its content (`materializers.once`): it frees something only with the last that links to it.
    """
    links: Counter[tuple[int, int]] = Counter()
    found: dict[tuple[int, int], os.stat_result] = {}
    for file in {file for path in paths for file in _files(path)}:
        status = file.lstat()
        inode = (status.st_dev, status.st_ino)
        links[inode] += 1
        found[inode] = status
    return sum(status.st_size for inode, status in found.items() if links[inode] >= max(1, status.st_nlink - 1))


def remove_empty(path: Path, root: Path) -> None:
    """Remove the folders above `path`, below `root`, that hold nothing any more."""
    for folder in path.parents:
        if folder == root or root not in folder.parents:
            return
        try:
            folder.rmdir()
        except OSError:
            return


def _files(path: Path) -> Iterator[Path]:
    if path.is_file() or path.is_symlink():
        yield path
    elif path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file() or file.is_symlink())
