"""The folder of the repository as ZenML knows it, and its active stack."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from switchyard.permissions import close_off
from switchyard.project import CODE

logger = logging.getLogger(__name__)


def close_workspace() -> None:
    """Have ZenML's folder and its local stores be this account's alone, as an earlier version did not leave them."""
    import click

    # Where ZenML looks itself; to import it here would cost each command, --help too, a second.
    folder = os.environ.get("ZENML_CONFIG_PATH") or click.get_app_dir("zenml")
    for place in (folder, os.environ.get("ZENML_LOCAL_STORES_PATH")):
        try:
            close_off(Path(place or folder))
        except OSError as error:
            logger.warning("others may be able to read %s, which can't be closed: %s", place, error.strerror)


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
        ZenML's server is away.
    """
    from stacks.server import check_server

    check_server()
    from zenml.client import Client

    from deployment.moved import follow_the_move
    from stacks.registration import register_stack

    ensure_repository(root)
    follow_the_move()
    active = Client().active_stack_model.name
    return register_stack("local") if active == "default" else active
