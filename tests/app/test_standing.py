"""What `run.py status` says, and what `stop`, `start` and `restart` do by a model's name; real services are in tests/deployment."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from app import schedules, served, standing
from deployment.host import Deployment, DeploymentError, Instance
from registry import production
from switchyard.monitoring.decision import Decision
from switchyard.monitoring.ledger import Ledger
from switchyard.predictionlog import connect
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.errors import InputError


class Deployer:
    """Serves versions 1 and 2 of loans, and notes what is done to them."""

    config = SimpleNamespace(timeout_s=30.0)

    def __init__(self, traffic, log="", **states):
        self.host, self.log, self.done = self, log, []
        self.instances = {name: Instance(name, name[1:], f"sha256:{name}", "live", "", state) for name, state in states.items()}
        self.traffic = traffic

    def find_model_server(self):
        return [
            SimpleNamespace(uuid=name, config=SimpleNamespace(model="loans", instance=name, version=name[1:])) for name in self.instances
        ]

    def inspect(self, _model):
        return Deployment("loans", "http://127.0.0.1:1", "", None, tuple(self.instances.values()), self.traffic)

    def stop_model_server(self, name):
        self.done.append(f"stop {name}")
        others = [other for other, weight in self.traffic.weights if other != name and weight]
        self.traffic = Traffic.all_to(others[0]) if others else Traffic()

    def start_model_server(self, name):
        self.done.append(f"start {name}")
        if not self.traffic.weights:
            self.traffic = Traffic.all_to(name)

    def shift(self, _model, traffic, _timeout_s):
        self.traffic = traffic

    def log_url(self, _model):
        return self.log

    def statistics(self, _model):
        if self.log == "down":
            raise DeploymentError("the front door does not answer")
        return 'envoy_cluster_upstream_rq_completed{envoy_cluster_name="v1"} 7\n'


@pytest.fixture(autouse=True)
def champion(monkeypatch):
    monkeypatch.setattr(production, "version_of", lambda _model, _alias: "1")
    monkeypatch.setattr(production, "production_of", lambda _model: ("1", "2026-11-01T10:00:00+00:00", "me"))


@pytest.fixture
def told():
    return []


def decided(ledger, day, action):
    since, until = datetime(2026, 11, day, tzinfo=UTC), datetime(2026, 11, day + 1, tzinfo=UTC)
    decision = Decision(
        model="loans",
        version="1",
        digest="d",
        since=since,
        until=until,
        rows=9,
        labelled=0,
        action=action,
        rules=(),
        reason=f"{day}",
        key="",
    )
    ledger.record(f"w{day}", decision, None)


def test_a_model_that_is_well_is_told_with_its_counts_and_its_last_looks(tmp_path):
    url = f"sqlite:///{tmp_path}/log.db"
    ledger = Ledger(connect(url))
    for day, action in ((3, "alert"), (5, "nothing"), (4, "nothing")):
        decided(ledger, day, action)
    one = standing.standing_of(Deployer(Traffic.all_to("v1"), url, v1="ready"), "loans")

    assert one.trouble == () and one.production_since.startswith("2026-11-01") and one.promoted_by == "me"
    (version,) = one.versions
    assert (version.version, version.share, version.requests, version.errors, version.predictions_last_hour) == ("1", 1.0, 7, 0, 0)
    assert (one.last_monitoring.reason, one.last_monitoring.action) == ("5", "nothing")
    assert (one.last_alert.reason, one.last_alert.until[:10]) == ("3", "2026-11-04")


@pytest.mark.parametrize(
    ("deployer", "said"),
    [
        (Deployer(Traffic(), v1="stopped"), "nothing of it answers; python run.py start loans starts it"),
        (Deployer(Traffic.all_to("v2"), v2="ready"), "the registry's champion is version 1, and version 2 serves"),
        (Deployer(Traffic.all_to("v1"), v1="failed"), "version 1 is failed: see its logs"),
        (Deployer(Traffic.all_to("v1"), "down", v1="ready"), "the front door does not answer"),
        (Deployer(Traffic.all_to("v1"), "mysql://me:s3same@127.0.0.1:9/log", v1="ready"), "the prediction log does not answer: "),
    ],
)
def test_what_is_ill_is_told_in_a_line(deployer, said):
    assert any(line.startswith(said) for line in standing.standing_of(deployer, "loans").trouble)


def test_a_model_or_version_that_is_not_deployed_is_refused_with_what_is():
    deployer = Deployer(Traffic.all_to("v1"), v1="ready")
    with pytest.raises(InputError, match="no model 'loan' is deployed.*did you mean 'loans'"):
        served.chosen(deployer, "loan")
    with pytest.raises(InputError, match="version '9' of 'loans' is not deployed on this stack; deployed: 1"):
        served.chosen(deployer, "loans", "9")


def test_stopping_begins_with_the_candidate_and_leaves_alone_what_is_stopped(told):
    deployer = Deployer(Traffic.split("v2", "v1", 0.25), v1="ready", v2="ready", v3="stopped")
    served.stop(deployer, "loans", None, told.append)

    assert deployer.done == ["stop v2", "stop v1"]
    assert "loans, version 3: is stopped already" in told


def test_starting_takes_the_champion_unless_a_version_is_named(told):
    deployer = Deployer(Traffic(), v1="stopped", v2="stopped")
    served.start(deployer, "loans", None, told.append)
    assert deployer.done == ["start v1"] and deployer.traffic == Traffic.all_to("v1")
    assert told == [
        "loans: the champion, version 1; not started: version 2 (--version N)",
        "loans, version 1: ready, answers 100% of the requests",
    ]

    served.start(deployer, "loans", "2", told.append)
    assert deployer.done[1:] == ["start v2"] and deployer.traffic == Traffic.all_to("v1")


def test_a_restart_gives_the_traffic_back_as_it_was(told):
    traffic = Traffic.split("v2", "v1", 0.25)
    deployer = Deployer(traffic, v1="ready", v2="ready")
    served.restart(deployer, "loans", None, told.append)

    assert deployer.traffic == traffic and sorted(deployer.done) == ["start v1", "start v2", "stop v1", "stop v2"]


def test_a_schedule_is_named_while_its_process_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(schedules, "_folder", lambda: tmp_path)
    monkeypatch.setattr("stacks.active.is_local", lambda: True)
    with schedules.recorded("loans", "0 * * * *", ["run.py", "monitoring"]):
        (line,) = schedules.schedules_of("loans")
        assert line.startswith("run.py monitoring: '0 * * * *', next ") and f"process {os.getpid()}" in line
        assert schedules.schedules_of("bank") == ()
    assert schedules.schedules_of("loans") == () and not list(tmp_path.iterdir())

    # Of a process that was killed the file stays behind.
    with schedules.recorded("loans", "0 * * * *", ["run.py"]):
        monkeypatch.setattr(schedules, "lives", lambda _process: False)
        assert schedules.schedules_of("loans") == () and not list(tmp_path.iterdir())
