"""What proves a version, and what happens when nothing does."""

import json
from types import SimpleNamespace

import pytest

from deployment.endpoint import replay, served_digest
from deployment.guard import Changes, old_version_keeps_serving
from deployment.host import DeploymentError
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.conftest import Client
from tests.switchyard.serving.cases import ROW


def test_an_endpoint_that_answers_otherwise_is_no_proof(host, releases):
    url = host.start(releases["1"], 30).url
    examples = json.loads(releases["1"].files["examples.json"])
    assert served_digest(url) == releases["1"].digest
    assert replay(url, examples, releases["1"].digest) == 3
    with pytest.raises(DeploymentError, match="not with sha256:0"):
        replay(url, examples, "sha256:0")
    examples["examples"][1]["answer"]["label"] = "maybe"
    with pytest.raises(DeploymentError, match="example 1 otherwise.*'maybe'"):
        replay(url, examples, releases["1"].digest)
    with pytest.raises(DeploymentError, match="does not answer"):
        served_digest("http://127.0.0.1:9")


def test_whatever_fails_the_old_version_keeps_serving(host, releases):
    first = host.start(releases["1"], 30)
    host.shift("loans", Traffic.all_to(first.name), 30)
    deployer = SimpleNamespace(host=host, retire=lambda model, name, timeout_s: host.delete(model, name, timeout_s))
    for error in (ValueError("as it happens"), KeyboardInterrupt()):
        raised = DeploymentError if isinstance(error, Exception) else KeyboardInterrupt
        changes = Changes(Traffic.all_to("v1"), Traffic.all_to("v2"))
        with pytest.raises(raised), old_version_keeps_serving(deployer, "loans", changes):
            changes.started.append(host.start(releases["2"], 30).name)
            host.shift("loans", Traffic.all_to("v2"), 30)
            assert Client(host.inspect("loans")).version(row=ROW) == "2"
            raise error
        assert Client(host.inspect("loans")).version(row=ROW) == "1"
        assert [instance.name for instance in host.inspect("loans").instances] == ["v1"]
