"""Who may read what this program writes: its owner alone, but for what is made to be shown. Standard library only."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_PRIVATE = 0o077
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_found: list[int] = []
"""The umask that this process was started with, once it keeps its files private."""


def keep_private() -> None:
    """From now on the files of this process, and of those it starts, are their owner's alone, whoever makes them.

    A library's files are among them: ZenML's store with its secrets, MLflow's database, Envoy's logs. SQLite gives its
    side files the rights of the database. Call it where a program begins.
    """
    before = os.umask(_PRIVATE)
    if not _found:
        _found.append(before)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """What is made meanwhile is for others to read, as far as the umask says that the program was started with."""
    if not _found:
        yield
        return
    before = os.umask(_found[0])
    try:
        yield
    finally:
        os.umask(before)


def close_off(folder: Path) -> None:
    """Have all below `folder`, and itself, be its owner's alone, where it was made by a version that left it open.

    A folder that is closed by itself is left at that: nobody gets to what is below, and a store has many files. Links are
    not followed, and what belongs to others is theirs to close.

    Raises
    ------
    OSError
        The rights of something can't be changed.
    """
    if not os.path.isdir(folder) or not _is_open(folder):
        return
    for place, folders, names in os.walk(folder, topdown=False):
        for name in (*names, *folders):
            _close(Path(place, name))
    # Last, so that one that was stopped half-way begins again.
    _close(folder)


def _is_open(path: Path) -> bool:
    found = path.lstat()
    return found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & _OTHERS)


def _close(path: Path) -> None:
    # Files of a store that is in use come and go.
    with contextlib.suppress(FileNotFoundError):
        if _is_open(path):
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS)
