"""`whole_file`: a file that a person asked for, whole or not at all, with the rights of the person's files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from switchyard.files import partial_file
from switchyard.permissions import shared


@contextmanager
def whole_file(target: Path, identity: str) -> Iterator[Path]:
    """A file of the user's to write, which is at `target` when the block ends well; before that nothing is seen there.

    `identity` is of the run: what a killed one left is named by it, so that a repeated one replaces that.
    """
    with partial_file(target, identity) as partial:
        with shared():
            target.parent.mkdir(parents=True, exist_ok=True)
            # Whoever writes it finds it there, with the rights that the user's files have.
            partial.touch()
        yield partial
