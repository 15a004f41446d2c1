"""The closed loop on a cluster: what a CronJob's run decides starts a training there, and the new version is tried beside the old."""

from __future__ import annotations

import json

import pytest

from demo.traffic import Clients, as_rows
from switchyard.tabular.tables.reading.loans import loans

pytestmark = [pytest.mark.cluster, pytest.mark.full, pytest.mark.timeout(1800)]
_ROWS, _DRIFTED = 320, 24
_ACT = ("--pipeline", "monitoring", "--config", "configs/again.yaml", "--act", "--schedule")


@pytest.fixture(scope="module")
def scheduled(installation):
    """A deployed model whose applicants have changed, labels told, and a CronJob that looks at it; its table lies on this machine."""
    installation.use("kubernetes")
    loans(1500, months=(0, 11)).to_csv(installation.project.root / "again.csv", index=False)
    trained = installation.train("again")
    assert trained.code == 0, trained.output
    deployed = installation.deploy("again")
    clients = Clients(deployed.summary["endpoint"]["url"], deployed.summary["endpoint"]["token_file"])
    frame = loans(_ROWS, months=(_DRIFTED, _DRIFTED))
    ids = [f"again-{number}" for number in range(_ROWS)]
    clients.predict(as_rows(frame.drop(columns="defaulted")), ids, frame.applicant_id.tolist())
    clients.feedback(dict(zip(ids, frame.defaulted.astype(str), strict=True)))
    scheduled = installation.project.run(*_ACT, "0 0 1 1 *")
    assert scheduled.code == 0 and "CronJob monitoring-again" in scheduled.output, scheduled.output
    # The runs must not lean on this machine.
    (installation.project.root / "again.csv").unlink()
    yield clients
    assert installation.project.run(*_ACT, "off").code == 0


def test_a_file_of_this_machine_is_no_table_for_it(installation, scheduled):
    table = installation.project.root / "table.csv"
    loans(100).to_csv(table, index=False)
    refused = installation.project.run(*_ACT, "0 0 1 1 *", "--data", "table.csv")
    assert refused.code == 2 and "--data table.csv is a file of this machine" in refused.output, refused.output


def test_drift_seen_by_the_cron_job_is_trained_for_there_and_tried(installation, scheduled):
    said = installation.run_now("monitoring-again", "first")

    assert "decision  retrain: " in said, said
    assert "retraining  trying, version 2: canary deployment, no verdict yet" in said, said
    versions = {version["version"]: version for version in installation.project.versions("again")}
    assert versions.keys() == {"1", "2"} and versions["1"]["aliases"] == ["champion"]
    assert f"and {_ROWS} labelled predictions until" in versions["2"]["tags"]["data_source"]
    frame = loans(60, months=(_DRIFTED, _DRIFTED), seed=5).drop(columns="defaulted")
    answers = scheduled.predict(as_rows(frame), [f"asked-{number}" for number in range(60)], frame.applicant_id.tolist())
    assert {answer.version for answer in answers} == {"1", "2"}


def test_its_next_run_goes_on_with_the_trial_and_trains_nothing(installation, scheduled):
    said = installation.run_now("monitoring-again", "second")

    assert "retraining  goes on from 'trying'" in said, said
    assert len(installation.project.versions("again")) == 2
    deployed = json.loads(installation.kubectl("get", "sdep", "again", "-o", "json"))
    assert sorted(predictor["labels"]["switchyard/version"] for predictor in deployed["spec"]["predictors"]) == ["1", "2"]
