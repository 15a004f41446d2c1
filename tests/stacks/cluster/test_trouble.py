"""What is said of pods that do not come up."""

import pytest

from stacks.cluster import trouble
from stacks.cluster.trouble import OF_A_MODEL, is_rolled_out


def pod(phase="Pending", **container):
    status = {"phase": phase, "containerStatuses": [{"name": "model", "image": "registry/serving:1", **container}]}
    return {"metadata": {"name": "p"}, "status": status}


@pytest.mark.parametrize(
    ("container", "words", "patience"),
    [
        ({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}, "ImagePullBackOff: not found", 20.0),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}}}, 'secret "s" not found', 20.0),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}},
            "ended with code 1",
            0.0,
        ),
        ({"state": {"running": {}}, "restartCount": 1, "lastState": {"terminated": {"exitCode": 1}}}, "ended with code 1", None),
        ({"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}, "restartCount": 0}, "killed for want of memory", None),
    ],
)
def test_a_pod_says_why_it_does_not_come_up(container, words, patience):
    found = trouble.trouble([pod(**container)], [])

    assert words in found.reason and found.patience_s == patience
    leaving = {**pod(**container), "metadata": {"name": "p", "deletionTimestamp": "now"}}
    assert trouble.trouble([leaving], []) is None


def test_a_container_that_is_ready_is_forgiven_its_deaths():
    assert trouble.trouble([pod(ready=True, state={"running": {}}, lastState={"terminated": {"exitCode": 1}})], []) is None


def test_an_init_container_is_looked_at_too():
    status = {"initContainerStatuses": [{"name": "fetch", "state": {"terminated": {"exitCode": 2}}}]}
    assert "container fetch of pod p ended with code 2" in trouble.trouble([{"metadata": {"name": "p"}, "status": status}], []).reason


def test_a_pod_without_a_node_waits_as_long_as_its_waiter_says():
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}
    found = trouble.trouble([{"metadata": {"name": "p"}, "status": {"conditions": [unscheduled]}}], [])

    assert found.reason == "pod p has no node: 0/3 nodes are available" and found.patience_s is None


def test_a_deployment_says_why_it_has_no_pods():
    def deployment(message):
        return {"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]}}

    quota = trouble.trouble([], [deployment('pods "p" is forbidden: exceeded quota')])
    assert "exceeded quota" in quota.reason and quota.kind == "quota"
    assert trouble.trouble([], [deployment('serviceaccount "s" not found')]).kind == "refused"


def test_the_worst_is_that_of_which_there_is_no_hope_the_soonest():
    starting = pod(state={"waiting": {"reason": "ErrImagePull"}})
    dying = pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=3)
    assert trouble.trouble([starting, dying], []).kind == "death"


def event(second, message="denied"):
    return {
        "metadata": {"creationTimestamp": "2026-03-01T09:00:00Z"},
        "lastTimestamp": f"2026-03-01T10:00:{second:02}Z",
        "message": message,
    }


def job(**condition):
    return {"metadata": {"name": "j"}, "status": {"conditions": [{"status": "True", **condition}] if condition else []}}


def test_a_job_whose_pod_is_never_made_says_so_by_its_latest_event():
    found = trouble.of_job(job(), [], [event(2, "the last"), event(1, "the first")], OF_A_MODEL)

    assert found.kind == "refused" and found.said == "the last"
    assert trouble.of_job(job(), [], [], OF_A_MODEL) is None


def test_a_refusal_is_over_once_a_pod_was_made_since():
    def made(second):
        return {"metadata": {"name": "p", "creationTimestamp": f"2026-03-01T10:00:{second:02}Z"}, "status": {"phase": "Failed"}}

    assert trouble.of_job(job(), [made(3)], [event(2)], OF_A_MODEL) is None
    assert trouble.of_job(job(), [made(1)], [event(2)], OF_A_MODEL).said == "denied"
    running = {**made(1), "status": {"phase": "Running"}}
    assert trouble.of_job(job(), [running], [event(2)], OF_A_MODEL) is None


def test_a_job_that_has_failed_says_why_and_one_that_is_complete_nothing():
    found = trouble.of_job(job(type="Failed", reason="DeadlineExceeded", message="too long"), [], [event(2)], OF_A_MODEL)
    assert found.kind == "failed" and found.said == "DeadlineExceeded: too long"
    assert trouble.of_job(job(type="Complete"), [], [event(2)], OF_A_MODEL) is None


def test_rolled_out_is_only_what_runs_as_it_was_last_asked_for():
    def deployment(**status):
        return {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 2, **status}}

    assert is_rolled_out(deployment(updatedReplicas=1, availableReplicas=1, replicas=1))
    assert not is_rolled_out(deployment(updatedReplicas=1, availableReplicas=1, replicas=2))
    assert not is_rolled_out(deployment(replicas=1, availableReplicas=1))
    assert not is_rolled_out(deployment(observedGeneration=1, updatedReplicas=1, availableReplicas=1, replicas=1))
