"""The folder of the repository as ZenML knows it, and its active stack."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from switchyard.files import write_whole
from switchyard.permissions import close_off
from switchyard.project import CODE
from switchyard.tabular.errors import InputError

logger = logging.getLogger(__name__)


_BREAKING = '%?#"'
"""In a path they would be read as parts of the addresses that ZenML, MLflow and SQLAlchemy make of it, and another file opened."""


def close_workspace() -> None:
    """Have ZenML's folder and its local stores be this account's alone, as an earlier version did not leave them."""
    for place in _workspace():
        try:
            close_off(place)
        except OSError as error:
            logger.warning("others may be able to read %s, which can't be closed: %s", place, error.strerror)


def check_places(root: Path) -> None:
    """Stop where nothing could be kept, before a library says so in its own words.

    Raises
    ------
    InputError
        A path has a character that breaks addresses, or ZenML's folder can't be written.
    """
    folder, *others = _workspace()
    for place in (root, folder, *others):
        if found := sorted(set(str(place)) & set(_BREAKING)):
            raise InputError(f"{place} has {' and '.join(found)} in its path, which databases' addresses can't have: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise InputError(f"{folder} can't be written ({error.strerror}): let ZENML_CONFIG_PATH name a folder that can") from None


@contextlib.contextmanager
def left_as_it_is(root: Path) -> Iterator[None]:
    """Give the repository the active stack that it had: ZenML sets another where this account's store does not know it."""
    kept = root / ".zen" / "config.yaml"
    before = kept.read_bytes() if kept.is_file() else None
    try:
        yield
    finally:
        if before is not None and kept.read_bytes() != before:
            write_whole(kept, before)


def _workspace() -> list[Path]:
    """ZenML's folder, and the local stores where they lie elsewhere."""
    import click

    # Where ZenML looks itself; to import it here would cost each command, --help too, a second.
    folder = os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml")
    stores = os.environ.get("ZENML_LOCAL_STORES_PATH")
    return [Path(folder), *([Path(stores)] if stores else [])]


def ensure_repository(root: Path) -> None:
    """Make `root` a ZenML repository, so that it has an active stack of its own."""
    from zenml.client import Client
    from zenml.utils.source_utils import set_custom_source_root

    # ZenML looks for steps below its repository; a folder of one's own has none.
    set_custom_source_root(str(CODE))
    if not Client.is_repository_directory(root):
        Client.initialize(root)


def ensure_stack(root: Path) -> str:
    """Name of the active stack; the local one is registered where none of ours was ever chosen.

    Raises
    ------
    SwitchyardError
        ZenML's server is away, or nothing can be kept where it should be.
    """
    from stacks.server import check_server

    check_places(root)
    check_server()
    from zenml.client import Client

    from deployment.moved import follow_the_move
    from stacks.registration import register_stack

    ensure_repository(root)
    follow_the_move()
    active = Client().active_stack_model.name
    return register_stack("local") if active == "default" else active
