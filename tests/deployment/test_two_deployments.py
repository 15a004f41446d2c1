"""Two deployments of one model at a time: neither undoes what the other did."""

from types import SimpleNamespace

import pytest

import steps.deployment.promote_version as promoting
import steps.deployment.shift_traffic as shifting
from deployment.guard import Changes, old_version_keeps_serving, retire_idle
from deployment.host import DeploymentError
from registry.versions import Registered
from steps.deployment.deploy_version import Deployed
from steps.deployment.order import Order
from steps.deployment.shift_traffic import Shift
from steps.deployment.verify_endpoint import Proof
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.cluster import SOON, names, quick_cluster, release, serving_host

TO = {version: Traffic.all_to(f"v{version}") for version in "123"}
ORDER = Order(by="tests")


@pytest.fixture
def host(monkeypatch):
    return serving_host(quick_cluster(monkeypatch))


@pytest.fixture
def deployer(host, monkeypatch):
    def retire(model, name, timeout_s):
        host.delete(model, name, SOON)

    made = SimpleNamespace(host=host, retire=retire, tidy=lambda model: None)
    for module in (shifting, promoting):
        monkeypatch.setattr(module, "active_deployer", lambda: made)
    return made


@pytest.fixture
def deployed(host):
    """Version 2 has been started, beside version 1 that serves."""
    second = host.start(release("2"), SOON)
    return Deployed(
        model="loans", version="2", digest=second.digest, candidate="v2", candidate_url=second.url, stable=None,
        weights=TO["1"].weights, shadows=(), present=("v1",), started=("v2",),
    )  # fmt: skip


def registered(version):
    return Registered("loans", version, release(version).digest, {})


def traffic(host):
    return host.inspect("loans").traffic


def colleague_deploys(host, version="3"):
    host.start(release(version), SOON)
    host.shift("loans", TO[version], SOON)


def test_what_a_deployment_did_itself_is_undone(deployer, host, deployed):
    changes = deployed.changes(TO["2"])
    with pytest.raises(DeploymentError, match="version 1 still serves: as it"), old_version_keeps_serving(deployer, "loans", changes):
        host.shift("loans", TO["2"], SOON)
        raise DeploymentError("as it happens")

    assert traffic(host) == TO["1"] and names(host) == ["v1"]


@pytest.mark.parametrize("after", [None, TO["2"]])
def test_one_that_fails_leaves_what_another_promoted_meanwhile(deployer, host, deployed, after):
    changes = deployed.changes(after)
    with pytest.raises(DeploymentError, match="version 3 still serves"), old_version_keeps_serving(deployer, "loans", changes):
        colleague_deploys(host)
        raise DeploymentError("as it happens")

    assert traffic(host) == TO["3"] and names(host) == ["v1", "v3"]


def test_an_instance_that_another_uses_by_now_is_not_retired(deployer, host, deployed):
    with pytest.raises(DeploymentError), old_version_keeps_serving(deployer, "loans", Changes(TO["1"], started=["v2"])):
        host.shift("loans", TO["2"], SOON)
        raise DeploymentError("as it happens")

    assert traffic(host) == TO["2"] and names(host) == ["v1", "v2"]


def test_traffic_that_another_has_shifted_is_not_shifted_again(deployer, host, deployed):
    colleague_deploys(host)
    proof = Proof(version="2", digest=deployed.digest, examples=0)
    with pytest.raises(DeploymentError, match="version 3 still serves: its traffic was shifted meanwhile"):
        shifting.shift_traffic.entrypoint(deployed, proof, registered("2"), registered("1"), None, ORDER)

    assert traffic(host) == TO["3"] and names(host) == ["v1", "v3"]


def test_nobody_becomes_champion_whose_traffic_another_has_taken(deployer, host, deployed, monkeypatch):
    monkeypatch.setattr(promoting, "promote", lambda *_, **__: pytest.fail("promoted"))
    colleague_deploys(host)
    shift = Shift(weights=TO["2"].weights, shadows=(), url="")
    with pytest.raises(DeploymentError, match="version 3 still serves: its traffic was shifted meanwhile"):
        promoting.promote_version.entrypoint(deployed, shift, registered("2"), registered("1"), ORDER)

    assert traffic(host) == TO["3"]


def test_a_promotion_stops_what_lost_its_traffic_and_no_candidate_of_another(deployer, host, deployed, monkeypatch):
    monkeypatch.setattr(promoting, "promote", lambda *_, **__: "1")
    monkeypatch.setattr(promoting, "end_all", lambda *_, **__: None)
    host.shift("loans", TO["2"], SOON)
    host.start(release("3"), SOON)
    shift = Shift(weights=TO["2"].weights, shadows=(), url="")
    promoted = promoting.promote_version.entrypoint(deployed, shift, registered("2"), registered("1"), ORDER)

    assert promoted.promoted and names(host) == ["v2", "v3"]
    retire_idle(deployer, "loans", ["v2", "v3"])
    assert names(host) == ["v2"]
