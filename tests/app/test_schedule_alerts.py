"""A schedule that fails is told of once, and so is that it runs again."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import pytest

import deployment.predictions
from app import schedule_alerts
from stacks import alerting
from switchyard.monitoring.alerts import channels, schedules
from switchyard.predictionlog import connect, create_tables
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import GateClosed, InputError, SwitchyardError

PROBLEM = problem_from(
    {
        "name": "loans",
        "data": {"source": "builtin:loans", "target": "defaulted"},
        "monitoring": {"channels": [{"kind": "webhook", "url": "https://example.org/hook"}]},
    },
    "test",
)


@pytest.fixture
def sent(monkeypatch, tmp_path):
    """Alerts that went out, of the schedule `monitoring-loans`, whose ledger is a file."""
    got = []

    @contextmanager
    def log(model, settle_s):
        engine = connect(f"sqlite:///{tmp_path}/predictions.db")
        create_tables(engine)
        try:
            yield engine
        finally:
            engine.dispose()

    monkeypatch.setenv(schedule_alerts.VARIABLE, "monitoring-loans")
    monkeypatch.setattr(deployment.predictions, "prediction_log", log)
    monkeypatch.setattr(alerting, "channel_with_secrets", lambda channel: channel)
    monkeypatch.setattr(alerting, "stack_alerter", lambda: ())
    monkeypatch.setattr(channels.CHANNELS["webhook"].__class__, "deliver", lambda _self, alert, _channel: got.append(alert))
    return got


def run(error: Exception | None = None) -> None:
    """One run of the schedule."""
    with suppress(Exception), schedule_alerts.told_of(lambda: PROBLEM):
        if error:
            raise error


def test_one_alert_a_spell_and_one_word_that_it_is_over(sent):
    run()
    assert not sent
    for _ in range(3):
        run(InputError("the prediction log has no prediction"))
    assert [alert.severity for alert in sent] == ["critical"]
    assert sent[0].headline == "loans: a schedule fails" and "the prediction log has no prediction" in sent[0].message
    assert "docs/operations.md#trouble-by-symptom" in sent[0].message
    run()
    run()
    assert [alert.severity for alert in sent] == ["critical", "recovered"] and "It had failed since" in sent[1].message
    assert sent[0].key != sent[1].key


def test_a_new_spell_is_told_anew(sent, monkeypatch):
    run(SwitchyardError("down"))
    run()
    monkeypatch.setattr(schedules, "now", lambda: datetime.now() + timedelta(hours=2))
    run(KeyError("a fault of ours"))

    assert [alert.severity for alert in sent] == ["critical", "recovered", "critical"]


def test_what_a_gate_stops_has_run(sent):
    run(GateClosed("no"))

    assert not sent


def test_without_a_schedule_nobody_is_told(sent, monkeypatch):
    monkeypatch.delenv(schedule_alerts.VARIABLE)
    run(InputError("a slip at the keyboard"))

    assert not sent


def test_with_the_ledger_away_each_run_that_fails_tells(sent, monkeypatch):
    @contextmanager
    def away(model, settle_s):
        raise SwitchyardError("the prediction log of 'loans' does not answer")
        yield

    monkeypatch.setattr(deployment.predictions, "prediction_log", away)
    run()
    run(SwitchyardError("the prediction log of 'loans' does not answer"))
    run(SwitchyardError("the prediction log of 'loans' does not answer"))

    assert [alert.severity for alert in sent] == ["critical", "critical"]


def test_an_alert_that_cannot_be_sent_hides_nothing(monkeypatch):
    monkeypatch.setenv(schedule_alerts.VARIABLE, "monitoring-loans")

    def unreadable():
        raise InputError("configs/loans.yaml does not exist")

    with pytest.raises(KeyError, match="the real reason"), schedule_alerts.told_of(unreadable):
        raise KeyError("the real reason")
