"""Whether the active stack's artifact store takes a file and gives it back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import uuid4

from zenml.io import fileio

from app.health.check import Check
from stacks.active import artifact_store
from switchyard.tabular.tables.reading.credentials import first_line


def look_at_store() -> Iterator[Check]:
    """One check; what was written is taken away again."""
    root = artifact_store().path
    folder, content = os.path.join(root, "switchyard", "doctor"), uuid4().hex
    path = os.path.join(folder, content)
    try:
        fileio.makedirs(folder)
        with fileio.open(path, "w") as file:
            file.write(content)
        try:
            with fileio.open(path, "r") as file:
                same = file.read() == content
        finally:
            fileio.remove(path)
    # Each file system has errors of its own.
    except Exception as error:
        yield Check("artifact store", False, f"{root}: {first_line(error)}", "free or add space, or give its keys the right to write")
        return
    yield Check(
        "artifact store", same, root if same else f"{root} gives back something else than it was given", "look at the server that keeps it"
    )
