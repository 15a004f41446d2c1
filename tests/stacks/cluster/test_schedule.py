"""CronJobs that run run.py: what is made, replaced, renewed and taken away."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stacks.cluster import schedule as scheduling
from stacks.cluster.objects import RESTRICTED, USER
from switchyard.tabular.errors import InputError
from tests.memory_cluster import MemoryCluster

CONFIG = ("loans.yaml", "name: loans\n")


@pytest.fixture
def cluster(monkeypatch):
    made = MemoryCluster()
    monkeypatch.setattr(scheduling, "_cluster", lambda: made)
    client = SimpleNamespace(active_stack_model=SimpleNamespace(id="stack"), zen_store=SimpleNamespace(url="http://zenml"))
    monkeypatch.setattr(scheduling, "Client", lambda: client)
    return made


def made(cluster, **settings):
    name = scheduling.schedule("monitoring-loans", "30 * * * *", ["--pipeline", "monitoring"], "images/pipelines:1", **settings)
    return name, cluster.get("CronJob", name)


def pod_of(job):
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def test_a_schedule_runs_run_py_with_its_config_by_the_clock(cluster):
    name, job = made(cluster, config=CONFIG)
    (container,) = pod_of(job)["containers"]

    assert scheduling.scheduled() == {"monitoring-loans": "30 * * * *"} and job["spec"]["timeZone"] == "Etc/UTC"
    assert container["command"] == ["python", "run.py", "--pipeline", "monitoring", "--config", "/etc/switchyard/loans.yaml"]
    assert cluster.get("ConfigMap", name)["data"] == dict([CONFIG])


def test_its_pod_has_no_more_rights_than_a_restricted_one(cluster):
    pod = pod_of(made(cluster)[1])

    assert pod["securityContext"]["runAsUser"] == USER and pod["serviceAccountName"] == "monitoring"
    assert all(container["securityContext"] == RESTRICTED for container in pod["containers"])


def test_what_takes_away_runs_as_an_account_of_its_own_which_must_be_there(cluster):
    with pytest.raises(InputError, match="no account 'pruner' yet; python run.py stack up kubernetes"):
        made(cluster, account=scheduling.PRUNER)
    assert not scheduling.scheduled()
    cluster.hold({"kind": "ServiceAccount", "metadata": {"name": "pruner"}})

    assert pod_of(made(cluster, account=scheduling.PRUNER)[1])["serviceAccountName"] == "pruner"


def test_an_upgrade_reaches_what_is_scheduled(cluster):
    made(cluster)
    assert scheduling.renew(cluster, "images/pipelines:2", "c0ffee") == ["monitoring-loans"]
    (container,) = pod_of(cluster.get("CronJob", "monitoring-loans"))["containers"]
    told = {entry["name"]: entry.get("value") for entry in container["env"]}

    assert container["image"] == told["SWITCHYARD_IMAGE_PIPELINES"] == "images/pipelines:2" and told["SWITCHYARD_COMMIT"] == "c0ffee"
    assert told["ZENML_STORE_URL"] == "http://zenml"
    assert scheduling.renew(cluster, "images/pipelines:2", "c0ffee") == []


def test_a_schedule_of_before_is_given_the_logs_url_when_it_is_renewed(cluster):
    made(cluster)
    container = pod_of(cluster.objects["CronJob", "monitoring-loans"])["containers"][0]
    container["env"] = [entry for entry in container["env"] if entry["name"] != "SWITCHYARD_PREDICTIONS"]
    scheduling.renew(cluster, "images/pipelines:2", "c0ffee")

    (container,) = pod_of(cluster.get("CronJob", "monitoring-loans"))["containers"]
    told = [entry["valueFrom"]["secretKeyRef"]["key"] for entry in container["env"] if entry["name"] == "SWITCHYARD_PREDICTIONS"]
    assert told == ["predictions-url"] and len(container["env"]) == len({entry["name"] for entry in container["env"]})


def test_what_is_unscheduled_is_gone_with_its_config(cluster):
    made(cluster, config=CONFIG)
    assert scheduling.unschedule("monitoring-loans") and not cluster.objects
    assert not scheduling.unschedule("monitoring-loans")


def test_names_that_kubernetes_does_not_take_are_told_apart(cluster):
    names = {scheduling.schedule(name, "0 * * * *", [], "i:1") for name in ("Loans", "loans", "lo_ans", "lo-ans", "x" * 80, "x" * 81)}
    assert len(names) == 6 and all(len(name) <= 52 for name in names)
