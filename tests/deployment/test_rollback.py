"""What a rollback means, as traffic and records stand."""

from datetime import UTC, datetime

import pytest

from deployment import rollback
from deployment.host import Deployment, Instance
from deployment.rollback import find_rollback
from switchyard.monitoring.experiment.record import Experiment, Stage
from switchyard.serving.frontdoor.state import Traffic


def instance(version, role="live"):
    name = f"v{version}-shadow" if role == "shadow" else f"v{version}"
    return Instance(name, version, "sha256:0", role, "http://127.0.0.1:1", "ready")


def deployment(traffic, *instances):
    return Deployment("loans", "http://127.0.0.1:2", "http://127.0.0.1:2", None, instances, traffic)


def record(strategy, candidate="3", champion="2"):
    return Experiment(
        model="loans", strategy=strategy, candidate=candidate, champion=champion, stages=(Stage(share=0.5, since=datetime.now(UTC)),)
    )


TWO = Traffic.all_to("v2")
SPLIT = Traffic.split("v3", "v2", 0.125)
KEEPS = "; champion 2 keeps everything"
GOING_BACK = "going back from champion 2, which is marked withdrawn, to version 1, which gets everything"


@pytest.mark.parametrize(
    ("traffic", "others", "records", "said"),
    [
        (SPLIT, [instance("3")], [record("canary")], "taking back version 3, which gets 12.5 % as a canary" + KEEPS),
        (SPLIT, [instance("3")], [record("ab")], "taking back version 3, which gets 12.5 % in an A/B test" + KEEPS),
        (SPLIT, [instance("3")], [], "taking back version 3, which gets 12.5 %" + KEEPS),
        (Traffic.all_to("v2", "v3-shadow"), [instance("3", "shadow")], [], "taking back version 3, which gets copies as a shadow" + KEEPS),
        # Killed after its traffic was taken, and before the rest.
        (TWO, [instance("3", "shadow")], [], "taking back version 3, which was a shadow" + KEEPS),
        (TWO, [instance("3")], [record("canary")], "taking back version 3, which gets nothing now as a canary" + KEEPS),
        # A deployment that was killed before its version became champion.
        (Traffic.all_to("v3"), [instance("3")], [], "taking back version 3, which gets 100 %; champion 2 gets everything"),
        (TWO, [], [], GOING_BACK),
        (TWO, [instance("3")], [record("canary", champion="1")], GOING_BACK),
    ],
)  # fmt: skip
def test_a_candidate_goes_before_the_champion_does(monkeypatch, traffic, others, records, said):
    monkeypatch.setattr(rollback, "version_of", lambda _name, _alias: "2")
    monkeypatch.setattr(rollback, "previous_version", lambda _name: "1")
    monkeypatch.setattr(rollback, "open_experiments", lambda _name: records)

    assert find_rollback("loans", deployment(traffic, instance("2"), *others)).sentence() == said
