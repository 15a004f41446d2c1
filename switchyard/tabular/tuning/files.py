"""Small files that survive a kill: `StoredFiles`, a lock that does not outlive its process, a journal without torn lines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from switchyard.files import write_whole

logger = logging.getLogger(__name__)


class StoredFiles:
    """A folder of small files, local or behind any fsspec URL. A file is there whole or not at all.

    Parameters
    ----------
    root : str
        A folder or an fsspec URL.
    system : fsspec.AbstractFileSystem, optional
        The file system that `root` lies on, where its URL alone does not say how to log in.
    """

    def __init__(self, root: str, system: Any = None):
        import fsspec

        self._system, self._root = (system, root) if system is not None else fsspec.core.url_to_fs(root)
        self._local = isinstance(self._system, fsspec.implementations.local.LocalFileSystem)

    def write(self, name: str, content: bytes) -> None:
        path = f"{self._root}/{name}"
        if not self._local:  # Object stores put whole objects.
            self._system.pipe_file(path, content)
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_whole(Path(path), content)

    def read(self, name: str) -> bytes:
        return self._system.cat_file(f"{self._root}/{name}")

    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._system.rm_file(f"{self._root}/{name}")

    def remove_all(self, folder: str) -> None:
        # Others may have written since this process last listed the folder.
        self._system.invalidate_cache()
        path = f"{self._root}/{folder}"
        if self._system.exists(path):
            self._system.rm(path, recursive=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process alone; waits while another has it, and ends with the process however it ends."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process is tuning %s; waiting for it", folder.name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def drop_torn_line(journal: Path) -> None:
    """Cut off what a kill left half written, or the next line would be appended to it."""
    if journal.exists() and not (content := journal.read_bytes()).endswith(b"\n") and content:
        with open(journal, "r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)
