"""The folder of the repository as ZenML knows it, and its active stack."""

from __future__ import annotations

from pathlib import Path


def ensure_repository(root: Path) -> None:
    """Make `root` a ZenML repository, so that it has an active stack of its own and a source root."""
    from zenml.client import Client

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
