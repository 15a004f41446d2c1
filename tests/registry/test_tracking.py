"""What MLflow is told of a training is where its users look for it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import mlflow
import pytest

from registry import tracking, versions
from registry.tracking import DatasetRecord, TrainingRecord, TrialRecord, log_training, register_version
from switchyard.bundle import Bundle
from tests.switchyard.serving.cases import make_bundle


@pytest.fixture(scope="module")
def record(tmp_path_factory) -> TrainingRecord:
    bundle = Bundle.read(make_bundle(tmp_path_factory.mktemp("bundle")))
    return TrainingRecord(
        experiment="loans",
        run_name="training-loans",
        params={"seed": 1},
        metrics={"holdout_roc_auc": 0.9},
        tags={"verdict": "challenger"},
        trials=[
            TrialRecord(
                "lightgbm 0", {"depth": 3}, {"roc_auc": 0.8}, {"family": "lightgbm"}, {"roc_auc_by_fold": [0.7, 0.8, 0.9]}, seconds=4.5
            )
        ],
        files={"documents/model_card.md": b"# Card"},
        bundle=bundle.files,
        digest=bundle.digest,
        description="loans: challenger, ROC-AUC 0.9.",
        about="Who pays back.",
        kind={"task": "binary"},
        commit="abc123",
        began=datetime.now(UTC) - timedelta(seconds=90),
        curves={"best_cv_roc_auc/lightgbm": [0.8] * 150 + [0.85]},
        datasets=[DatasetRecord("loans", "sha256:" + "a" * 64, "loans.csv", {"age": "numeric", "job": "categorical"}, 1200)],
    )


@pytest.fixture(scope="module")
def logged(record, tmp_path_factory):
    """The client, the run of `record` and the URI of its model."""
    folder, patched = tmp_path_factory.mktemp("mlflow"), pytest.MonkeyPatch()
    before = mlflow.get_tracking_uri()
    for module in (tracking, versions):
        patched.setattr(module, "connect_mlflow", lambda: mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db"))
    patched.setattr(tracking, "mlflow_artifact_root", lambda: (folder / "artifacts").as_uri())
    patched.setattr(tracking, "mirror_to_zenml", lambda *arguments, **named: None)
    run_id, uri = log_training(record)
    yield mlflow.MlflowClient(), run_id, uri
    patched.undo()
    mlflow.set_tracking_uri(before)


def test_a_model_has_an_experiment_of_its_own_that_opens_as_machine_learning(logged):
    client, run_id, _ = logged
    experiment = client.get_experiment_by_name("loans")

    assert client.get_run(run_id).info.experiment_id == experiment.experiment_id
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_run_lasts_as_long_as_its_training_and_says_its_commit_and_card(logged):
    client, run_id, _ = logged
    run = client.get_run(run_id)
    note = run.data.tags["mlflow.note.content"]

    assert 90_000 <= run.info.end_time - run.info.start_time < 90_000 + 1000 * 120
    assert run.data.tags["mlflow.source.git.commit"] == "abc123"
    assert note.startswith("loans: challenger, ROC-AUC 0.9. [Model card](#/experiments/")
    assert note.endswith(f"/runs/{run_id}/artifacts/documents/model_card.md)")


def test_the_table_is_an_input_of_the_run(logged):
    client, run_id, _ = logged
    (found,) = client.get_run(run_id).inputs.dataset_inputs

    assert (found.dataset.name, found.dataset.digest) == ("loans", "a" * 36)
    assert json.loads(found.dataset.profile) == {"num_rows": 1200, "num_elements": 2400}
    assert [column["type"] for column in json.loads(found.dataset.schema)["mlflow_colspec"]] == ["double", "string"]
    assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "training"}


def test_curves_are_metrics_by_step_whatever_their_length(logged):
    client, run_id, _ = logged
    history = client.get_metric_history(run_id, "best_cv_roc_auc/lightgbm")

    assert [point.step for point in history] == list(range(151)) and history[-1].value == 0.85


def test_a_trial_is_a_child_run_with_its_own_length(logged):
    client, run_id, _ = logged
    experiment = client.get_experiment_by_name("loans").experiment_id
    (child,) = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")

    assert child.info.run_name == "lightgbm 0" and child.data.params == {"depth": "3"}
    assert child.info.end_time - child.info.start_time == 4500
    assert len(client.get_metric_history(child.info.run_id, "roc_auc_by_fold")) == 3


def test_a_registered_model_and_its_version_say_what_they_are(logged, record):
    client, run_id, uri = logged
    version = register_version("loans", record, run_id, uri)
    model = client.get_registered_model("loans")

    assert model.description == "Who pays back." and model.tags == {"task": "binary"}
    assert client.get_model_version("loans", version).description.startswith("loans: challenger, ROC-AUC 0.9. [Model card]")
    register_version("loans", replace(record, about="Who pays back, and when."), run_id, uri)
    assert client.get_registered_model("loans").description == "Who pays back, and when."


def test_a_run_that_cannot_be_written_leaves_nothing(logged, record, monkeypatch):
    client, _, _ = logged

    def fail(*_arguments):
        raise OSError("full")

    monkeypatch.setattr(tracking, "log_model", fail)
    experiment = client.get_experiment_by_name("loans").experiment_id
    before = len(client.search_runs([experiment]))
    with pytest.raises(OSError, match="full"):
        log_training(replace(record, began=None))

    assert len(client.search_runs([experiment])) == before


def test_the_same_training_twice_at_once_is_one_version(logged, record):
    client, run_id, uri = logged
    first = register_version("loans", record, run_id, uri)

    assert register_version("loans", record, run_id, uri) == first
    assert [str(found.version) for found in client.search_model_versions("name = 'loans'")] == [first]
    assert str(client.get_model_version_by_alias("loans", "challenger").version) == first
    another = register_version("loans", replace(record, digest="sha256:other"), run_id, uri)
    assert another != first
    client.delete_model_version("loans", another)
