"""`write_whole`: a file of this machine that is there whole or not at all; `bytes_of`: what a folder takes.

Standard library only: the front door's pod has no more.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path


def write_whole(path: Path, content: str | bytes, mode: int | None = None) -> None:
    """Put `content` in place of what is at `path`, in one step: whoever reads it, or watches its folder, sees the old file or the new.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    content : str or bytes
        Text is written as UTF-8.
    mode : int, optional
        The file's permissions from its first byte on; as the umask says when absent.

    Raises
    ------
    OSError
        It can't be written; what was there before still is.
    """
    with partial_file(path) as partial:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                # A killed writer may have left one that others can read.
                os.fchmod(descriptor, mode)
            file.write(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def partial_file(path: Path, writer: str = "") -> Iterator[Path]:
    """A file beside `path` to write, which takes its place when the block ends well and is removed when it does not.

    Parameters
    ----------
    writer : str, optional
        Names the file: who comes again under this name replaces what was left when it was killed. By default the
        number of the thread, which no other process of the machine has.
    """
    partial = path.with_name(f".{path.name}.{writer or threading.get_native_id()}.partial")
    try:
        yield partial
        sync(partial)
        partial.replace(path)
    finally:
        # Where a disk can't be written it can't be tidied either; the writer's own error is the one to tell.
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file, or a folder's list of files, on the disk itself: after a power cut a name may otherwise stand for nothing."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bytes_of(folder: Path) -> int:
    """Bytes of the files below `folder`."""
    return sum(status.st_size for status in files_below(folder))


def files_below(folder: Path) -> Iterator[os.stat_result]:
    """The status of each file below `folder`; of several links to one file once, and of symbolic links none."""
    seen, folders = set(), [str(folder)]
    while folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    if status.st_nlink == 1 or (status.st_dev, status.st_ino) not in seen:
                        seen.update([(status.st_dev, status.st_ino)] if status.st_nlink > 1 else [])
                        yield status
