"""A/B tests and canaries through two live services: the better one wins, a bad one is rolled back, whoever is killed on the way."""

import contextlib
import os
import signal
import sqlite3
import threading
import time
from contextlib import closing

import numpy as np
import pytest

from deployment.experiments.traffic import counts_of
from deployment.process.host import ProcessHost
from switchyard.monitoring.experiment.record import Experiment
from switchyard.predictionlog import connect
from switchyard.predictionlog.labels import Label, add_labels
from tests.app.project import kill, wait_until
from tests.deployment.conftest import Client
from tests.deployment.project import ServingProject
from tests.switchyard.serving.cases import ROW, make_bundle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUICK = {"min_labels": 40, "metric": "accuracy", "minimum_effect": 0.1}


_REGISTER = """
import sys, mlflow
from switchyard.bundle import digest
from stacks.active import connect_mlflow, mlflow_artifact_root
connect_mlflow()
client = mlflow.MlflowClient()
found = client.get_experiment_by_name("loans")
experiment = found.experiment_id if found else client.create_experiment("loans", artifact_location=mlflow_artifact_root())
if not found:
    client.create_registered_model("loans")
for folder in sys.argv[1:]:
    run = client.create_run(experiment).info
    client.log_artifacts(run.run_id, folder, "bundle")
    client.log_metric(run.run_id, "holdout_accuracy", 0.7)
    version = client.create_model_version("loans", f"{run.artifact_uri}/bundle", run.run_id, tags={"digest": digest(folder)})
    client.set_registered_model_alias("loans", "challenger", version.version)
"""


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):
    """Two registered versions, made by hand, of which the first is deployed."""
    folder = tmp_path_factory.mktemp("experiment")
    made = ServingProject(folder)
    made.settings = {"data": {"target": "default", "time_column": None, "entity_column": None}}
    made.config("loans", **made.settings, experiment=QUICK)
    assert made.run("stack", "up", "local").code == 0
    bundles = [str(make_bundle(folder / version, threshold=threshold)) for version, threshold in (("1", 0.6), ("2", 0.9))]
    assert "Error" not in made.call("-c", _REGISTER, *bundles)
    (made.first,) = made.deploy("loans", {"version": "1"})
    assert made.first.code == 0, made.first.output
    yield made
    made.end("loans")


class Users:
    """Entities that ask the front door, and learn what was true."""

    def __init__(self, project, seed):
        self.project, self.rng, self.seed = project, np.random.default_rng(seed), seed
        self.host = ProcessHost(next(project.store.glob("**/switchyard/serving")))
        self.client = Client(self.host.inspect("loans"))
        self.row = ROW

    def ask(self, count, start=0):
        """Entity -> (prediction id, version, label); those that got an error are left out."""
        found = {}
        for number in range(start, start + count):
            entity = f"user-{self.seed}-{number}"
            status, answer = self.client.ask(row=self.row, x_entity_id=entity)
            if status == 200:
                meta, prediction = answer["meta"], answer["predictions"][0]
                found[entity] = meta["puid"], meta["tags"]["version"], prediction["label"]
        return found

    def learn(self, asked, right):
        """Labels, by which a version's answers are right in a share `right[version]`."""
        labels = []
        for puid, version, label in asked.values():
            other = "yes" if label == "no" else "no"
            labels.append(Label(label if self.rng.random() < right[version] else other, prediction_id=puid))
        engine = connect(self.host.log_url("loans"))
        self.host.settle_log("loans", engine, 30)
        counts = add_labels(engine, labels)
        engine.dispose()
        assert counts.matched == len(labels)


def experiment_of(project, version):
    (found,) = [one for one in project.versions("loans") if one["version"] == version]
    return Experiment.model_validate_json(found["tags"]["experiment"])


def is_decided(project):
    """Read past MLflow, whose start takes longer than what follows a verdict."""
    with closing(sqlite3.connect(f"file:{next(project.store.glob('**/mlflow.db'))}?mode=ro", uri=True)) as connection:
        tags = connection.execute("SELECT value FROM model_version_tags WHERE key = 'experiment'").fetchall()
    return any('"verdict":"promote"' in value for (value,) in tags)


def champion(project):
    return [version["version"] for version in project.versions("loans") if "champion" in version["aliases"]]


def serving(project):
    return {instance.name for instance in ProcessHost(next(project.store.glob("**/switchyard/serving"))).inspect("loans").instances}


def test_nothing_to_judge_is_said(project):
    (result,) = project.deploy("loans", {"pipeline": "experiment"})
    assert result.code == 2 and "no canary and no A/B test of 'loans' runs" in result.output


def test_the_better_candidate_is_promoted_even_by_the_second_who_tries(project):
    users = Users(project, 0)
    (deployed,) = project.deploy("loans", {"strategy": "ab"})
    assert deployed.code == 0 and deployed.summary["plan"]["entities"] > deployed.summary["plan"]["fixed"] > 0
    running = experiment_of(project, "2")
    assert (running.champion, running.stage.share, running.verdict, running.ended) == ("1", 0.5, None, None)

    (early,) = project.deploy("loans", {"pipeline": "experiment"})
    assert early.summary["verdict"] == "continue" and early.summary["acted"] is None and champion(project) == ["1"]

    asked = users.ask(220)
    users.client.ask(row=users.row)
    users.learn(asked, {"1": 0.5, "2": 1.0})
    process = project.start("--pipeline", "experiment", "--config", "configs/loans.yaml")
    wait_until(lambda: is_decided(project), 300, "the verdict")
    kill(process)
    assert experiment_of(project, "2").ended is None
    # Half-way: whoever is champion is the whole of the old or the new, and somebody answers.
    assert champion(project) in (["1"], ["2"]) and users.client.version(row=users.row, x_entity_id="user") in ("1", "2")

    (result,) = project.deploy("loans", {"pipeline": "experiment"})
    assert result.code == 0 and result.summary["verdict"] == "promote" and result.summary["acted"] == "promoted"
    assert result.summary["serving"]["version"] == "2" and champion(project) == ["2"] and serving(project) == {"v2"}
    arms = result.summary["arms"]
    assert (
        arms["candidate"]["score"] > arms["champion"]["score"]
        and arms["candidate"]["without_entity"] + arms["champion"]["without_entity"] == 1
    )
    assert result.summary["experiment"]["interval"]["lower"] > 0
    assert "<svg" in (project.root / result.summary["reports"]["experiment"]).read_text()
    ended = experiment_of(project, "2")
    assert ended.ended and "better" in ended.reason
    (second,) = [one for one in project.versions("loans") if one["version"] == "2"]
    assert "better" in second["tags"]["production_why"]


def tags(project, version):
    (found,) = [one for one in project.versions("loans") if one["version"] == version]
    return found["tags"]


def has_claim(project, stage, version):
    """Have a retraining be under way that led to `version`."""
    code = (
        "from datetime import UTC, datetime; from switchyard.monitoring.decision import Decision, RuleResult\n"
        "from switchyard.monitoring.retraining.ledger import Ledger\n"
        "from deployment.predictions import prediction_log; now = datetime.now(UTC)\n"
        "rule = RuleResult(name='drift_share', value=0.3, threshold=0.1, verdict='retrain', reason='drifted')\n"
        "decision = Decision(model='loans', version='2', digest='d', since=now, until=now, rows=9, labelled=9, action='retrain',"
        " rules=(rule,), reason='drifted', key=str(now))\n"
        "with prediction_log('loans') as engine:\n"
        "    ledger = Ledger(engine, 'loans.local')\n"
        f"    ledger.advance(ledger.claim(decision, str(now), '{{}}', 9), '{stage}', version='{version}')\n"
        "print('claimed')"
    )
    assert project.call("-c", code).rstrip().endswith("claimed")


def test_rolling_back_while_a_canary_runs_takes_back_the_canary_and_the_champion_keeps_everything(project):
    (deployed,) = project.deploy("loans", {"strategy": "canary", "share": 0.1, "version": "1"})
    assert deployed.code == 0, deployed.output
    has_claim(project, "trained", "1")
    before = tags(project, "2")
    result = project.run("--pipeline", "deployment", "--config", "configs/loans.yaml", "--rollback", "--why", "canary is bad")

    assert result.code == 0, result.output
    told = result.output.index("rollback  taking back version 1, which gets 10 % as a canary; champion 2 keeps everything")
    assert told < result.output.index("serving   loans version 2")
    assert result.summary["serving"]["version"] == "2" and result.summary["candidate"] is None and result.summary["taken_back"] == ["1"]
    assert champion(project) == ["2"] and serving(project) == {"v2"} and tags(project, "2") == before
    ended = experiment_of(project, "1")
    assert (
        ended.ended and ended.verdict == "stop" and ended.reason.startswith("taken back by ") and ended.reason.endswith(": canary is bad")
    )
    assert tags(project, "1")["withdrawn_why"] == "canary is bad" and tags(project, "1")["withdrawn_by"]
    # Nobody goes on with it: not the next rollback, not a retraining that made it.
    (again,) = project.deploy("loans", {"rollback": True})
    assert again.code == 2 and "no earlier version in production" in again.output and champion(project) == ["2"]
    retraining = project.run("--pipeline", "retraining", "--config", "configs/loans.yaml")
    assert retraining.code == 3 and "rolled back, version 1: taken back by" in retraining.output and serving(project) == {"v2"}, (
        retraining.output
    )


def test_rolling_back_while_a_shadow_runs_takes_back_the_shadow(project):
    has_claim(project, "trying", "1")
    shadow, back, again = project.deploy(
        "loans", {"strategy": "shadow", "version": "1"}, {"rollback": True, "why": "slow"}, {"rollback": True}
    )
    assert shadow.code == back.code == 0, shadow.output + back.output
    assert back.summary["taken_back"] == ["1"] and tags(project, "1")["withdrawn_why"] == "slow"
    assert again.code == 2 and champion(project) == ["2"] and serving(project) == {"v2"}
    retraining = project.run("--pipeline", "retraining", "--config", "configs/loans.yaml")
    assert retraining.code == 3 and ": slow" in retraining.output, retraining.output


def test_a_canary_is_raised_and_one_that_answers_worse_is_rolled_back(project):
    ramp = {**QUICK, "ramp": [0.4], "ramp_hours": 0, "ramp_requests": 10}
    project.config("loans", **project.settings, experiment=ramp)
    (deployed,) = project.deploy("loans", {"strategy": "canary", "share": 0.2, "version": "1"})
    assert deployed.code == 0, deployed.output
    users = Users(project, 1)
    asked = users.ask(120)
    # Envoy brings times up to date every five seconds.
    wait_until(lambda: counts_of(users.host, "loans")["v1"].timed, 60, "the times")
    (raised,) = project.deploy("loans", {"pipeline": "experiment"})
    assert raised.summary["acted"] == "raised" and [stage.share for stage in experiment_of(project, "1").stages] == [0.2, 0.4]
    again = users.ask(120)
    before, after = ({entity for entity, (_, version, _) in found.items() if version == "1"} for found in (asked, again))
    assert before < after

    users.learn(users.ask(300, start=1000), {"1": 0.4, "2": 1.0})
    (result,) = project.deploy("loans", {"pipeline": "experiment"})
    assert result.summary["verdict"] == "stop" and "worse" in result.summary["reasons"][0]
    assert result.summary["acted"] == "stopped" and champion(project) == ["2"] and serving(project) == {"v2"}
    assert users.client.version(row=users.row) == "2"
    assert experiment_of(project, "1").ended


def test_a_canary_that_fails_is_rolled_back_while_somebody_watches(project):
    project.config("loans", **project.settings, experiment=QUICK)
    (deployed,) = project.deploy("loans", {"strategy": "canary", "share": 0.3, "version": "1"})
    assert deployed.code == 0, deployed.output
    users, over = Users(project, 2), threading.Event()
    observed = users.host._layout("loans").read_observed
    watching = project.start("--pipeline", "experiment", "--config", "configs/loans.yaml", "--watch", "2")

    def attack():
        while not over.is_set():
            process = observed().get("processes", {}).get("v1")
            if process and "pid" in process:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process["pid"], signal.SIGKILL)
            time.sleep(0.2)

    attacker = threading.Thread(target=attack)
    attacker.start()
    answered = 0
    try:
        deadline = time.monotonic() + 400
        while watching.poll() is None and time.monotonic() < deadline:
            answered += len(users.ask(5, start=int(time.monotonic() * 1000)))
            time.sleep(0.05)
    finally:
        over.set()
        attacker.join()
    output, _ = watching.communicate(timeout=60)
    assert watching.returncode == 0, output
    assert "verdict   stop" in output and "guardrail" in output
    assert champion(project) == ["2"] and serving(project) == {"v2"} and answered
    assert users.client.version(row=users.row) == "2"
    assert "guardrail" in experiment_of(project, "1").reason


def test_a_version_to_go_back_to_can_be_named_and_a_candidate_goes_too(project, tmp_path):
    assert "Error" not in project.call("-c", _REGISTER, str(make_bundle(tmp_path / "3", threshold=0.7)))
    orders = ({"rollback": True, "to": "9"}, {"rollback": True, "to": "3"}, {"rollback": True, "to": "2"}, {"to": "1"})
    words = ("there is 1, 2, 3", "never in production", "nothing to take back", "--version 1 deploys it")
    for result, said in zip(project.deploy("loans", *orders), words, strict=True):
        assert result.code == 2 and said in result.output
    (deployed,) = project.deploy("loans", {"strategy": "canary", "share": 0.2})
    assert deployed.summary["candidate"]["version"] == "3", deployed.output
    result = project.run("--pipeline", "deployment", "--config", "configs/loans.yaml", "--rollback", "--to", "1", "--why", "both are bad")

    assert result.code == 0, result.output
    assert (
        "taking back version 3, which gets 20 % as a canary; going back from champion 2, which is marked withdrawn, to version 1"
        in result.output
    )
    assert champion(project) == ["1"] and serving(project) == {"v1"} and experiment_of(project, "3").ended
    assert (
        tags(project, "2")["withdrawn_why"] == tags(project, "3")["withdrawn_why"] == tags(project, "1")["production_why"] == "both are bad"
    )
    (next_one,) = project.deploy("loans", {"strategy": "ab"})
    assert next_one.code == 2 and "in production already" in next_one.output
