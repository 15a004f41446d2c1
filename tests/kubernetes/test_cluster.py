"""What only a cluster can show: several pods, their deaths, and what the cluster refuses."""

import json
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from deployment.host import DeploymentError
from deployment.kubernetes.lost import lost_models
from stacks.cluster import trouble
from stacks.cluster.client import Cluster
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client, Load
from tests.deployment.door import wait_until
from tests.kubernetes.backing import apply, get, kubectl, secret_of
from tests.kubernetes.conftest import TIMEOUT
from tests.kubernetes.test_both_hosts import serve

# What both hosts must do is in test_both_hosts.py. Those that are not `full` are the rollout and a fault for CI.
pytestmark = pytest.mark.cluster
CONNECTIONS = 8


def pods(place, namespace, selector="switchyard/instance"):
    """Names of those that are not about to end."""
    found = json.loads(kubectl("get", "pods", "-n", namespace, "-l", f"switchyard/model={place.model},{selector}", "-o", "json"))["items"]
    return {pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


def addresses(place, namespace):
    """Of the instances' pods that are ready."""
    found = json.loads(kubectl("get", "pods", "-n", namespace, "-l", f"switchyard/model={place.model},switchyard/instance", "-o", "json"))[
        "items"
    ]
    return {pod["status"]["podIP"] for pod in found if trouble.is_ready(pod)}


def known_to_doors(place, namespace):
    """Addresses that each front door sends requests to."""
    ask = "from switchyard.serving.frontdoor import files, pod; print(files.admin(pod.ADMIN_PORT, '/clusters?format=json'))"
    found = []
    for door in pods(place, namespace, "switchyard/frontdoor"):
        clusters = json.loads(kubectl("exec", "-n", namespace, door, "--", "python", "-c", ask))["cluster_statuses"]
        hosts = [host for cluster in clusters for host in cluster.get("host_statuses", [])]
        healthy = [host for host in hosts if not host["health_status"].get("failed_outlier_check")]
        found.append({host["address"]["socket_address"]["address"] for host in healthy})
    return found


def predictors(place, namespace):
    return {one["name"]: one for one in get("sdep", place.model, namespace)["spec"]["predictors"]}


@contextmanager
def within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def assert_nothing_of(version, place, namespace):
    assert [instance.name for instance in place.host.inspect(place.model).instances] == ["v1"]
    wait_until(lambda: pods(place, namespace, f"switchyard/instance={version}") == set(), 60, "the pods' end")
    assert version not in predictors(place, namespace)
    assert f"{place.model}-{version}-pods" not in kubectl("get", "services", "-n", namespace, "-o", "name")


def test_rollout_and_rollback_under_load_lose_no_request_and_no_record(cluster_place, namespace, backing):
    place = cluster_place(replicas=2)
    host, model, client = place.host, place.model, serve(place)
    first = pods(place, namespace)
    with Load(client, CONNECTIONS) as load:
        host.start(place.release("2"), TIMEOUT)
        host.shift(model, Traffic.split("v2", "v1", 0.1), TIMEOUT)
        assert {name: one["traffic"] for name, one in predictors(place, namespace).items()} == {"v1": 90, "v2": 10}
        host.shift(model, Traffic.all_to("v2"), TIMEOUT)
        both = pods(place, namespace)
        # Neither the new predictor nor the traffic has touched a pod that was there.
        assert first <= both and len(both) == 4
        wait_until(lambda: load.versions[-1] == "2", what="the rollout")
        host.shift(model, Traffic.all_to("v1"), TIMEOUT)
        after = len(load.versions)
        host.delete(model, "v2", TIMEOUT)
        # The operator takes the deployment away, then the cluster its pods: seconds on a busy machine.
        wait_until(lambda: pods(place, namespace) == first, 60, "the end of the second version's pods")
    assert load.failures == [] and load.versions[after:].count("2") <= CONNECTIONS
    # Pods that have ended have carried all they answered into the database; those that go on do so within a second.
    answered = {version: load.versions.count(version) for version in ("1", "2")}
    statement = f"select version, count(distinct prediction_id), count(*) from predictions where model = '{model}' group by version"

    def logged():
        return {version: (several, rows) for version, several, rows in backing.rows(statement)}

    wait_until(lambda: logged() == {version: (count, count) for version, count in answered.items()}, 60, f"{answered} in the log")
    # As the pods themselves say, by the API server's proxy.
    assert host.settle_log(model, None, 30) == 0


def test_a_pod_that_is_killed_under_load_costs_no_request(cluster_place, namespace):
    place = cluster_place(replicas=2)
    client = serve(place)
    with Load(client, CONNECTIONS) as load:
        time.sleep(1)
        for killed in sorted(pods(place, namespace)):
            # As when its node dies: no signal, no time.
            kubectl("delete", "pod", killed, "-n", namespace, "--grace-period=0", "--force")
            wait_until(lambda: len(pods(place, namespace)) == 2, 30, "the pod that takes its place")
            kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "-l", f"switchyard/model={place.model}", "--timeout=120s")
            # Two at once would be all there are; the front door learns of a new pod within some seconds.
            wait_until(
                lambda: all(known == addresses(place, namespace) for known in known_to_doors(place, namespace)),
                60,
                "the front doors' knowing it",
            )
    assert load.failures == [] and len(load.versions) > 100


@pytest.mark.full
def test_front_doors_leave_without_a_request_lost(cluster_place, namespace):
    place = cluster_place()
    client = serve(place)
    doors = pods(place, namespace, "switchyard/frontdoor")
    assert len(doors) == 2
    with Load(client, CONNECTIONS) as load:
        time.sleep(1)
        kubectl("delete", "pod", sorted(doors)[0], "-n", namespace, "--wait=true")
        # A new one works by the same routes before it gets a request.
        assert client.version() == "1"
    assert load.failures == []


@pytest.mark.full
def test_an_image_that_can_not_be_pulled_is_told_within_two_minutes(cluster_place, namespace):
    place = cluster_place()
    client = serve(place)
    wrong = replace(place.host._options, serving_image=place.host._options.serving_image.partition("@")[0].rpartition(":")[0] + ":none")
    place.host._options = wrong
    with within(120), pytest.raises(DeploymentError, match=r"can't start: (ErrImagePull|ImagePullBackOff)"):
        place.host.start(place.release("2"), TIMEOUT)
    assert client.version() == "1"
    assert_nothing_of("v2", place, namespace)


@pytest.mark.full
def test_pods_that_a_quota_forbids_are_told_within_two_minutes(cluster_place, namespace):
    place = cluster_place()
    client = serve(place)
    # Not as many as there are: those of other tests are still ending.
    spec = {"hard": {"pods": "0"}}
    apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": namespace}, "spec": spec})
    try:
        with within(120), pytest.raises(DeploymentError, match="exceeded quota"):
            place.host.start(place.release("2"), TIMEOUT)
    finally:
        kubectl("delete", "resourcequota", "full", "-n", namespace)
    assert client.version() == "1"
    assert_nothing_of("v2", place, namespace)


@pytest.mark.full
def test_a_service_over_its_memory_limit_says_so(cluster_place, namespace):
    place = cluster_place()
    client = serve(place)
    place.host._options = replace(place.host._options, requests={"memory": "24Mi", "cpu": "50m"}, limits={"memory": "48Mi", "cpu": "1000m"})
    with within(180), pytest.raises(DeploymentError, match="want of memory|ended with code 137"):
        place.host.start(place.release("2"), TIMEOUT)
    assert client.version() == "1"
    assert_nothing_of("v2", place, namespace)


@pytest.mark.full
def test_the_first_version_that_does_not_come_up_leaves_nothing_at_all(cluster_place, namespace):
    place = cluster_place(store_secret="there-is-none")
    with within(120), pytest.raises(DeploymentError, match="there-is-none"):
        place.host.start(place.release("1"), TIMEOUT)
    assert place.host.inspect(place.model) is None
    for kind in ("sdep", "deployments", "services", "secrets", "pods", "pdb"):
        assert place.model not in kubectl("get", kind, "-n", namespace, "-o", "name")


@pytest.mark.full
def test_a_model_of_which_the_secret_alone_is_left_is_named_and_starts_again(cluster_place, namespace):
    place = cluster_place()
    serve(place)
    # As `stack down --keep-data` does.
    kubectl("delete", "sdep", place.model, "-n", namespace)
    kubectl("delete", "deployments,services,poddisruptionbudgets", "-n", namespace, "-l", f"switchyard/model={place.model}")
    assert lost_models(Cluster(namespace))[place.model] == ("1",)
    assert place.host.resume(place.model, "v1", TIMEOUT).state == "ready"
    assert Client(place.host.inspect(place.model)).version() == "1"
    assert place.model not in lost_models(Cluster(namespace))


@pytest.mark.full
def test_tokens_are_replaced_while_it_runs(cluster_place, namespace):
    place = cluster_place()
    client = serve(place)
    secret, old = f"{place.model}-frontdoor", client.token
    apply_tokens(secret, namespace, f"someone a-new-token-that-is-long\nanyone {old}\n")
    client.token = "a-new-token-that-is-long"
    wait_until(lambda: client.ask()[0] == 200, 30, "the new token")
    apply_tokens(secret, namespace, "someone a-new-token-that-is-long\n")
    client.token = old
    wait_until(lambda: {client.ask()[0] for _ in range(10)} == {401}, 30, "the old token's end")
    assert Client(place.host.inspect(place.model)).token == "a-new-token-that-is-long"


def apply_tokens(secret, namespace, tokens):
    """As docs/operations.md has it."""
    patch = secret_of(secret, namespace, {"tokens": tokens})["stringData"]
    kubectl("patch", "secret", secret, "-n", namespace, "-p", json.dumps({"stringData": patch}))
    kubectl("annotate", "pods", "-n", namespace, "-l", "switchyard/frontdoor", "--overwrite", f"switchyard/seen={time.time_ns()}")


@pytest.mark.full
@pytest.mark.slow
def test_an_autoscaler_adds_a_pod_under_load_and_takes_it_back(cluster_place, namespace):
    place = cluster_place(replicas=1, max_replicas=2, target_cpu=50, requests={"memory": "160Mi", "cpu": "100m"})
    client = serve(place)
    with Load(client, CONNECTIONS) as load:
        wait_until(lambda: len(pods(place, namespace)) == 2, 240, "the second pod")
        kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod", "-l", f"switchyard/model={place.model}", "--timeout=120s")
        wait_until(
            lambda: all(known == addresses(place, namespace) for known in known_to_doors(place, namespace)), 60, "its part of the requests"
        )
    assert load.failures == []
    # The autoscaler waits for five minutes before it takes a pod away.
    wait_until(lambda: len(pods(place, namespace)) == 1, 600, "its going")
    assert client.version() == "1"
