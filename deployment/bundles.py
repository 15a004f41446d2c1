"""Bundles in the stack's artifact store, by their digest: what the config of a service points to."""

from __future__ import annotations

import os
from collections.abc import Mapping

from zenml.client import Client
from zenml.io import fileio

from switchyard.bundle.digest import FILES


def stage_bundle(files: Mapping[str, bytes], digest: str) -> str:
    """Put a bundle's files into the active artifact store, once; returns the folder's URI."""
    uri = os.path.join(Client().active_stack.artifact_store.path, "switchyard", "bundles", digest.removeprefix("sha256:"))
    fileio.makedirs(uri)
    for name in FILES:
        target = os.path.join(uri, name)
        if fileio.exists(target) and fileio.size(target) == len(files[name]):
            continue
        partial = f"{target}.{os.getpid()}.partial"
        with fileio.open(partial, "wb") as sink:
            sink.write(files[name])
        fileio.rename(partial, target, overwrite=True)
    return uri


def read_bundle(uri: str) -> dict[str, bytes]:
    """The files at `uri`; whoever serves them checks the digest."""
    found = {}
    for name in FILES:
        with fileio.open(os.path.join(uri, name), "rb") as source:
            found[name] = source.read()
    return found
