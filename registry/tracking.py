"""One MLflow run per training, written at once from finished artifacts, and the version that it registers."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import switchyard.bundle
from registry.stored import quiet_progress
from registry.versions import BUNDLE, CHALLENGER, DIGEST_TAG, mirror_to_zenml
from stacks.active import connect_mlflow, mlflow_artifact_root
from switchyard.bundle import Signature
from switchyard.bundle.signature import RECOMMENDATION

_BATCH = 100
_VALUE_LIMIT = 6000


@dataclass(frozen=True)
class TrialRecord:
    """One trial, a child run."""

    name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingRecord:
    """Everything MLflow is told about one training."""

    experiment: str
    run_name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    trials: Sequence[TrialRecord]
    files: dict[str, bytes]
    """Path below the run's artifacts -> content."""
    bundle: dict[str, bytes]
    digest: str


def log_training(record: TrainingRecord) -> tuple[str, str]:
    """Write the run; on failure it is removed again, so that there are no half-empty runs.

    Returns
    -------
    tuple of str
        Run id and the URI of the logged model.
    """
    import mlflow
    from mlflow.entities import Metric, Param

    connect_mlflow()
    client = mlflow.MlflowClient()
    experiment = _experiment(client, record.experiment)
    now = time.time_ns() // 1_000_000
    run = client.create_run(experiment, run_name=record.run_name, tags=record.tags)
    run_id = run.info.run_id
    made = [run_id]
    try:
        params = [Param(key, str(value)[:_VALUE_LIMIT]) for key, value in record.params.items()]
        for start in range(0, len(params), _BATCH):
            client.log_batch(run_id, params=params[start : start + _BATCH])
        client.log_batch(run_id, metrics=[Metric(key, float(value), now, 0) for key, value in record.metrics.items()])
        for trial in record.trials:
            child = client.create_run(experiment, run_name=trial.name, tags={"mlflow.parentRunId": run_id, **trial.tags}).info.run_id
            made.append(child)
            client.log_batch(
                child,
                metrics=[Metric(key, float(value), now, 0) for key, value in trial.metrics.items()],
                params=[Param(key, str(value)[:_VALUE_LIMIT]) for key, value in trial.params.items()],
            )
            client.set_terminated(child)
        with tempfile.TemporaryDirectory() as folder, quiet_progress():
            root = Path(folder)
            for name, content in {**record.files, **{f"{BUNDLE}/{file}": data for file, data in record.bundle.items()}}.items():
                target = root / "artifacts" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            client.log_artifacts(run_id, str(root / "artifacts"))
            model_uri = _log_model(run_id, root / "artifacts" / BUNDLE)
        client.set_terminated(run_id)
    except BaseException:
        for half in made:
            client.delete_run(half)
        raise
    return run_id, model_uri


def register_version(name: str, record: TrainingRecord, run_id: str, model_uri: str) -> str:
    """Register the logged model and make it challenger, here and in ZenML; returns the version."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

    connect_mlflow()
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
    tags = {DIGEST_TAG: record.digest, **record.tags}
    with quiet_progress():
        version = client.create_model_version(name, model_uri, run_id, tags=tags, model_id=model_uri.removeprefix("models:/"))
    make_challenger(name, str(version.version), record.tags)
    return str(version.version)


def make_challenger(name: str, version: str, tags: dict[str, str]) -> None:
    """Give `version` the challenger alias and ZenML's staging stage; again is no error."""
    import mlflow

    connect_mlflow()
    mlflow.MlflowClient().set_registered_model_alias(name, CHALLENGER, version)
    mirror_to_zenml(name, version, tags, stage="staging")


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name, artifact_location=_location(name))


def _location(name: str) -> str | None:
    root = mlflow_artifact_root()
    return f"{root}/{name}" if root else None


def _log_model(run_id: str, bundle: Path) -> str:
    import mlflow
    import numpy as np
    import onnxruntime
    import pandas as pd

    libraries = (mlflow, np, onnxruntime, pd)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder, mlflow.start_run(run_id=run_id):
        # MLflow warns of a missing input example, which would only be a second copy of the bundle's own.
        warnings.simplefilter("ignore")
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("mlflow_model.py")),
            artifacts={"bundle": str(bundle)},
            signature=_signature(Signature.read(bundle)),
            pip_requirements=[f"{library.__name__}=={library.__version__}" for library in libraries],
            code_paths=[str(_scoring_code(Path(folder)))],
        )
    return str(info.model_uri)


def _scoring_code(folder: Path) -> Path:
    """A package `switchyard` below `folder` that holds what scores with a bundle and nothing else of ours."""
    package = folder / "switchyard"
    package.mkdir()
    shutil.copy(switchyard.__file__, package)
    shutil.copytree(Path(switchyard.bundle.__file__).parent, package / "bundle", ignore=shutil.ignore_patterns("__pycache__"))
    return package


def _signature(signature: Signature) -> Any:
    """The bundle's columns in MLflow's words.

    Values are of any type there: MLflow refuses an integer where it was told of a double, the bundle does not, and it
    knows how each column's text and types become values.
    Nothing is required there either: the bundle itself says which column is missing.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    inputs = [ColSpec(AnyType(), column.name, required=False) for column in signature.columns]
    if signature.task == RECOMMENDATION:
        outputs = [ColSpec(AnyType(), name) for name in ("items", "scores", "titles", "because", "notes")]
    elif signature.classes:
        outputs = [ColSpec(DataType.string, "label"), *(ColSpec(DataType.double, f"probability_{label}") for label in signature.classes)]
        if signature.sets is not None:
            outputs += [ColSpec(DataType.boolean, f"set_{label}") for label in signature.classes]
            outputs += [ColSpec(DataType.string, "decision")] if signature.sets.review_above is not None else []
    else:
        names = ("prediction", "lower", "upper") if signature.interval else ("prediction",)
        outputs = [ColSpec(DataType.double, name) for name in names]
    return ModelSignature(Schema(inputs), Schema(outputs))
