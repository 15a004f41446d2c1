"""Waiting: it ends early where there is no hope, bears a cluster that is silent, and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stacks.cluster import waiting
from stacks.cluster.errors import ClusterError, Forbidden
from stacks.cluster.trouble import Trouble
from stacks.cluster.waiting import OF_SERVERS, Clock, Seen, holds, wait_until
from tests.memory_cluster import MemoryCluster

AT_ONCE = replace(OF_SERVERS, start_s=0.0, refused_s=0.0, quota_s=0.0, room_s=0.0, death_s=0.0)


class Cluster(MemoryCluster):
    """The server `zenml`, which is not rolled out, and the pods of it."""

    def __init__(self, **status):
        super().__init__("switchyard")
        self.hold({"kind": "Deployment", "metadata": {"name": "zenml"}, "spec": {"replicas": 1}, "status": {}})
        labels = {"app.kubernetes.io/name": "zenml"}
        self.hold({"kind": "Pod", "metadata": {"name": "zenml-1", "labels": labels}, "status": status})
        self.logs["zenml-1"] = "first\nlast words\n"


def container(reason, restarts=0):
    return {"containerStatuses": [{"name": "zenml", "image": "r/i:1", "restartCount": restarts, "state": {"waiting": {"reason": reason}}}]}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (container("ImagePullBackOff"), r"^the cluster can't pull r/i:1: .*IMAGE_PULL_SECRET.*describe pod zenml-1$"),
        (container("CreateContainerConfigError"), "^zenml: container zenml of pod zenml-1 can't start: CreateContainerConfigError"),
        (container("CrashLoopBackOff", 3), "^zenml ends again and again: last words$"),
        (
            {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "unbound PersistentVolumeClaims"}]},
            "^zenml finds no place: unbound PersistentVolumeClaims; STORAGE_CLASS",
        ),
    ],
)
def test_a_server_that_cannot_come_up_is_said_early_with_the_reason(status, told):
    with pytest.raises(ClusterError, match=told):
        waiting.wait_for_deployments(Cluster(**status), ["zenml"], lambda line: None, patience=AT_ONCE)


def test_a_server_whose_pods_are_refused_is_named_with_the_clusters_words():
    cluster, condition = Cluster(), {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: full"}
    cluster.objects["Deployment", "zenml"]["status"] = {"conditions": [condition]}
    with pytest.raises(ClusterError, match="^zenml: the cluster refuses its pods: exceeded quota: full$"):
        waiting.wait_for_deployments(cluster, ["zenml"], lambda line: None, patience=AT_ONCE)


def test_a_server_that_says_nothing_is_waited_for_until_the_time_is_over():
    with pytest.raises(ClusterError, match=r"^zenml did not become ready in 0 s: kubectl -n switchyard describe pods$"):
        waiting.wait_for_deployments(Cluster(), ["zenml"], lambda line: None, 0)


def test_a_server_is_told_of_once_it_is_ready():
    cluster, said = Cluster(), []
    cluster.objects["Deployment", "zenml"]["status"] = {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
    waiting.wait_for_deployments(cluster, ["zenml"], said.append)
    assert said == ["zenml is ready"]


class Checking(MemoryCluster):
    """A cluster whose jobs end as told, once they were applied."""

    def __init__(self, **ends):
        super().__init__()
        self.ends = ends

    def apply(self, *manifests):
        super().apply(*manifests)
        for name, end in self.ends.items():
            self.hold({"kind": "Job", "metadata": {"name": name}, "status": {"conditions": [{"type": end, "status": "True"}]}})
            self.hold({"kind": "Pod", "metadata": {"name": f"{name}-x", "labels": {"job-name": name}}, "status": {}})
            self.logs[f"{name}-x"] = "a first line\nSTUDIES_DATABASE_URL: it takes no connection\n"


JOBS = [{"kind": "Job", "metadata": {"name": name}} for name in ("first", "second")]


def test_a_check_that_fails_says_why_in_its_own_words_and_one_that_passes_says_nothing():
    waiting.run_checks(Checking(first="Complete", second="Complete"), JOBS, 5)
    waiting.run_checks(Checking(), [], 5)
    with pytest.raises(ClusterError, match="^STUDIES_DATABASE_URL: it takes no connection$"):
        waiting.run_checks(Checking(first="Complete", second="Failed"), JOBS, 5)


def test_a_check_is_run_anew():
    cluster = Checking(first="Complete", second="Complete")
    cluster.hold({"kind": "Job", "metadata": {"name": "first"}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}})
    waiting.run_checks(cluster, JOBS, 5)

    assert cluster.done == [("delete", "Job", "first"), ("apply", "Job", "first"), ("apply", "Job", "second")]


def test_what_does_not_go_is_named():
    cluster = MemoryCluster()
    cluster.hold({"kind": "Namespace", "metadata": {"name": "ours"}})
    cluster.delete = lambda *_what: True
    with pytest.raises(ClusterError, match="^Namespace ours did not end in 0 s"):
        waiting.delete_all(cluster, [("Namespace", "ours")], 0)


def pulling(reason="", patience_s=0.05):
    return Trouble("image", reason, patience_s, "p", "c")


def test_a_trouble_must_last_and_its_words_do_not_matter(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now[0])
    clock = Clock()
    assert clock.hopeless([pulling("ErrImagePull", 10.0)]) is None
    now[0] = 9.0
    assert clock.hopeless([pulling("ImagePullBackOff", 10.0)]) is None
    now[0] = 11.0
    assert clock.hopeless([pulling("ErrImagePull", 10.0)]).reason == "ErrImagePull"

    assert clock.hopeless([]) is None
    assert clock.hopeless([pulling("again", 10.0)]) is None
    now[0] = 1e9
    assert clock.hopeless([pulling("as long as there is time", None)]) is None


def test_a_silent_cluster_is_borne_with_and_one_that_forbids_is_not():
    answers = iter([ClusterError("no answer", 0), ClusterError("busy", 503), Seen(True)])

    def look():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_until(look, 5, 0.01).done

    def forbid():
        raise Forbidden("not you", 403)

    with pytest.raises(Forbidden):
        wait_until(forbid, 5, 0.01)


def test_a_silence_at_the_last_is_told():
    def silent():
        raise ClusterError("no answer", 0)

    assert str(wait_until(silent, 0.02, 0.01).silence) == "no answer"
    with pytest.raises(ClusterError, match="no answer"):
        holds(silent, 0.02, 0.01)
    assert holds(lambda: False, 0.02, 0.01) is False
