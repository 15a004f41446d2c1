"""Where a registered version's `Reference` is: among the artifacts of the MLflow run that made it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.stored import quiet_progress, read_seal
from registry.versions import ChangedVersion
from stacks.active import connect_mlflow
from switchyard.monitoring.reference import FOLDER, Reference
from switchyard.tabular.errors import InputError

REFERENCE_TAG = "reference_digest"
"""Of a version, and among what its signature claims: what its reference is known by. Versions of before have none."""


def digest_reference(files: Mapping[str, bytes]) -> str:
    """`sha256:<hex>` over the files of a reference, by name."""
    sha = hashlib.sha256()
    for name in sorted(files):
        sha.update(f"{name}\0{len(files[name])}\0".encode())
        sha.update(files[name])
    return f"sha256:{sha.hexdigest()}"


def find_reference(name: str, version: str) -> Reference:
    """What windows of `version` of `name` are held against.

    Raises
    ------
    InputError
        The version was registered without one.
    ChangedVersion
        Its files are not those that were registered.
    """
    import mlflow

    found, there = _version(name, version)
    run_id = found.run_id
    if not there:
        raise InputError(
            f"version {version} of {name!r} was registered without a reference to hold windows against;"
            " run its training again (python run.py --pipeline training), which adds it"
        )
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        place = Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=FOLDER, dst_path=folder))
        _check(found, place)
        return Reference.read(place)


def _check(found: Any, place: Path) -> None:
    """Stop where the files of `place` are not the reference that the version `found`, or who signed it, says that it has."""
    seal = read_seal(found.run_id)
    said = {found.tags.get(REFERENCE_TAG), seal.claims.get(REFERENCE_TAG) if seal else None} - {None}
    is_digest = digest_reference({path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}) if said else ""
    if said - {is_digest}:
        raise ChangedVersion(
            f"the reference of version {found.version} of {found.name!r} ({FOLDER}/ in its run) was changed since it was registered: "
            f"its digest is {is_digest}, and {' and '.join(sorted(said))} was registered; put it back as it was, or train again"
        )


def ensure_reference(name: str, version: str, reference: Reference) -> None:
    """Add `reference` to the run of a version that was registered before there were any; else leave it as it is."""
    import mlflow

    found, there = _version(name, version)
    if there:
        return
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        reference.write(Path(folder))
        mlflow.MlflowClient().log_artifacts(found.run_id, folder, FOLDER)
        files = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        mlflow.MlflowClient().set_model_version_tag(name, version, REFERENCE_TAG, digest_reference(files))


def _version(name: str, version: str) -> tuple[Any, bool]:
    """MLflow's record of `version`, and whether its run holds a reference."""
    import mlflow

    connect_mlflow()
    client = mlflow.MlflowClient()
    found = client.get_model_version(name, version)
    return found, any(entry.path == FOLDER for entry in client.list_artifacts(found.run_id))
