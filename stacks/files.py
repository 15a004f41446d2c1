"""Files that go in and out of a run: staged where its steps reach them, brought here to be read, in place only when they are whole."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zenml.io import fileio

from stacks.active import artifact_store, is_local
from stacks.secrets import with_secrets
from switchyard.outputs import whole_file
from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.tables.reading.credentials import STAGED, first_line, without_credentials
from switchyard.tabular.tables.reading.files import download

DVC_SUFFIX = ".dvc"
_BLOCK = 1 << 20


def stage_file(path: Path) -> str:
    """Put a local file into the active artifact store, named by its content, once; returns its URI there.

    DVC's record of the file (`<name>.dvc`) goes with it, since the data's revision is read from it.
    """
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    root = artifact_store().path
    target = os.path.join(root, "switchyard", "data", digest[:32], path.name)
    if not fileio.exists(target):
        store_whole(target, path)
    record = path.with_name(path.name + DVC_SUFFIX)
    if record.is_file():
        store_whole(target + DVC_SUFFIX, record)
    elif fileio.exists(target + DVC_SUFFIX):
        fileio.remove(target + DVC_SUFFIX)
    return target


def is_local_file(source: str) -> bool:
    """Whether a table's source is a file that lies on this machine."""
    return "://" not in source and Path(source).expanduser().is_file()


def stage_source(source: str) -> str:
    """Where steps find a table: a file of this machine is staged first, anything else is what it is.

    Raises
    ------
    InputError
        It is several files of this machine, and the steps run elsewhere.
    """
    return stage_file(Path(source).expanduser()) if is_local_file(source) else _in_place(source)


def reachable_source(source: str) -> str:
    """Where steps find a table that they read in place; raises as `stage_source` does."""
    return reachable(Path(source).expanduser()) if is_local_file(source) else _in_place(source)


def _in_place(source: str) -> str:
    """A table that is no single file of this machine: the parts in a folder, or what a pattern fits, by their whole path."""
    path = os.path.expanduser(source)
    if "://" in source or not glob.glob(path, recursive=True):
        return source
    if not is_local():
        raise InputError(f"{source} is several files of this machine, which steps on this stack do not see; give one file, or a URL")
    return os.path.abspath(path)


def stage_table(content: bytes, name: str) -> str:
    """Put a table that was put together here into the active artifact store, named by its content; what `data.source` says of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return STAGED + stage_file(path)


def reachable(path: Path) -> str:
    """Where steps find a local file: as it is, or a copy in the artifact store, named by its content."""
    return str(path.resolve()) if is_local() else stage_file(path)


def reachable_output(name: str, run_name: str) -> str:
    """A place in the artifact store for a file that steps elsewhere write."""
    return os.path.join(artifact_store().path, "switchyard", "outputs", run_name, name)


@contextmanager
def local_copy(location: str) -> Iterator[str]:
    """The file behind `location` as a local path where it lies in a remote artifact store, else `location` with its secrets.

    What stands before the path of a staged table (`log:`) stays.
    """
    kind = STAGED if location.startswith(STAGED) else ""
    whole, location = location, location.removeprefix(STAGED)
    if "://" not in location or not _is_in_store(location):
        yield with_secrets(whole)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, os.path.basename(location))
        for suffix in ("", DVC_SUFFIX):
            if fileio.exists(location + suffix):
                _read(location + suffix, Path(target + suffix))
        yield kind + target


@contextmanager
def local_input(location: str) -> Iterator[Path]:
    """The file at `location` (path, URI in the artifact store, any fsspec URL) as a local one.

    Raises
    ------
    InputError
        It is not there or can't be read.
    """
    if "://" not in location:
        yield Path(location)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, os.path.basename(location.split("::")[0].split("?")[0]) or "table")
        if _is_in_store(location):
            _read(location, target)
        else:
            download(location, target)
        yield target


@contextmanager
def whole_output(location: str, identity: str) -> Iterator[Path]:
    """A local file to write, put at `location` when the block ends well; before that nothing is seen there.

    Parameters
    ----------
    location : str
        Path, URI in the artifact store, or fsspec URL.
    identity : str
        Of the run: the temporary file beside a local `location` is named by it, so that a repeated run replaces what a
        killed one left.
    """
    if "://" not in location:
        with whole_file(Path(location), identity) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, os.path.basename(location.split("?")[0]))
        yield written
        _upload(written, location)


def bring(location: str, path: Path) -> None:
    """Copy a file of the artifact store to `path`, in place when it is whole."""
    with whole_output(str(path), "download") as partial:
        _read(location, partial)


def store_whole(location: str, content: Path | bytes) -> None:
    """Put a file's content, or bytes, at `location` in an artifact store, in one step."""
    fileio.makedirs(os.path.dirname(location))
    partial = f"{location}.{os.getpid()}.partial"
    try:
        with fileio.open(partial, "wb") as sink:
            if isinstance(content, bytes):
                sink.write(content)
            else:
                with content.open("rb") as source:
                    shutil.copyfileobj(source, sink, _BLOCK)
        fileio.rename(partial, location, overwrite=True)
    except BaseException:
        # A store that does not answer can't be tidied either; the writer's own error is the one to tell.
        with suppress(Exception):
            fileio.remove(partial)
        raise


def _read(location: str, path: Path) -> None:
    with fileio.open(location, "rb") as source, path.open("wb") as sink:
        shutil.copyfileobj(source, sink, _BLOCK)


def _is_in_store(location: str) -> bool:
    return location.startswith(artifact_store().path.rstrip("/") + "/")


def _upload(path: Path, location: str) -> None:
    label = without_credentials(location)
    try:
        if _is_in_store(location):
            store_whole(location, path)
            return
        import fsspec

        system, target = fsspec.core.url_to_fs(location)
        folder = target.rpartition("/")[0]
        if folder:
            system.makedirs(folder, exist_ok=True)
        # Object stores show a file when it is whole; the others get it under another name first.
        partial = f"{target}.partial"
        system.put_file(str(path), partial)
        system.mv(partial, target)
    except ImportError as error:
        raise InputError(f"{label} needs a package that is not installed: {first_line(error)}") from None
    # Every file system has errors of its own; whatever they are, the user needs the one line.
    except Exception as error:
        raise SwitchyardError(f"{label} cannot be written ({type(error).__name__}): {first_line(error)}") from None
