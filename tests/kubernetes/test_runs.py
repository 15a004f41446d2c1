"""The same pipelines on a cluster: the same model, whatever dies meanwhile; and a clear end where there can be no other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from functools import partial
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import wait_until
from tests.deployment.conftest import Client, Load
from tests.kubernetes.backing import BUCKET_OF_STACK, client_of, get, kubectl
from tests.kubernetes.running import FAMILIES, predictions, says_no_traceback, scores

# Those that are not `full` are CI's: parity, a deployment, two faults.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
CONNECTIONS = 8
_END_S = 120.0
"""Faults that a run can't survive must be told within this time."""


@pytest.fixture(scope="module")
def cluster(installation):
    return installation


@pytest.fixture(scope="module")
def here(cluster):
    """What the local stack makes of the problem: the model that every other run must make too."""
    cluster.use("local")
    began = time.monotonic()
    result = cluster.train("parity")
    assert result.code == 0, result.output
    wall = time.monotonic() - began
    answers = predictions(cluster.project, "parity", result.summary["model"]["version"])
    print(f"local: {wall:.0f} s, {json.dumps(result.summary['stages'])}")
    yield result, answers
    cluster.use("kubernetes")


def assert_same_model(result, here, cluster):
    first, answers = here
    assert result.code == 0, result.output
    assert result.summary["model"]["family"] == first.summary["model"]["family"]
    mine, theirs = scores(result), scores(first)
    assert mine.keys() == theirs.keys()
    assert mine == pytest.approx(theirs, abs=1e-6)
    if result.summary["model"]["digest"] != first.summary["model"]["digest"]:
        assert np.abs(np.subtract(predictions(cluster.project, "parity", result.summary["model"]["version"]), answers)).max() < 1e-6


def assert_one_version(cluster, result):
    found = [version for version in cluster.project.versions("parity") if version["tags"]["digest"] == result.summary["model"]["digest"]]
    assert len(found) == 1
    # The orchestrator's pod ends a moment after its run.
    wait_until(lambda: cluster.unfinished_jobs() == [], 60, "the end of its Jobs")


def test_the_cluster_makes_the_model_that_this_machine_makes(cluster, here):
    cluster.use("kubernetes")
    result = cluster.train("parity")
    print(f"kubernetes: {result.summary and json.dumps(result.summary['stages'])}")
    assert_same_model(result, here, cluster)
    assert_one_version(cluster, result)


@pytest.mark.full
def test_no_secret_is_in_what_runs_leave_behind(cluster):
    cluster.use("kubernetes")
    values, store = cluster.secret_values(), client_of(cluster.secret("object-store"))
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET_OF_STACK)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    assert any(key.startswith("zenml/") for key in keys) and any(key.startswith("mlflow/") for key in keys)
    texts = {key: store.get_object(Bucket=BUCKET_OF_STACK, Key=key)["Body"].read() for key in keys}
    code = """
import mlflow
from stacks.active import connect_mlflow
connect_mlflow()
runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
print([run.to_dictionary() for run in runs], mlflow.MlflowClient().search_model_versions(""))
"""
    texts["mlflow"] = cluster.project.python(code).encode()
    assert b"run_id" in texts["mlflow"]
    assert [(where, key) for where, text in texts.items() for key, value in values.items() if value.encode() in text] == []


@pytest.mark.full
def test_containers_of_this_machine_make_it_too(cluster, here):
    cluster.use("docker")
    result = cluster.train("parity")
    cluster_result = result
    print(f"docker: {result.summary and json.dumps(result.summary['stages'])}")
    assert_same_model(cluster_result, here, cluster)
    cluster.use("kubernetes")


def test_a_deployment_answers_the_printed_line(cluster):
    cluster.use("kubernetes")
    if not cluster.project.versions("parity"):
        assert cluster.train("parity").code == 0
    deployed = cluster.deploy("parity")
    assert get("sdep", "parity", cluster.namespace)["status"]["state"] == "Available"
    printed = deployed.output.rstrip().splitlines()[-1]
    answer = subprocess.run(printed, shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["meta"]["tags"]["version"] == deployed.summary["serving"]["version"]
    sound = cluster.project.run("doctor")
    assert sound.code == 0, sound.output
    for what in (
        *(f"{server} in {cluster.namespace}" for server in ("zenml", "mlflow", "database", "objects")),
        "parity, production",
        "parity, prediction log",
    ):
        assert what in sound.output, sound.output


@pytest.mark.full
def test_a_second_version_takes_over_and_the_first_comes_back_without_a_failed_request(cluster):
    cluster.use("kubernetes")
    if not cluster.project.versions("parity"):
        assert cluster.train("parity").code == 0
    first = cluster.deploy("parity")
    version = first.summary["serving"]["version"]
    second = cluster.project.train("parity", "--seed", "1")
    assert second.code == 0, second.output
    client = Client(SimpleNamespace(**first.summary["endpoint"]))
    row = json.loads(Path(first.summary["endpoint"]["example_request"]).read_text())["rows"][0]
    client.ask = partial(client.ask, row=row)
    with Load(client, CONNECTIONS) as load:
        time.sleep(2)
        after = cluster.deploy("parity")
        time.sleep(2)
        back = cluster.deploy("parity", "--rollback", "--why", "complaints")
        time.sleep(2)
    assert load.failures == []
    order = [version for version, _ in groupby(load.versions)]
    assert (order[0], order[-1]) == (version, version) and after.summary["serving"]["version"] in order
    assert back.summary["serving"]["version"] == version
    print(f"{len(load.versions)} requests answered meanwhile")


@pytest.mark.full
def test_a_table_is_scored_labels_are_joined_and_a_canary_is_judged(cluster, tmp_path):
    """What looks at what serves, in pods and from this machine."""
    cluster.use("kubernetes")
    project, config = cluster.project, ("--config", "configs/parity.yaml")
    if not project.versions("parity"):
        assert cluster.train("parity").code == 0
    deployed = cluster.deploy("parity")
    table = loans(rows=60, seed=9).drop(columns="defaulted")
    table.to_csv(tmp_path / "in.csv", index=False)

    scored = project.run("--pipeline", "inference", *config, "--data", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"))
    assert scored.code == 0, scored.output
    out = pd.read_csv(tmp_path / "out.csv")
    assert len(out) == 60 and scored.summary["logged"] == 60

    endpoint = deployed.summary["endpoint"]
    row = json.loads(Path(endpoint["example_request"]).read_text())["rows"][0]
    client = Client(SimpleNamespace(**endpoint))
    ids = [client.ask(row=row, x_entity_id=f"user-{number}")[1]["meta"]["puid"] for number in range(20)]
    pd.DataFrame({"prediction_id": [*ids, "nobody"], "label": 1}).to_csv(tmp_path / "labels.csv", index=False)
    joined = project.run("labels", *config, "--data", str(tmp_path / "labels.csv"), "--summary", str(tmp_path / "counts.json"))
    assert joined.code == 0, joined.output
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert (counts["matched"], counts["unmatched"]) == (20, 1)

    assert project.train("parity", "--seed", "2").code == 0
    canary = cluster.deploy("parity", "--strategy", "canary", "--share", "0.3")
    assert canary.summary["serving"]["version"] == deployed.summary["serving"]["version"]
    judged = project.run("--pipeline", "experiment", *config)
    assert judged.code == 0 and judged.summary["verdict"] == "continue", judged.output
    cluster.deploy("parity")


@pytest.mark.full
def test_it_survives_the_death_of_a_step_that_tunes_and_of_the_orchestrator(cluster, here):
    cluster.use("kubernetes")
    killings = [cluster.delete_pod_of(f"tune_{FAMILIES[0]}"), cluster.delete_pod_of("orchestrator", after_s=20)]
    result = cluster.train("parity")
    assert all(killing.killed for killing in killings)
    assert_same_model(result, here, cluster)
    assert_one_version(cluster, result)


@pytest.mark.full
@pytest.mark.parametrize(
    "restarts",
    [{f"tune_{FAMILIES[0]}": "objects", "register_model": "mlflow"}, {f"tune_{FAMILIES[0]}": "zenml"}],
    ids=["S3 and MLflow", "ZenML"],
)
def test_it_survives_the_restart_of_a_server(cluster, here, restarts):
    cluster.use("kubernetes")
    process = cluster.project.start("--pipeline", "training", "--config", "configs/parity.yaml", "--seed", "0", "--no-cache")
    before = set(cluster.pods())
    for step, server in restarts.items():
        wait_until(lambda step=step: set(cluster.pods(step)) - before or process.poll() is not None, 600, step)
        cluster.restart(server)
    output, _ = process.communicate(timeout=900)
    print(f"{', '.join(restarts.values())}: exit code {process.returncode}")
    if "zenml" in restarts.values() and process.returncode:
        assert says_no_traceback(output), output
    else:
        assert process.returncode == 0, output
    # The same command finishes what is left, or finds that nothing is.
    result = cluster.project.train("parity", "--seed", "0")
    assert_same_model(result, here, cluster)
    assert_one_version(cluster, result)


def ends_clearly(cluster, words, name="parity"):
    """Seconds until the run has ended, with `words` and nothing registered."""
    before = cluster.project.versions(name)
    if "SWITCHYARD_IMAGE_PIPELINES" not in os.environ:
        cluster.ensure_image()
    began = time.monotonic()
    result = cluster.train(name)
    took = time.monotonic() - began
    assert result.code == 1, result.output
    assert says_no_traceback(result.output), result.output
    assert words in result.output, result.output
    assert cluster.project.versions(name) == before
    assert cluster.unfinished_jobs() == []
    print(f"{words}: {took:.0f} s")
    return took


def test_an_image_that_can_not_be_pulled_ends_the_run_at_once(cluster, monkeypatch):
    cluster.use("kubernetes")
    monkeypatch.setenv("SWITCHYARD_IMAGE_PIPELINES", f"{os.environ['CONTAINER_REGISTRY']}/switchyard-pipelines:none")
    assert ends_clearly(cluster, "can't start") < _END_S


@pytest.mark.full
def test_a_pod_that_admission_forbids_ends_the_run(cluster):
    cluster.use("kubernetes")

    def open_up(settings):
        settings["steps"] = {**settings.get("steps", {}), "load_table": {"orchestrator": {"pod_settings": {"host_ipc": True}}}}

    put_back = cluster.settings(open_up)
    try:
        assert ends_clearly(cluster, "the cluster refuses the pod of load_table") < _END_S
    finally:
        put_back()


@pytest.mark.full
def test_a_step_over_its_memory_limit_is_told_so(cluster):
    cluster.use("kubernetes")

    def narrow(settings):
        limits = {"requests": {"memory": "100Mi"}, "limits": {"memory": "150Mi"}}
        settings["steps"] = {**settings.get("steps", {}), "load_table": {"orchestrator": {"pod_settings": {"resources": limits}}}}

    put_back = cluster.settings(narrow)
    try:
        assert ends_clearly(cluster, "memory limit of 150Mi (OOMKilled)") < _END_S
    finally:
        put_back()


@pytest.mark.full
def test_a_quota_that_leaves_no_room_ends_the_run(cluster):
    cluster.use("kubernetes")
    kubectl("create", "quota", "none-left", "-n", cluster.namespace, "--hard=count/pods=0,pods=0")
    try:
        assert ends_clearly(cluster, "exceeded quota") < _END_S
    finally:
        kubectl("delete", "quota", "none-left", "-n", cluster.namespace)


def test_a_full_artifact_store_ends_the_run(cluster):
    cluster.use("kubernetes")
    with cluster.full_store("64Ki"):
        assert ends_clearly(cluster, "found no room to write") < _END_S


@pytest.mark.full
def test_ctrl_c_stops_the_run_on_the_cluster(cluster):
    cluster.use("kubernetes")
    process = cluster.project.start("--pipeline", "training", "--config", "configs/parity.yaml", "--no-cache")
    wait_until(lambda: cluster.pods("load_table", "Running"), 300, "the first step")
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and says_no_traceback(output), output
    wait_until(lambda: cluster.unfinished_jobs() == [], 60, "the end of its Jobs")


@pytest.mark.full
def test_two_workers_share_the_trials_of_a_family(cluster):
    cluster.use("kubernetes")
    result = cluster.train("shared", "--workers", "2")
    assert result.code == 0, result.output
    stages = {stage["name"]: stage["duration_s"] for stage in result.summary["stages"]}
    print(f"two workers: {stages['tune_lightgbm_1']} and {stages['tune_lightgbm_2']} s")
    code = """
from zenml.client import Client
run = Client().list_pipeline_runs(size=1, sort_by='desc:created').items[0]
study = run.steps['gather_lightgbm'].outputs['study'][0].load()
print([trial.number for trial in study.trials])
"""
    assert cluster.project.python(code).splitlines()[-1] == str(list(range(6)))
    # What came before the tuning is taken from that run.
    alone = cluster.project.train("shared", "--seed", "0")
    assert alone.code == 0 and "tune_lightgbm" in alone.ran, alone.output
    print(f"one worker: {next(stage['duration_s'] for stage in alone.summary['stages'] if stage['name'] == 'tune_lightgbm')} s")
