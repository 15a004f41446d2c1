"""One retraining for one decision, whatever dies when; and the reasons why there is none."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from switchyard.monitoring.decision import Decision, RuleResult
from switchyard.monitoring.retraining import ledger as module
from switchyard.monitoring.retraining.claim import RetrainingRefused
from switchyard.monitoring.retraining.ledger import Ledger
from switchyard.monitoring.retraining.limits import check
from switchyard.predictionlog import connect
from switchyard.predictionlog.database import now
from switchyard.processes import me, shown
from switchyard.tabular.config.production import Retraining

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
LIMITS = Retraining(min_labels=10)


def decision(key="first", rules=("drift_share",), since=SINCE, digest="sha256:old"):
    found = tuple(RuleResult(name=name, value=0.3, threshold=0.1, verdict="retrain", reason="drifted") for name in rules)
    return Decision(
        model="loans", version="1", digest=digest, since=since, until=since + timedelta(days=31), rows=500, labelled=20,
        action="retrain", rules=found, reason="a third of the columns drifted", key=key,
    )  # fmt: skip


@pytest.fixture
def ledger(database):
    engine = connect(database)
    yield Ledger(engine, "loans.local")
    engine.dispose()


def enough(_since):
    return 10


def age(ledger, claim, **past):
    """Let `claim` have begun earlier."""
    with ledger._engine.begin() as connection:
        begun = now() - timedelta(**past)
        connection.execute(update(module._retrainings).where(module._retrainings.c.id == claim.id).values(claimed=begun))


def test_a_claim_is_found_again_and_there_is_one_at_a_time(ledger):
    assert ledger.open() is None
    claim = ledger.claim(decision(), "sha256:rows", "{}", 40)

    assert Ledger(ledger._engine, "loans.local").open() == claim
    assert (claim.stage, claim.cause, claim.rows) == ("claimed", "drift_share", 40)
    with pytest.raises(RetrainingRefused, match="another process has just begun"):
        ledger.claim(decision("second", ("performance_drop",)), "sha256:other", "{}", 40)
    assert Ledger(ledger._engine, "loans.cluster").open() is None


def test_a_decision_is_acted_on_once(ledger):
    ledger.advance(ledger.claim(decision(), "sha256:rows", "{}", 40), "promoted", version="2")

    with pytest.raises(RetrainingRefused, match=r"this decision led to a retraining already, begun .* and now promoted \(version 2\)"):
        check(ledger, decision(), LIMITS, enough)


def test_the_same_cause_and_the_same_data_lead_to_one_retraining(ledger):
    ledger.advance(ledger.claim(decision(), "sha256:rows", "{}", 40), "rejected", reason="no better")

    with pytest.raises(RetrainingRefused, match=r"same cause \(drift_share\) led to a retraining on the same data before"):
        ledger.claim(decision("second"), "sha256:rows", "{}", 40)
    assert ledger.claim(decision("third"), "sha256:more", "{}", 41).stage == "claimed"


def test_there_is_a_pause_and_a_budget(ledger):
    for number, hours in ((1, 50), (2, 30)):
        claim = ledger.claim(decision(f"{number}"), f"sha256:{number}", "{}", 40)
        ledger.advance(claim, "promoted")
        age(ledger, claim, hours=hours)
    with pytest.raises(RetrainingRefused, match=r"2 retrainings within a week; the next may begin .* \(retraining.per_week 2\)"):
        check(ledger, decision("3"), LIMITS, enough)
    check(ledger, decision("3"), LIMITS.model_copy(update={"per_week": 3}), enough)
    with pytest.raises(RetrainingRefused, match=r"the next may begin .* \(retraining.cooldown_hours 31\)"):
        check(ledger, decision("3"), LIMITS.model_copy(update={"per_week": 3, "cooldown_hours": 31}), enough)


def test_it_waits_for_labels_from_after_the_change(ledger):
    asked = []

    def three(since):
        asked.append(since)
        return 3

    for month in (3, 4):
        later = decision(f"{month}", since=datetime(2026, month, 1, tzinfo=UTC))
        with pytest.raises(RetrainingRefused, match=r"3 labelled predictions since 2026-03-01 .* must be 10"):
            check(ledger, later, LIMITS, three)
        ledger.refuse(later, "too few")
    assert asked == [datetime(2026, 3, 1)] * 2
    check(ledger, decision("5", since=datetime(2026, 5, 1, tzinfo=UTC)), LIMITS, enough)
    # The next version in production begins anew.
    promoted = decision("6", since=datetime(2026, 6, 1, tzinfo=UTC), digest="sha256:new")
    assert ledger.wanted_since(promoted) == datetime(2026, 6, 1)


def test_a_refusal_is_kept_once_with_its_latest_reason(ledger):
    for reason in ("too few labels", "too soon"):
        ledger.refuse(decision(), reason)

    assert [(entry.stage, entry.reason) for entry in ledger.history()] == [("refused", "too soon")]
    check(ledger, decision(), LIMITS, enough)


def test_a_killed_process_leaves_its_claim_to_the_next(database, ledger):
    claim = ledger.claim(decision(), "sha256:rows", "{}", 40)
    code = (
        "import sys, time; from switchyard.predictionlog import connect; from switchyard.monitoring.retraining.ledger import Ledger\n"
        f"ledger = Ledger(connect({database!r}), 'loans.local'); held = ledger.holding(ledger.open())\n"
        "held.__enter__(); print('held', flush=True); time.sleep(60)"
    )
    # What made the claim is this process, which lives: another may not take it until it is let go.
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}, timeout=50
    )
    assert f"is under way in another process ({shown(me())})" in process.stderr
    with ledger.holding(claim):
        pass
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})
    assert other.stdout.readline() == "held\n"
    with pytest.raises(RetrainingRefused, match="another process"), ledger.holding(claim):
        pass
    other.kill()
    other.wait()
    with ledger.holding(claim):
        assert ledger.open().stage == "claimed"


def test_a_silent_owner_on_another_machine_is_believed_for_a_while(ledger):
    claim = ledger.claim(decision(), "sha256:rows", "{}", 40)
    table = module._retrainings

    def owned(ago):
        with ledger._engine.begin() as connection:
            connection.execute(update(table).values(owner="elsewhere process 7/1", updated=now() - ago))

    owned(timedelta(minutes=1))
    with pytest.raises(RetrainingRefused, match="elsewhere process 7"), ledger.holding(claim):
        pass
    owned(module.LEASE + timedelta(seconds=1))
    with ledger.holding(claim):
        pass
