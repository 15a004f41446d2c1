"""Bundles in the stack's artifact store, by their digest: what the config of a service points to."""

from __future__ import annotations

import os

from zenml.io import fileio

from deployment.host import Release
from stacks.active import artifact_store
from stacks.files import store_whole
from switchyard.bundle.digest import FILES


def stage_bundle(release: Release) -> str:
    """Put the bundle of `release` into the active artifact store, where it is not there already; returns the folder's URI.

    Raises
    ------
    DeploymentError
        The files are not those that were registered; nothing was written.
    """
    release.verify()
    uri = os.path.join(artifact_store().path, "switchyard", "bundles", release.digest.removeprefix("sha256:"))
    for name in FILES:
        target = os.path.join(uri, name)
        if fileio.isdir(target):
            # Nothing takes the place of a folder.
            fileio.rmtree(target)
        if fileio.exists(target) and _read(target) == release.files[name]:
            continue
        store_whole(target, release.files[name])
    return uri


def read_bundle(uri: str) -> dict[str, bytes]:
    """The files at `uri`; whoever serves them checks the digest."""
    return {name: _read(os.path.join(uri, name)) for name in FILES}


def _read(path: str) -> bytes:
    with fileio.open(path, "rb") as source:
        return source.read()
