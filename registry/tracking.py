"""One MLflow run per training, written at once from finished artifacts, and the version that it registers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.logged_model import log_model, share_bundle
from registry.stored import quiet_progress
from registry.versions import BUNDLE, CHALLENGER, DIGEST_TAG, mirror_to_zenml, versions_with_digest
from stacks.active import connect_mlflow, mlflow_artifact_root

_BATCH = 100
_VALUE_LIMIT, _DIGEST_LIMIT = 6000, 36
_NOTE = "mlflow.note.content"
_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Else MLflow's pages guess, and open the experiment with traces of language models."""
_TYPES = {"numeric": "double", "boolean": "boolean", "datetime": "datetime"}
"""MLflow's words for kinds of columns; all others are text."""


@dataclass(frozen=True)
class TrialRecord:
    """One trial, a child run."""

    name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)
    curves: dict[str, Sequence[float]] = field(default_factory=dict)
    """Metric -> its value at step 0, 1, ..."""
    seconds: float = 0.0
    """How long it took."""


@dataclass(frozen=True)
class DatasetRecord:
    """A table that was learnt from."""

    name: str
    digest: str
    source: str
    """Without credentials."""
    columns: dict[str, str]
    """Name -> kind."""
    rows: int


@dataclass(frozen=True)
class TrainingRecord:
    """Everything MLflow is told about one training."""

    experiment: str
    """The model's name: its trainings are compared with each other."""
    run_name: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    trials: Sequence[TrialRecord]
    files: dict[str, bytes]
    """Path below the run's artifacts -> content."""
    bundle: dict[str, bytes]
    digest: str
    description: str = ""
    """Of the run and of the version."""
    about: str = ""
    """Of the model, whatever its version: what it is for."""
    kind: dict[str, str] = field(default_factory=dict)
    """Tags of the model, whatever its version."""
    commit: str = ""
    began: datetime | None = None
    """When the training began; None: now."""
    curves: dict[str, Sequence[float]] = field(default_factory=dict)
    datasets: Sequence[DatasetRecord] = ()


def log_training(record: TrainingRecord) -> tuple[str, str]:
    """Write the run; on failure it is removed again, so that there are no half-empty runs.

    Returns
    -------
    tuple of str
        Run id and the URI of the logged model.
    """
    import mlflow

    connect_mlflow()
    client = mlflow.MlflowClient()
    experiment = _experiment(client, record.experiment)
    began = _milliseconds(record.began or datetime.now(UTC))
    source = {"mlflow.source.name": "run.py training", "mlflow.source.type": "LOCAL", "mlflow.source.git.commit": record.commit}
    tags = {**record.tags, **({} if record.commit in ("", "unknown") else source)}
    run_id = client.create_run(experiment, start_time=began, run_name=record.run_name, tags=tags).info.run_id
    made = [run_id]
    try:
        client.set_tag(run_id, _NOTE, _described(record, experiment, run_id))
        _log_values(client, run_id, record.params, record.metrics, record.curves)
        client.log_inputs(run_id, [_dataset_input(dataset) for dataset in record.datasets])
        for trial in record.trials:
            tags = {"mlflow.parentRunId": run_id, **trial.tags}
            child = client.create_run(experiment, start_time=began, run_name=trial.name, tags=tags).info.run_id
            made.append(child)
            _log_values(client, child, trial.params, trial.metrics, trial.curves)
            # Where in the training it ran is not known, but for how long.
            client.set_terminated(child, end_time=began + round(1000 * trial.seconds))
        with tempfile.TemporaryDirectory() as folder, quiet_progress():
            root = Path(folder)
            for name, content in {**record.files, **{f"{BUNDLE}/{file}": data for file, data in record.bundle.items()}}.items():
                target = root / "artifacts" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            client.log_artifacts(run_id, str(root / "artifacts"))
            model_uri = log_model(run_id, root / "artifacts" / BUNDLE)
        share_bundle(client, run_id, model_uri)
        client.set_terminated(run_id)
    except BaseException:
        for half in made:
            client.delete_run(half)
        raise
    return run_id, model_uri


def _log_values(
    client: Any, run_id: str, params: Mapping[str, Any], metrics: Mapping[str, float], curves: Mapping[str, Sequence[float]]
) -> None:
    """Parameters, metrics, and metrics by step, in as large pieces as MLflow takes."""
    from mlflow.entities import Metric, Param

    now = _milliseconds(datetime.now(UTC))
    values = [Metric(key, float(value), now, 0) for key, value in metrics.items()]
    values += [Metric(key, float(value), now, step) for key, curve in curves.items() for step, value in enumerate(curve)]
    said = [Param(key, str(value)[:_VALUE_LIMIT]) for key, value in params.items()]
    for start in range(0, max(len(values), len(said)), _BATCH):
        client.log_batch(run_id, metrics=values[start : start + _BATCH], params=said[start : start + _BATCH])


def _described(record: TrainingRecord, experiment: str, run_id: str) -> str:
    """What stands at the head of the run's page, with links to what explains it."""
    cards = [name for name in record.files if name.endswith("model_card.md")]
    link = f"#/experiments/{experiment}/runs/{run_id}/artifacts"
    return " ".join([record.description, *(f"[Model card]({link}/{name})" for name in cards)]).strip()


def _dataset_input(dataset: DatasetRecord) -> Any:
    """What `mlflow.log_input` would log, without the frame."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    kind, source = ("http", {"url": dataset.source}) if dataset.source.startswith("http") else ("local", {"uri": dataset.source})
    columns = [{"type": _TYPES.get(kind, "string"), "name": name, "required": False} for name, kind in dataset.columns.items()]
    entity = Dataset(
        dataset.name,
        dataset.digest.rpartition(":")[2][:_DIGEST_LIMIT],
        kind,
        json.dumps(source),
        json.dumps({"mlflow_colspec": columns}),
        json.dumps({"num_rows": dataset.rows, "num_elements": dataset.rows * len(columns)}),
    )
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])


def _milliseconds(moment: datetime) -> int:
    return round(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def register_version(name: str, record: TrainingRecord, run_id: str, model_uri: str) -> str:
    """Register the logged model and make it challenger, here and in ZenML; returns the version, the one there is of this digest."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

    connect_mlflow()
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name, tags=record.kind, description=record.about)
    except MlflowException as error:
        if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
            raise
        if record.about:
            client.update_registered_model(name, record.about)
    tags = {DIGEST_TAG: record.digest, **record.tags}
    description = client.get_run(run_id).data.tags.get(_NOTE, "")
    with quiet_progress():
        version = client.create_model_version(
            name, model_uri, run_id, tags=tags, model_id=model_uri.removeprefix("models:/"), description=description
        )
    first = min([*versions_with_digest(name, record.digest), int(version.version)])
    if first == int(version.version):
        make_challenger(name, str(first), record.tags)
    else:
        # The same training ran twice at once, and neither saw the other's version when it looked. What that has on it is of its own run.
        client.delete_model_version(name, version.version)
        make_challenger(name, str(first), {})
    return str(first)


def make_challenger(name: str, version: str, tags: dict[str, str]) -> None:
    """Give `version` the challenger alias and ZenML's staging stage; again is no error."""
    import mlflow

    connect_mlflow()
    mlflow.MlflowClient().set_registered_model_alias(name, CHALLENGER, version)
    mirror_to_zenml(name, version, tags, stage="staging")


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name, artifact_location=_location(name), tags=_KIND)


def _location(name: str) -> str | None:
    root = mlflow_artifact_root()
    return f"{root}/{name}" if root else None
