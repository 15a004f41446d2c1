"""What every host must do, the same on this machine and on a cluster; there as part of make test-kubernetes-full."""

import time
from dataclasses import replace

import pytest

from deployment.host import DeploymentError
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client, Load, release_of
from tests.deployment.door import wait_until
from tests.kubernetes.conftest import TIMEOUT
from tests.switchyard.serving.cases import make_bundle


def serve(place, version="1"):
    """Start a version and give it all traffic."""
    instance = place.host.start(place.release(version), TIMEOUT)
    place.host.shift(place.model, Traffic.all_to(instance.name), TIMEOUT)
    return Client(place.host.inspect(place.model))


def test_a_new_version_takes_over_without_a_failed_request(place):
    host, model, client = place.host, place.model, serve(place)
    assert client.version() == "1"
    with Load(client) as load:
        second = host.start(place.release("2"), TIMEOUT)
        assert set(load.versions) == {"1"} and second.name == "v2" and second.state == "ready"
        host.shift(model, Traffic.split("v2", "v1", 0.5), TIMEOUT)
        assert host.inspect(model).share("v2") == 0.5
        wait_until(lambda: {"1", "2"} <= set(load.versions), what="the canary")
        host.shift(model, Traffic.all_to("v2"), TIMEOUT)
        after = len(load.versions)
        host.delete(model, "v1", TIMEOUT)
        time.sleep(0.5)
    # What was asked before the shift may be answered after it, once by each client.
    assert load.failures == [] and load.versions[after:].count("1") <= 2
    deployment = host.inspect(model)
    assert [instance.name for instance in deployment.instances] == ["v2"] and deployment.stable.digest == place.bundles["2"].digest
    assert host.token(model) == client.token
    counted = host.statistics(model)
    assert 'envoy_cluster_upstream_rq_total{envoy_cluster_name="v2"}' in counted


def test_what_is_stopped_is_remembered_and_starts_again(place):
    host, model, client = place.host, place.model, serve(place)
    host.start(place.release("2"), TIMEOUT)
    with pytest.raises(DeploymentError, match="v1 has traffic"):
        host.stop(model, "v1", TIMEOUT)
    host.stop(model, "v2", TIMEOUT)
    assert host.inspect(model).instance("v2").state == "stopped"
    with pytest.raises(DeploymentError, match="v2 is stopped; only what is ready gets traffic"):
        host.shift(model, Traffic.all_to("v2"), TIMEOUT)
    assert client.version() == "1"
    assert host.resume(model, "v2", TIMEOUT).state == "ready"
    host.shift(model, Traffic.split("v2", "v1", 0.5), TIMEOUT)
    assert {client.version() for _ in range(30)} == {"1", "2"}


def test_the_same_release_is_taken_as_it_runs_and_another_is_another(place):
    host, model = place.host, place.model
    assert host.start(place.release("1"), TIMEOUT).name == "v1"
    again = host.start(place.release("1"), TIMEOUT)
    assert (again.name, again.restarts) == ("v1", 0)
    assert host.name_for(place.release("1", role="shadow")) == "v1-shadow"
    other = host.start(place.release("1", settings={"max_rows": 7}), TIMEOUT)
    assert other.name == "v1-2" and len(host.inspect(model).instances) == 2
    assert list(host.logs(model, "v1", 1)) != []


def test_a_release_that_will_not_serve_leaves_nothing_and_says_why(place, tmp_path, request):
    host, model, client = place.host, place.model, serve(place)
    broken = make_bundle(tmp_path / "broken")
    examples = broken / "examples.json"
    examples.write_text(examples.read_text().replace("0.772", "0.773"))
    release = replace(release_of(broken, "2"), model=model)
    if "kubernetes" in request.node.name:
        release = replace(release, uri=request.getfixturevalue("backing").upload("broken", release.files))
    with pytest.raises(DeploymentError, match="refusing to serve: example 0"):
        host.start(release, TIMEOUT)
    with pytest.raises(DeploymentError, match="sha256:00"):
        host.start(place.release("2", digest="sha256:00"), TIMEOUT)
    assert client.version() == "1" and [instance.name for instance in host.inspect(model).instances] == ["v1"]


def test_removed_it_is_gone(place):
    host, model = place.host, place.model
    host.start(place.release("1"), TIMEOUT)
    host.remove(model, TIMEOUT)
    assert host.inspect(model) is None
    host.remove(model, TIMEOUT)
    with pytest.raises(DeploymentError, match="nothing is deployed"):
        host.shift(model, Traffic.all_to("v1"), TIMEOUT)
