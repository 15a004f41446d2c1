"""Where a registered version's `Reference` is: among the artifacts of the MLflow run that made it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from registry.stored import quiet_progress
from stacks.active import connect_mlflow
from switchyard.monitoring.reference import FOLDER, Reference
from switchyard.tabular.errors import InputError


def find_reference(name: str, version: str) -> Reference:
    """What windows of `version` of `name` are held against.

    Raises
    ------
    InputError
        The version was registered without one.
    """
    import mlflow

    run_id, there = _run_of(name, version)
    if not there:
        raise InputError(
            f"version {version} of {name!r} was registered without a reference to hold windows against;"
            " run its training again (python run.py --pipeline training), which adds it"
        )
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        return Reference.read(Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=FOLDER, dst_path=folder)))


def ensure_reference(name: str, version: str, reference: Reference) -> None:
    """Add `reference` to the run of a version that was registered before there were any; else leave it as it is."""
    import mlflow

    run_id, there = _run_of(name, version)
    if there:
        return
    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        reference.write(Path(folder))
        mlflow.MlflowClient().log_artifacts(run_id, folder, FOLDER)


def _run_of(name: str, version: str) -> tuple[str, bool]:
    """The MLflow run that made `version`, and whether it holds a reference."""
    import mlflow

    connect_mlflow()
    client = mlflow.MlflowClient()
    run_id = client.get_model_version(name, version).run_id
    return run_id, any(entry.path == FOLDER for entry in client.list_artifacts(run_id))
