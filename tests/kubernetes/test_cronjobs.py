"""What a cluster runs by the clock: run.py as a CronJob, monitoring and pruning among it."""

from __future__ import annotations

import ast
import os
import re
import subprocess

import pytest

from tests.kubernetes.backing import get

pytestmark = [pytest.mark.cluster, pytest.mark.full, pytest.mark.timeout(1200)]
TRAININGS = """
from zenml.client import Client
stack = Client().active_stack_model.id
runs = Client().list_pipeline_runs(pipeline="training", stack_id=stack, sort_by="desc:created", size=100)
print([str(run.id) for run in runs.items])
"""


def test_a_cron_job_prunes_what_nobody_needs_and_may_do_no_more(installation, monkeypatch):
    """Failed trainings go but for the newest; the one that made what serves stays."""
    installation.use("kubernetes")
    project, command = installation.project, ("prune", "--keep", "trainings=0", "--keep", "predictions=3650", "--schedule")

    def trainings():
        return ast.literal_eval(project.python(TRAININGS).splitlines()[-1])

    while len(before := trainings()) < 3:
        with monkeypatch.context() as context:
            context.setenv("SWITCHYARD_IMAGE_PIPELINES", f"{os.environ['CONTAINER_REGISTRY']}/switchyard-pipelines:none")
            installation.train("parity")
    scheduled = project.run(*command, "0 3 * * *")
    assert scheduled.code == 0 and "CronJob prune runs by '0 3 * * *'" in scheduled.output, scheduled.output
    try:
        (job,) = [one for one in installation.items("cronjobs") if one["metadata"]["name"] == "prune"]
        assert job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] == "pruner"
        said = installation.run_now("prune", "prune-now")
    finally:
        assert project.run("prune", "--schedule", "off").code == 0

    after = trainings()
    assert "not freed" not in said and set(after) < set(before) and before[0] in after, (said, before, after)
    if installation.items("seldondeployments"):
        assert get("sdep", "parity", installation.namespace)["status"]["state"] == "Available"
        assert installation.project.versions("parity")


def test_run_py_is_scheduled_by_a_cron_job(installation):
    installation.use("kubernetes")
    code = """
from stacks.cluster.schedule import schedule, scheduled, unschedule
from stacks.active import pipelines_image
from pathlib import Path
image, config = pipelines_image(), ('parity.yaml', Path('configs/parity.yaml').read_text())
schedule('monitoring-parity', '0 * * * *', ['--pipeline', 'monitoring'], image, config)
schedule('monitoring-parity', '30 * * * *', ['--pipeline', 'monitoring', '--window', '7d'], image.rpartition(':')[0] + ':old', config)
print(scheduled())
"""
    assert installation.project.python(code).splitlines()[-1] == "{'monitoring-parity': '30 * * * *'}"

    def container():
        (job,) = installation.items("cronjobs")
        assert job["spec"]["timeZone"] == "Etc/UTC" and job["spec"]["concurrencyPolicy"] == "Forbid"
        assert job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] == "monitoring"
        return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]

    assert container()["command"] == [
        "python",
        "run.py",
        "--pipeline",
        "monitoring",
        "--window",
        "7d",
        "--config",
        "/etc/switchyard/parity.yaml",
    ]
    # An upgrade reaches what is scheduled.
    old = container()["image"]
    up = installation.up()
    assert up.code == 0 and "monitoring-parity runs this code from now on" in up.output, up.output
    new = container()
    assert new["image"] != old == f"{new['image'].rpartition(':')[0]}:old"
    assert {entry["name"]: entry.get("value") for entry in new["env"]}["SWITCHYARD_IMAGE_PIPELINES"] == new["image"]

    gone = installation.project.run("--pipeline", "monitoring", "--config", "configs/parity.yaml", "--schedule", "off")
    assert gone.code == 0 and installation.items("cronjobs") == [], gone.output
    nothing = installation.project.run("--pipeline", "monitoring", "--config", "configs/parity.yaml", "--schedule", "off")
    assert nothing.code == 2 and "keeps no schedule 'monitoring-parity'" in nothing.output


def test_monitoring_runs_on_the_cluster_by_its_cron_job(installation):
    installation.use("kubernetes")
    if installation.items("seldondeployments") == []:
        installation.train("parity")
        printed = installation.deploy("parity").output.rstrip().splitlines()[-1]
        subprocess.run(printed, shell=True, capture_output=True, check=True)
    process = installation.project.start(
        "--pipeline", "monitoring", "--config", "configs/parity.yaml", "--window", "7d", "--schedule", "0 * * * *"
    )
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0 and "CronJob monitoring-parity" in output, output
    try:
        said = installation.run_now("monitoring-parity", "now")
        assert re.search(r"^decision  (nothing|alert|retrain): ", said, re.MULTILINE), said
    finally:
        installation.project.python("from stacks.cluster.schedule import unschedule; unschedule('monitoring-parity')")
