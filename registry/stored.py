"""Files among the artifacts of the MLflow run that made a version."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from registry.asking import ask_registry, is_away, no_answer
from switchyard.bundle import Bundle, ChangedBundle
from switchyard.bundle.bundle import check_members
from switchyard.bundle.seal import NAME, Seal
from switchyard.tabular.tables.reading.credentials import first_line


def read_bundle(run_id: str, place: str) -> Bundle:
    """The bundle at `place`, whatever its digest.

    Raises
    ------
    ChangedBundle
        A file is missing, can't be read, or does not belong there.
    RegistryError
        The registry did not answer.
    """
    entries = _list(run_id, place)
    check_members({Path(entry.path).name: not entry.is_dir for entry in entries})
    return Bundle({Path(entry.path).name: _read(run_id, entry.path) for entry in entries})


def read_seal(run_id: str) -> Seal | None:
    """The signature beside the bundle; None where there is none, as of a version of before there were.

    Raises
    ------
    ChangedBundle
        It can't be read.
    RegistryError
        The registry did not answer.
    """
    entry = next((entry for entry in _list(run_id) if entry.path == NAME), None)
    if entry is None:
        return None
    if entry.is_dir:
        raise ChangedBundle(f"{NAME} is no regular file")
    return Seal(_read(run_id, NAME))


def _list(run_id: str, place: str | None = None) -> Any:
    import mlflow

    try:
        return ask_registry(lambda: mlflow.MlflowClient().list_artifacts(run_id, place))
    except OSError as error:
        # A link that leads nowhere, in a store that is a folder.
        raise ChangedBundle(f"they can't be listed: {error.strerror or error}") from None


def _read(run_id: str, path: str) -> bytes:
    """Content of one file."""
    import mlflow
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder, quiet_progress():
        try:
            return Path(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path, dst_path=folder)).read_bytes()
        except MlflowException as error:
            # MLflow does not follow a link out of a run's folder, and says so in words of its own.
            if is_away(error):
                raise no_answer(error) from error
            raise ChangedBundle(f"{path} can't be read: {first_line(error)}") from None
        except OSError as error:
            raise ChangedBundle(f"{path} can't be read: {error.strerror or error}") from None


@contextlib.contextmanager
def quiet_progress() -> Any:
    """MLflow without its progress bars."""
    import os

    before = os.environ.get("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR")
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", None)
        else:
            os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = before
