"""What `run.py doctor` says of a stack and of what it serves; real services are in tests/deployment and tests/kubernetes."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from app.health import disk, models, store
from app.health.servers import look_at_servers
from deployment.host import Deployment, DeploymentError, Instance
from registry.asking import RegistryError
from switchyard.monitoring.ledger import Ledger
from switchyard.predictionlog import Drain, Journal, connect, create_tables
from switchyard.serving.frontdoor.state import Traffic
from tests.deployment.door import free_port
from tests.switchyard.monitoring.test_alerts import window_at
from tests.switchyard.predictionlog.cases import record


def instance(name, **changes):
    return Instance(**{"name": name, "version": name[1:], "digest": "sha256:0", "role": "live", "url": "", "state": "ready", **changes})


class Deployer:
    """Serves what it is told."""

    counted = ""

    def __init__(self, *instances, traffic, log=""):
        self.host, self.log = self, log
        self.deployment = Deployment("loans", f"http://127.0.0.1:{free_port()}", "", None, instances, traffic) if instances else None
        self.names = [one.name for one in instances] or ["v1"]

    def find_model_server(self):
        return [SimpleNamespace(uuid=f"id-{name}", config=SimpleNamespace(model="loans", instance=name)) for name in self.names]

    def inspect(self, _model):
        return self.deployment

    def statistics(self, _model):
        return self.counted

    def log_url(self, _model):
        if isinstance(self.log, Exception):
            raise self.log
        return self.log

    def settle_log(self, _model, _engine, _timeout_s):
        return self.log.count("late") * 17


@pytest.fixture
def found(monkeypatch):
    """Checks by what they are of, where version 1 is champion."""
    monkeypatch.setattr(models, "version_of", lambda _model, _alias: "1")
    return lambda deployer: {check.what: check for check in models.look_at_models(deployer)}


def test_a_canary_is_no_trouble_and_a_front_door_that_does_not_answer_is(found):
    checks = found(Deployer(instance("v1", restarts=2), instance("v2"), traffic=Traffic.split("v2", "v1", 0.25)))

    assert checks["loans, version 1"][1:3] == (True, "ready, 75% of the requests, restarted 2 times")
    assert checks["loans, version 2"][1:3] == (True, "ready, 25% of the requests")
    assert checks["loans, production"].fine
    door = checks["loans, front door"]
    assert not door.fine and "does not answer this machine" in door.found
    assert door.mend == "python run.py --pipeline deployment --name loans --version 1"
    assert checks["loans, prediction log"][1:3] == (True, "none is kept")


def test_a_champion_that_never_reached_the_service_is_told(found):
    checks = found(Deployer(instance("v2"), traffic=Traffic.all_to("v2")))["loans, production"]

    assert not checks.fine and checks.found == "the registry's champion is version 1; version 2 serves"
    assert checks.mend == "python run.py --pipeline deployment --name loans --version 1"


@pytest.mark.parametrize(
    ("refused", "failed", "fine", "mend"),
    [(0, 0, True, ""), (9, 0, True, ""), (17, 3, True, ""), (341, 0, False, "a client sends"), (0, 4, False, "logs loans --version 1")],
)
def test_requests_that_are_refused_or_fail_are_told(found, refused, failed, fine, mend):
    deployer = Deployer(instance("v1"), traffic=Traffic.all_to("v1"))
    assert found(deployer)["loans, requests"][1:3] == (True, "none yet")
    of, classed = 'envoy_cluster_name="v1"', 'envoy_cluster_upstream_rq_xx{{envoy_response_code_class="{}",{}}} {}\n'
    timed = "".join(f'envoy_cluster_upstream_rq_time_bucket{{{of},le="{edge}"}} {count}\n' for edge, count in (("5", 0), ("10", 341)))
    deployer.counted = (
        f"envoy_cluster_upstream_rq_completed{{{of}}} 341\n{classed.format(4, of, refused)}{classed.format(5, of, failed)}{timed}"
    )
    check = found(deployer)["loans, requests"]
    assert check.fine is fine and mend in check.mend
    assert check.found == (
        f"version 1 refused {refused} and failed at {failed} of 341, 95% of its predictions within 9.75 ms, since the front door started"
    )


@pytest.mark.parametrize(("hours", "looked", "fine"), [(48, None, False), (1, None, True), (48, 72, False), (48, 24, True)])
def test_answers_that_nobody_looked_at_for_a_day_are_told(found, tmp_path, hours, looked, fine):
    """`hours` since the prediction, `looked` since the end of the last window."""
    deployer, now = Deployer(instance("v1"), traffic=Traffic.all_to("v1"), log=f"sqlite:///{tmp_path}/log.db"), datetime.now(UTC)
    engine = connect(deployer.log)
    create_tables(engine)
    journal = Journal(tmp_path / "journal")
    journal.append(record("a", moment=(now - timedelta(hours=hours)).timestamp()))
    Drain(engine, tmp_path / "journal").run_once()
    if looked:
        moment = now - timedelta(hours=looked)
        decision = window_at(1).model_copy(update={"model": "loans", "since": moment, "until": moment})
        Ledger(engine).record("w", decision, 0.0)
    engine.dispose()

    check = found(deployer)["loans, monitoring"]
    assert check.fine is fine and ("no window yet" in check.found) is (looked is None)
    assert ("1 predictions since then have waited" in check.found) is not fine


def test_a_disk_that_fills_up_within_weeks_is_told(tmp_path, monkeypatch):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(bytes(3_000_000))
    new.write_bytes(bytes(2_000_000))
    now = new.stat().st_mtime
    os.utime(old, (now, now - 8 * 86_400))

    def growth(free):
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
        return list(disk.look_at_disk(tmp_path, tmp_path, now))[1]

    assert growth(50e9).fine and "2.00 MB" not in growth(50e9).found
    full = growth(6e6)
    assert not full.fine and "last for 21 days" in full.found and "prune" in full.mend


def test_what_serves_is_told_while_the_registry_is_away(found, monkeypatch):
    def away(_model, _alias):
        raise RegistryError("the model registry did not answer")

    monkeypatch.setattr(models, "version_of", away)
    checks = found(Deployer(instance("v1"), traffic=Traffic.all_to("v1")))

    assert checks["loans, version 1"].fine
    assert not checks["loans, production"].fine and checks["loans, production"].found == "the model registry did not answer"


@pytest.mark.parametrize(
    ("state", "asked", "fine", "mend"),
    [
        ("failed", True, False, "--rollback goes back"),
        ("starting", True, False, "python run.py logs loans --version 1"),
        ("stopped", True, False, "python run.py start loans --version 1"),
        ("stopped", False, True, ""),
    ],
)
def test_what_should_answer_and_does_not_is_told_with_its_reason(found, state, asked, fine, mend):
    check = found(Deployer(instance("v1", state=state, reason="its own words"), traffic=Traffic.all_to("v1") if asked else Traffic()))[
        "loans, version 1"
    ]

    assert check.fine is fine and mend in check.mend
    assert check.found == f"{state}, {'100% of the requests' if asked else 'no requests'}: its own words"


def test_what_was_deployed_and_is_gone_is_deployed_again(found):
    (check,) = found(Deployer(traffic=Traffic())).values()
    assert not check.fine and check.mend == "python run.py --pipeline deployment --name loans --version 1"


@pytest.mark.parametrize(
    ("log", "fine", "told"),
    [
        ("sqlite:///{folder}/log.db", True, "has every answer"),
        ("sqlite:///{folder}/late.db", False, "17 bytes of answers are not in it yet"),
        ("mysql://me:s3same@127.0.0.1:9/log", False, "does not answer: "),
        (DeploymentError("namespace n has no Secret"), False, "does not answer: namespace n has no Secret"),
    ],
)
def test_a_prediction_log_is_asked(found, tmp_path, log, fine, told):
    log = log.format(folder=tmp_path) if isinstance(log, str) else log
    check = found(Deployer(instance("v1"), traffic=Traffic.all_to("v1"), log=log))["loans, prediction log"]

    assert check.fine is fine and told in check.found and "s3same" not in check.found


def test_a_store_must_take_a_file_and_give_it_back(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "artifact_store", lambda: SimpleNamespace(path=str(tmp_path)))
    (well,) = store.look_at_store()
    assert well.fine and not [path for path in tmp_path.rglob("*") if path.is_file()]

    @contextmanager
    def full(_path, _mode):
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    monkeypatch.setattr(store.fileio, "open", full)
    (ill,) = store.look_at_store()
    assert not ill.fine and "No space left on device" in ill.found


def test_a_server_whose_pods_can_not_start_is_told_with_the_reason():
    def deployment(name, available):
        return {"metadata": {"name": name}, "spec": {"replicas": 1}, "status": {"availableReplicas": available}}

    waiting = {"name": "zenml", "image": "i:1", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such host"}}}
    pod = {"metadata": {"name": "zenml-0"}, "status": {"containerStatuses": [waiting]}}
    there = {"Deployment": [deployment("mlflow", 1), deployment("zenml", 0)], "Pod": [pod]}
    mlflow, zenml = look_at_servers(SimpleNamespace(namespace="ours", list=lambda kind, _selector: there[kind]))

    assert mlflow.fine and mlflow.found == "1 of 1 pod ready"
    assert not zenml.fine and "ImagePullBackOff: no such host" in zenml.found and "kubectl -n ours logs deploy/zenml" in zenml.mend
