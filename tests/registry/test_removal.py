"""What of the registry may go, why the rest stays, and that one that goes leaves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import mlflow
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from registry import experiments, production, removal, tracking
from registry import versions as registry
from switchyard.bundle import Bundle
from tests.switchyard.serving.cases import make_bundle


@pytest.fixture
def client(monkeypatch, tmp_path):
    """A registry of six versions of `loans`, each from a run with a trial, and one run that registered none."""
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{tmp_path}/mlflow.db"
    for module in (registry, production, experiments, removal, tracking):
        monkeypatch.setattr(module, "connect_mlflow", lambda: mlflow.set_tracking_uri(uri))
    monkeypatch.setattr(removal, "_forget_in_zenml", lambda _name, _version: None)
    registry.connect_mlflow()
    client = mlflow.MlflowClient()
    bundle = make_bundle(tmp_path / "made")
    client.create_registered_model("loans")
    experiment = client.create_experiment("training", (tmp_path / "artifacts").as_uri())
    for number in range(7):
        run = client.create_run(experiment, run_name=f"run-{number}", tags={removal.RUN_TAG: f"zenml-{number}"})
        client.create_run(experiment, tags={"mlflow.parentRunId": run.info.run_id})
        client.log_artifacts(run.info.run_id, str(bundle), "bundle")
        if number < 6:
            tags = {registry.DIGEST_TAG: Bundle.read(bundle).digest, removal.RUN_TAG: f"zenml-{number}"}
            client.create_model_version("loans", f"runs:/{run.info.run_id}/bundle", run.info.run_id, tags=tags)
    yield client
    mlflow.set_tracking_uri(before)


def test_what_is_deployed_named_was_in_production_tried_or_is_the_newest_stays(client):
    client.set_registered_model_alias("loans", "challenger", "2")
    client.set_model_version_tag("loans", "3", production.SINCE, "2026-01-01T00:00:00+00:00")
    client.set_model_version_tag("loans", "4", experiments.TAG, "{}")

    found = removal.registered({("loans", "1")})

    assert {trained.version: trained.kept for trained in found} == {
        "1": "is deployed",
        "2": "is the challenger",
        "3": "was in production",
        "4": "was tried in an experiment",
        "5": "",
        "6": "is the newest",
    }
    assert [run.zenml_run for run in removal.unregistered(found, datetime.now(UTC) + timedelta(days=1))] == ["zenml-6"]
    assert removal.unregistered(found, datetime.now(UTC) - timedelta(days=1)) == []


def test_how_often_the_registry_is_asked_does_not_grow_with_the_models(client, tmp_path):
    asked: list[str] = []

    def note(_connection, _cursor, statement, *_others):
        if statement.startswith("SELECT"):
            asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        counts = []
        for models in (1, 5):
            for number in range(1, models):
                client.create_registered_model(f"other-{number}")
                tags = {registry.DIGEST_TAG: "sha256:0"}
                client.create_model_version(f"other-{number}", (tmp_path / "made").as_uri(), tags=tags)
            asked.clear()
            assert len({found.name for found in removal.registered(set())}) == models
            counts.append(len(asked))
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert counts[0] == counts[1] > 0


def test_one_that_is_removed_leaves_no_file_and_no_run_and_the_others_stay(client, tmp_path):
    by_version = {trained.version: trained for trained in removal.registered(set())}
    gone = by_version["1"]
    folders = removal.folders_of(gone)
    assert folders and all(folder.is_dir() for folder in folders)

    removal.remove(gone)

    assert not any(folder.exists() for folder in folders)
    assert sorted(trained.version for trained in removal.registered(set())) == ["2", "3", "4", "5", "6"]
    left = client.search_runs(["1"], max_results=100)
    assert len(left) == 12 and gone.run_id not in {run.data.tags.get("mlflow.parentRunId", run.info.run_id) for run in left}
    registry.open_version(client.get_model_version("loans", "2"))
