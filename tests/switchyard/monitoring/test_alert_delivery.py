"""One alert by real HTTP and SMTP servers, whatever is repeated, killed or dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from switchyard.monitoring.alerts import AlertLedger, send
from switchyard.monitoring.alerts.channels import channel_name
from switchyard.tabular.config.monitoring import Channel
from tests.switchyard.monitoring.receivers import alert

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def ledger(log):
    return AlertLedger(log)


def states(result):
    return [(one.state, one.attempts) for one in result.deliveries]


def test_every_channel_is_told_once(ledger, web, mail):
    channels = [
        Channel(kind="console"),
        Channel(kind="slack", url=web.url),
        Channel(kind="webhook", url=web.url.replace("127.0.0.1", "localhost"), headers={"X-Team": "risk"}),
        Channel(
            kind="email",
            host="127.0.0.1",
            port=mail.server_address[1],
            security="none",
            sender="switchyard@example.org",
            to=("night@example.org",),
        ),
    ]
    first, again = send(alert(), channels, ledger), send(alert(), channels, ledger)

    assert states(first) == [("sent", 1)] * 4
    assert states(again) == [("sent before", 1)] * 4
    (slack, _), (hook, headers) = web.received
    assert (
        slack["text"] == "small version 1: the answers are worse than they may be; it should be trained again"
        and "income" in slack["blocks"][1]["text"]["text"]
    )
    assert hook["worst"] == ["income", "job", "age"] and hook["decision"]["action"] == "retrain"
    assert headers["Idempotency-Key"] == "small-v1-abc-retrain" and headers["X-Team"] == "risk"
    assert len(mail.mails) == 1 and "To: night@example.org" in mail.mails[0] and "drift of income" in mail.mails[0]
    assert "secret-path" not in first.model_dump_json()


def test_another_decision_about_the_window_is_another_alert(ledger, web):
    channel = [Channel(kind="webhook", url=web.url)]
    send(alert("alert", "small-v1-abc-alert"), channel, ledger)
    send(alert(), channel, ledger)

    assert [body["severity"] for body, _ in web.received] == ["warning", "critical"]


def test_a_failing_server_is_asked_again_and_a_refusal_is_not(ledger, web):
    web.answers = [503, 503, 200]
    assert states(send(alert(), [Channel(kind="slack", url=web.url)], ledger, pause_s=0.01)) == [("sent", 3)]
    web.answers = [403]
    refused = send(alert(), [Channel(kind="webhook", url=web.url)], ledger, pause_s=0.01)

    assert states(refused) == [("failed", 1)] and refused.deliveries[0].detail == "127.0.0.1 answered 403"
    assert len(web.received) == 4


def test_a_dead_channel_is_in_the_result_and_tried_again_by_the_next_run(ledger, web):
    web.answers, web.delay = [200], 1.0
    slow = Channel(kind="webhook", url=web.url, timeout_s=0.2, attempts=2)
    nobody = Channel(kind="slack", url="http://127.0.0.1:9/x", attempts=1)
    unknown = Channel(kind="pigeon")
    failed = send(alert(), [slow, nobody, unknown], ledger, pause_s=0.01)
    web.delay = 0.0
    later = send(alert(), [slow], ledger)

    assert states(failed) == [("failed", 2), ("failed", 1), ("failed", 1)]
    assert "timed out" in failed.deliveries[0].detail and "there is no channel 'pigeon'" in failed.deliveries[2].detail
    assert states(later) == [("sent", 1)]


def test_a_mail_in_the_clear_goes_to_loopback_alone(ledger):
    channel = Channel(kind="email", host="mail.example.org", security="none", sender="a@example.org", to=("b@example.org",))

    assert "in the clear" in send(alert(), [channel], ledger).deliveries[0].detail


def test_secrets_are_put_in_when_it_is_sent_and_kept_nowhere(ledger, web):
    given = Channel(kind="slack", url="{{slack.url}}")
    result = send(alert(), [given], ledger, lambda channel: channel.model_copy(update={"url": web.url}))

    assert states(result) == [("sent", 1)]
    assert channel_name(given) == "slack {{slack.url}}" and "secret-path" not in result.model_dump_json()


def killed(log, url, dies: str):
    """A process that sends an alert to `url`; `dies` is what it has for putting secrets in. Killed in the midst of it, or by itself."""
    script = (
        "import os, sys\n"
        "from switchyard.predictionlog import connect\n"
        "from switchyard.monitoring.alerts import Alert, AlertLedger, send\n"
        "from switchyard.tabular.config.monitoring import Channel\n"
        "channel, ledger = Channel(kind='webhook', url=sys.argv[2], timeout_s=90), AlertLedger(connect(sys.argv[3]))\n"
        f"send(Alert.model_validate_json(sys.argv[1]), [channel], ledger, {dies})\n"
    )
    arguments = [sys.executable, "-c", script, alert().model_dump_json(), url, log.url.render_as_string(hide_password=False)]
    return subprocess.Popen(arguments, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def killed_while_it_sends(log, web):
    """kill -9 in the middle of the request: the server has the alert, the run never learnt of it."""
    web.delay = 60.0
    process = killed(log, web.url, "lambda channel: channel")
    deadline = time.monotonic() + 120
    while not web.received:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    busy = send(alert(), [Channel(kind="webhook", url=web.url)], AlertLedger(log))
    assert states(busy) == [("unknown", 1)] and "another run is sending it" in busy.deliveries[0].detail
    process.send_signal(signal.SIGKILL)
    process.wait()
    web.delay = 0.0


def test_a_run_killed_while_it_sends_is_known_and_nothing_is_sent_twice(log, ledger, web):
    killed_while_it_sends(log, web)
    result = send(alert(), [Channel(kind="webhook", url=web.url)], ledger)

    assert states(result) == [("unknown", 1)] and len(web.received) == 1
    assert "a run was stopped while it was sending" in result.deliveries[0].detail


def test_a_receiver_that_knows_keys_is_told_again(log, ledger, web):
    killed_while_it_sends(log, web)
    result = send(alert(), [Channel(kind="webhook", url=web.url, idempotent=True)], ledger)

    assert states(result) == [("sent", 1)]
    assert [headers["Idempotency-Key"] for _, headers in web.received] == ["small-v1-abc-retrain"] * 2


def test_a_run_killed_before_the_alert_leaves_is_made_good_by_the_next(log, ledger, web):
    assert killed(log, web.url, "lambda channel: os.kill(os.getpid(), 9)").wait() == -signal.SIGKILL
    assert ledger.entries(alert().key)["webhook 127.0.0.1"].state == "claimed" and web.received == []
    result = send(alert(), [Channel(kind="webhook", url=web.url)], ledger)

    assert states(result) == [("sent", 1)] and len(web.received) == 1
