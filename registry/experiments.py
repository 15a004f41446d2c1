"""Canaries and A/B tests where any stack finds them: in a tag of the candidate's version in MLflow, beside who put it where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from registry.production import mark_withdrawn, told_back, version_of
from registry.versions import CHALLENGER, CHAMPION, mirror_to_zenml
from stacks.active import connect_mlflow
from switchyard.monitoring.experiment.record import Experiment

TAG = "experiment"


def open_experiments(name: str) -> list[Experiment]:
    """Those of model `name` that nobody has ended, the latest first."""
    found = [Experiment.model_validate_json(version.tags[TAG]) for version in _versions(name) if TAG in version.tags]
    return sorted((one for one in found if one.ended is None), key=lambda one: one.started, reverse=True)


def save(experiment: Experiment) -> None:
    """Keep `experiment`; the candidate's former record is replaced."""
    _client().set_model_version_tag(experiment.model, experiment.candidate, TAG, experiment.model_dump_json())


def forget(experiment: Experiment) -> None:
    """Remove an experiment, as if it had never begun."""
    _client().delete_model_version_tag(experiment.model, experiment.candidate, TAG)


def end(experiment: Experiment, reason: str) -> Experiment:
    """Mark `experiment` as over; `reason` holds where it was not decided. A loser challenges nobody any more."""
    ended = experiment.model_copy(update={"ended": datetime.now(UTC), "reason": experiment.reason or reason})
    if ended.verdict == "stop" and version_of(ended.model, CHAMPION) != ended.candidate:
        _dismiss(ended.model, ended.candidate)
    # Last: whoever dies before it does all of it again.
    save(ended)
    return ended


def end_all(name: str, reason: str, but: str | None = None) -> None:
    """End what runs of `name`, but for that of candidate `but`."""
    for experiment in open_experiments(name):
        if experiment.candidate != but:
            end(experiment, reason)


def take_back(name: str, version: str, by: str, why: str) -> None:
    """Write down that `version` is not to go on, as a verdict where it has a record, before its traffic is taken.

    Whoever is killed on the way is finished by the next rollback, or the next look at the experiment.
    """
    mark_withdrawn(name, version, by, why)
    for experiment in open_experiments(name):
        if experiment.candidate == version:
            decided = {"verdict": "stop", "reason": told_back(by, why), "decided": datetime.now(UTC)}
            save(experiment.model_copy(update=decided))
    _dismiss(name, version)


def holdout_accuracy(name: str, version: str) -> float | None:
    """Accuracy of `version` on its training's holdout, as training logged it."""
    client = _client()
    run = client.get_run(client.get_model_version(name, version).run_id)
    return run.data.metrics.get("holdout_accuracy")


def _dismiss(name: str, version: str) -> None:
    """Have `version` challenge nobody; left in place, the next deployment would take it for new."""
    if version_of(name, CHALLENGER) == version:
        _client().delete_registered_model_alias(name, CHALLENGER)
    mirror_to_zenml(name, version, {}, stage="archived")


def _versions(name: str) -> list[Any]:
    return list(_client().search_model_versions(f"name = '{name}'"))


def _client() -> Any:
    import mlflow

    connect_mlflow()
    return mlflow.MlflowClient()
