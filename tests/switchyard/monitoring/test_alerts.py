"""What an alert says, of which decisions there is one, and when it is over."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from switchyard.monitoring.alerts import compose, spells_of
from switchyard.monitoring.alerts.words import GUIDE, RULES
from switchyard.monitoring.decision import Decision, RuleResult
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.ledger import TABLES, Ledger
from switchyard.tabular.config.monitoring import Actions
from tests.switchyard.monitoring.receivers import alert, column

ROOT = Path(__file__).resolve().parents[3]


def test_an_alert_says_what_it_is_about():
    found = alert()

    assert (found.severity, found.worst) == ("critical", ("income", "job", "age"))
    assert alert("alert").severity == "warning" and alert("nothing") is None
    assert "performance_floor: measured roc_auc 0.7 is under 0.8" in found.text and "http://dashboard/runs/1" in found.text


def window_at(hour, action="nothing", value=0.9, **rule):
    moment = datetime(2026, 1, 1, hour, tzinfo=UTC)
    known = {"name": "performance_floor", "value": value, "threshold": 0.8, "verdict": action, "reason": "as it is", **rule}
    return Decision(
        model="small", version="1", digest="sha256:1", since=moment, until=moment + timedelta(hours=1), rows=10, labelled=5,
        action=action, rules=(RuleResult(**known),), reason="because", key=f"small-v1-w{hour}-{action}",
    )  # fmt: skip


def told(*decisions):
    """The alert for the last of `decisions`."""
    *earlier, last = decisions
    return compose(last, DRIFT, (), spells_of(last, earlier[::-1]))


DRIFT = DriftReport(
    window="prediction log, some day", rows=10, looked_at=10, reference_rows=10, judged=True, columns=(), prediction=None,
    target=None, quality=(), share=1.0, weighted_share=1.0, weighing="",
)  # fmt: skip


def test_an_alert_says_in_plain_words_what_happened_since_when_and_what_to_do():
    found = told(window_at(1), window_at(2, "retrain", 0.7), window_at(3, value=None), window_at(4, "retrain", 0.71))

    assert found.headline == "small version 1: the answers are worse than they may be; it should be trained again"
    happened, serves, todo, more = found.plain
    assert happened == (
        "The answers are worse than they may be: 0.71 is the model's score; the limit is 0.8 (rule performance_floor)."
        " Since 2026-01-01 02:00 UTC."
    )
    assert "keeps serving" in serves and "deployment --name small --rollback" in todo and more.startswith("More: docs/monitoring.md#")


def test_nobody_is_told_to_train_on_what_a_broken_feed_sent():
    """The rule of the score was kept from asking for it; the columns are named in the plain words."""
    decision = window_at(
        1, "alert", 0.7, reason="measured roc_auc 0.7 is under 0.8; not trained anew: 'age' came from a broken feed; mend it"
    )
    quality = RuleResult(name="data_quality", value=1, threshold=0, verdict="alert", reason="1 column is not as in training: age is empty")
    drifted = RuleResult(name="drift_share", value=0.3, threshold=0.1, verdict="alert", reason="3 of 4 columns")
    worst = DRIFT.model_copy(update={"columns": (column("age", 0.3),)})
    plain = compose(decision.model_copy(update={"rules": (*decision.rules, quality, drifted)}), worst).plain

    assert not [line for line in plain if "retraining" in line] and [line for line in window_plain(1, "retrain") if "retraining" in line]
    assert any("1 column is not as in training: age is empty; the limit is 0" in line for line in plain)
    assert any("30.0% of what the model goes by has changed" in line and "Above all: age." in line for line in plain)


def window_plain(*arguments):
    return compose(window_at(*arguments), DRIFT).plain


def test_the_guide_is_named_where_it_lies_for_who_works_in_a_folder_of_their_own(monkeypatch, tmp_path):
    monkeypatch.setenv("SWITCHYARD_FOLDER", str(tmp_path))
    named = window_plain(1, "alert")[-1].removeprefix("More: ")

    assert Path(named.partition("#")[0]).is_file()


def test_recovery_is_told_once_and_only_when_it_is_known():
    bad, unknown, chance, well = window_at(1, "retrain", 0.7), window_at(2, value=None), window_at(2, suspected=True), window_at(3)

    assert told(bad, unknown) is None and told(bad, chance) is None and told(well) is None
    found = told(bad, unknown, well)
    assert (found.severity, found.headline) == ("recovered", "small version 1: normal again")
    assert found.plain == (
        "Normal again since 2026-01-01 03:00 UTC; from 2026-01-01 01:00 UTC on it had been that the answers are worse than they may be"
        " (rule performance_floor).",
    )
    assert told(bad, well, window_at(4)) is None


def test_the_ledger_knows_what_was_decided_of_earlier_windows_of_the_same_kind(log):
    ledger, now = Ledger(log), window_at(5)
    for hour, key in ((1, "w1"), (2, f"{TABLES}w2"), (3, "w3"), (7, "w7")):
        ledger.record(key, window_at(hour), 0.0)
    ledger.record("looked", window_at(4), None)

    assert ledger.earlier(now) == []
    ledger.record(now.window, now, 0.0)
    assert [one.since.hour for one in ledger.earlier(now)] == [3, 1]


def test_every_rule_has_words_and_the_section_that_an_alert_names_exists():
    assert set(RULES) == set(Actions.model_fields)
    page, _, section = GUIDE.partition("#")
    headings = [line.lstrip("# ") for line in (ROOT / page).read_text().splitlines() if line.startswith("#")]
    assert section in [re.sub("[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings]
