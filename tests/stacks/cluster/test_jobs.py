"""What a run's Jobs, pods and events say of a run that can't go on."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

import pytest

from stacks.cluster import jobs, waiting
from tests.memory_cluster import MemoryCluster

RUN = UUID(int=7)


class Run(MemoryCluster):
    """The Jobs of a run, their pods and events."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.job("orchestrator", None)

    def job(self, name, step, **condition):
        labels = {"run_id": str(RUN), **({"step_name": step} if step else {})}
        conditions = [{"status": "True", **condition}] if condition else []
        self.hold({"kind": "Job", "metadata": {"name": name, "labels": labels}, "status": {"conditions": conditions}})

    def pod(self, name, job, step, phase="Pending", conditions=(), **container):
        labels = {"run_id": str(RUN), "job-name": job, **({"step_name": step} if step else {})}
        metadata = {"name": name, "uid": name, "labels": labels, "creationTimestamp": "2026-03-01T10:00:00Z"}
        spec = {"containers": [{"name": "main", "resources": {"limits": {"memory": "150Mi"}}}]}
        status = {"phase": phase, "conditions": list(conditions), "containerStatuses": [{"name": "main", "image": "r/i:1", **container}]}
        self.hold({"kind": "Pod", "metadata": metadata, "spec": spec, "status": status})

    def event(self, job, message):
        involved = {"involvedObject.kind": "Job", "involvedObject.name": job, "reason": "FailedCreate"}
        metadata = {"name": f"{job}-event", "fields": involved}
        self.hold({"kind": "Event", "metadata": metadata, "lastTimestamp": "2026-03-01T10:00:05Z", "message": message})

    def list(self, kind, selector="", fields=""):
        found = super().list(kind, selector)
        if kind != "Event":
            return found
        wanted = dict(part.split("=") for part in fields.split(","))
        return [one for one in found if one["metadata"]["fields"] == wanted]


@pytest.fixture
def run(monkeypatch):
    made = Run()
    monkeypatch.setattr(waiting.time, "monotonic", lambda: made.now)
    monkeypatch.setattr(jobs, "Cluster", lambda _namespace, api: made)
    return made


@pytest.fixture
def watch(run):
    config = SimpleNamespace(kubernetes_namespace="ours")
    return jobs.JobWatch(SimpleNamespace(config=config, get_kube_client=lambda: None, get_token_secret_name=str), RUN)


def told_after(watch, run, seconds):
    """What the run ends with once everything has lasted for so long; nothing is said before that."""
    assert watch.look() is None
    run.now = seconds - 1.0
    assert watch.look() is None
    run.now = seconds
    return watch.look()


def test_a_run_that_goes_on_is_let_alone(watch, run):
    run.pod("p", "orchestrator", None, "Running", state={"running": {}})
    assert watch.look() is None


def test_an_image_that_can_not_be_pulled_ends_the_run_though_its_words_change(watch, run):
    run.pod("p", "orchestrator", None, state={"waiting": {"reason": "ErrImagePull"}})
    assert watch.look() is None
    run.now = 15.0
    run.pod("p", "orchestrator", None, state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off\npulling"}})
    assert watch.look() == "the run's orchestrator can't start: ImagePullBackOff: Back-off pulling"


@pytest.mark.parametrize("at_work", [False, True])
def test_a_quota_refuses_for_good_only_where_no_pod_that_ends_makes_room(watch, run, at_work):
    run.job("j", "load_table")
    run.event("j", "pods is forbidden: exceeded quota: full")
    if at_work:
        run.job("k", "other")
        run.pod("q", "k", "other", "Running", state={"running": {}})
    if at_work:
        assert told_after(watch, run, 1e6) is None
    else:
        assert told_after(watch, run, 60.0) == "the cluster refuses the pod of load_table: pods is forbidden: exceeded quota: full"
    assert "exceeded quota" in watch.reason("load_table")


def test_a_pod_that_admission_forbids_ends_the_run(watch, run):
    run.job("j", "load_table")
    run.event("j", "violates PodSecurity")
    assert told_after(watch, run, 15.0) == "the cluster refuses the pod of load_table: violates PodSecurity"


def test_a_pod_waits_ten_minutes_for_a_node(watch, run):
    run.job("j", "load_table")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    run.pod("p", "j", "load_table", conditions=[condition], state={})
    assert told_after(watch, run, 600.0) == "load_table finds no node: 0/1 nodes are available"


def test_a_step_that_is_killed_twice_for_its_memory_ends_the_run(watch, run):
    run.job("j", "tune")
    killed = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    run.pod("p", "j", "tune", "Failed", state=killed)
    assert watch.look() is None and "memory limit of 150Mi (OOMKilled)" in watch.reason("tune")
    assert watch.look() is None
    run.pod("q", "j", "tune", "Failed", state=killed)
    assert watch.look() == watch.reason("tune")


def test_a_failed_orchestrator_ends_the_run_and_a_failed_step_is_zenmls_to_tell(watch, run):
    run.job("j", "tune", type="Failed", reason="BackoffLimitExceeded", message="it has")
    assert told_after(watch, run, 1e6) is None
    assert watch.reason("tune") == "tune failed: BackoffLimitExceeded: it has"

    run.job("orchestrator", None, type="Failed", reason="DeadlineExceeded", message="too long")
    assert watch.look() is None
    run.now += 15.0
    assert watch.look() == "the run's orchestrator failed: DeadlineExceeded: too long"


def test_the_orchestrator_is_stopped_first_lest_it_starts_again_what_is_deleted(watch, run, monkeypatch):
    run.job("a-step", "tune")
    found = SimpleNamespace(snapshot=SimpleNamespace(id="token"))
    monkeypatch.setattr(jobs, "Client", lambda: SimpleNamespace(get_pipeline_run=lambda _run: found))
    watch.stop()

    assert [name for _, _, name in run.done] == ["orchestrator", "a-step", "token"]
