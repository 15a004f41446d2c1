"""Versions that nobody needs any more: which they are, why the others stay, and how one is taken away whole."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from registry.asking import ask_registry
from registry.experiments import TAG as EXPERIMENT
from registry.logged_model import local_folder
from registry.production import SINCE
from registry.versions import DIGEST_TAG, zenml_model_name
from stacks.active import connect_mlflow

RUN_TAG = "zenml_run"
"""Tag of a version and of its MLflow run: the training's run in ZenML."""
_PAGE = 1000


@dataclass(frozen=True)
class Trained:
    """One training as MLflow has it: a registered version, or a run whose model was not registered."""

    name: str
    version: str | None
    run_id: str
    zenml_run: str
    digest: str
    source: str
    """Where its table came from."""
    created: datetime
    """UTC."""
    kept: str = ""
    """Why it must stay; empty where it may go."""


def registered(deployed: Collection[tuple[str, str]], name: str | None = None) -> list[Trained]:
    """Every registered version of ours.

    Parameters
    ----------
    deployed : collection of (str, str)
        Model and version of what is deployed, on whatever stack.
    name : str, optional
        Of one model alone.

    Raises
    ------
    RegistryError
        The registry did not answer.
    """
    client = _client()
    wanted = f"name = '{name}'" if name else None
    models = ask_registry(lambda: _all(lambda token: client.search_registered_models(wanted, max_results=_PAGE, page_token=token)))
    versions: dict[str, list[Any]] = {}
    # All models' at once: a question for each would be as many as there are models.
    for version in ask_registry(lambda: _all(lambda token: client.search_model_versions(wanted, max_results=_PAGE, page_token=token))):
        versions.setdefault(version.name, []).append(version)
    found = []
    for model in models:
        ours = [version for version in versions.get(model.name, ()) if DIGEST_TAG in version.tags]
        newest = max((int(version.version) for version in ours), default=0)
        aliases = {str(version): alias for alias, version in model.aliases.items()}
        for version in ours:
            label = str(version.version)
            reasons = {
                "is deployed": (model.name, label) in deployed,
                f"is the {aliases.get(label)}": label in aliases,
                "was in production": SINCE in version.tags,
                "was tried in an experiment": EXPERIMENT in version.tags,
                "is the newest": int(label) == newest,
            }
            found.append(_trained(version, label, next((why for why, holds in reasons.items() if holds), "")))
    return found


def unregistered(versions: Collection[Trained], before: datetime) -> list[Trained]:
    """Trainings until `before` whose model was not registered: MLflow runs that no one of `versions`, all there are, was made by."""
    client = _client()
    known = {version.run_id for version in versions}
    found = ask_registry(lambda: _all(lambda token: client.search_experiments(max_results=_PAGE, page_token=token)))
    experiments = [experiment.experiment_id for experiment in found]
    ours = f"tags.{RUN_TAG} LIKE '%-%' and attributes.start_time < {round(before.timestamp() * 1000)}"
    runs = _all(lambda token: client.search_runs(experiments, ours, max_results=_PAGE, page_token=token))
    return [
        Trained(
            run.info.run_name or run.info.run_id,
            None,
            run.info.run_id,
            run.data.tags[RUN_TAG],
            run.data.tags.get(DIGEST_TAG, ""),
            run.data.tags.get("data_source", ""),
            _moment(run.info.start_time),
        )
        for run in runs
        if run.info.run_id not in known
    ]


def folders_of(trained: Trained) -> list[Path]:
    """The folders of this machine that hold the files of a training; none where they lie elsewhere."""
    client = _client()
    run = client.get_run(trained.run_id)
    uris = [run.info.artifact_uri, *(client.get_logged_model(model).artifact_location for model in _models(run))]
    return [folder for uri in uris if (folder := local_folder(uri)) is not None]


def remove(trained: Trained) -> None:
    """Take a version out of ZenML and MLflow, with its run, those of its trials, and all their files.

    Where it ends half-way, what is left is a run that registered none, as `unregistered` finds it. MLflow's rows of runs go to its
    trash, which `mlflow gc` empties.
    """
    client = _client()
    if trained.version is not None:
        _forget_in_zenml(trained.name, trained.version)
        client.delete_model_version(trained.name, trained.version)
    run = client.get_run(trained.run_id)
    for model in _models(run):
        _delete_files(client.get_logged_model(model).artifact_location)
        client.delete_logged_model(model)
    trials = _all(
        lambda token: client.search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'", page_token=token)
    )
    for trial in trials:
        client.delete_run(trial.info.run_id)
    _delete_files(run.info.artifact_uri)
    client.delete_run(run.info.run_id)


def remove_model(name: str) -> None:
    """Take out a model that has no versions left, here and in ZenML."""
    from zenml.client import Client

    _client().delete_registered_model(name)
    zenml = Client()
    if zenml.list_models(name=zenml_model_name(name)).total:
        zenml.delete_model(zenml_model_name(name))


def _forget_in_zenml(name: str, version: str) -> None:
    from zenml.client import Client

    client, model = Client(), zenml_model_name(name)
    if client.list_models(name=model).total:
        for found in client.list_model_versions(model=model, name=f"v{version}"):
            client.delete_model_version(found.id)


def _trained(version: Any, label: str, kept: str) -> Trained:
    tags = version.tags
    source, run = tags.get("data_source", ""), tags.get(RUN_TAG, "")
    return Trained(version.name, label, version.run_id, run, tags[DIGEST_TAG], source, _moment(version.creation_timestamp), kept)


def _models(run: Any) -> list[str]:
    """Ids of the models that a run logged."""
    return [output.model_id for output in run.outputs.model_outputs] if run.outputs else []


def _delete_files(uri: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(uri).delete_artifacts()
    folder = local_folder(uri)
    if folder is not None:
        # Of a run, or a model, that has nothing else here.
        with contextlib.suppress(OSError):
            folder.parent.rmdir()


def _all(ask: Any) -> Iterator[Any]:
    token = None
    while True:
        page = ask(token)
        yield from page
        token = page.token
        if not token:
            return


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _client() -> Any:
    import mlflow

    connect_mlflow()
    return mlflow.MlflowClient()
