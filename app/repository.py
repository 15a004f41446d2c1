"""The folder of the repository as ZenML knows it, and its active stack."""

from __future__ import annotations

from pathlib import Path

from switchyard.project import CODE


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
