"""Files that go in and out of a run: reachable from where its steps run, in place only when they are whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.io import fileio

from stacks.active import stage_file
from switchyard.tabular.errors import InputError, SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials
from switchyard.tabular.tables.reading.files import download

_BLOCK = 1 << 20


def steps_run_here() -> bool:
    """Whether the active stack's steps run in this process and see this machine's files."""
    return Client().active_stack_model.components[StackComponentType.ORCHESTRATOR][0].flavor_name == "local"


def reachable(path: Path) -> str:
    """Where steps find a local file: as it is, or a copy in the artifact store, named by its content."""
    return str(path.resolve()) if steps_run_here() else stage_file(path)


def reachable_output(name: str, run_name: str) -> str:
    """A place in the artifact store for a file that steps elsewhere write."""
    return os.path.join(Client().active_stack.artifact_store.path, "switchyard", "outputs", run_name, name)


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
            with fileio.open(location, "rb") as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, _BLOCK)
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
        target = Path(location)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{identity}.partial")
        try:
            yield partial
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, os.path.basename(location.split("?")[0]))
        yield written
        _upload(written, location)


def bring(location: str, path: Path) -> None:
    """Copy a file of the artifact store to `path`, in place when it is whole."""
    with whole_output(str(path), "download") as partial, fileio.open(location, "rb") as source, partial.open("wb") as sink:
        shutil.copyfileobj(source, sink, _BLOCK)


def _is_in_store(location: str) -> bool:
    return location.startswith(Client().active_stack.artifact_store.path.rstrip("/") + "/")


def _upload(path: Path, location: str) -> None:
    label = without_credentials(location)
    try:
        if _is_in_store(location):
            fileio.makedirs(os.path.dirname(location))
            with path.open("rb") as source, fileio.open(location, "wb") as sink:
                shutil.copyfileobj(source, sink, _BLOCK)
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
