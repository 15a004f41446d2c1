"""One alert by real HTTP and SMTP servers, whatever is repeated, killed or dead."""

from __future__ import annotations

import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from switchyard.monitoring.alerts import Alert, AlertLedger, compose, send, spells_of
from switchyard.monitoring.alerts.channels import channel_name
from switchyard.monitoring.alerts.words import GUIDE, RULES
from switchyard.monitoring.columns import ColumnDrift
from switchyard.monitoring.decision import Decision, RuleResult
from switchyard.monitoring.drift import DriftReport
from switchyard.monitoring.ledger import TABLES, Ledger
from switchyard.tabular.config.monitoring import Actions, Channel

ROOT = Path(__file__).resolve().parents[3]


class _Web(ThreadingHTTPServer):
    """Keeps what is posted; answers as `answers` says, the last one for ever, each after `delay` seconds."""

    def __init__(self):
        self.received, self.answers, self.delay = [], [200], 0.0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks/secret-path"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((json.loads(body), dict(self.headers)))
        time.sleep(self.server.delay)
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.end_headers()

    def log_message(self, *_arguments):
        pass


class _Mail(socketserver.ThreadingTCPServer):
    """An SMTP server that keeps the mails it is given."""

    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), _Dialogue)


class _Dialogue(socketserver.StreamRequestHandler):
    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")

        say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == "DATA":
                say("354 go on")
                lines = []
                while (part := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(part)
                self.server.mails.append("\n".join(lines))
            say("221 bye" if command == "QUIT" else "250 fine")
            if command == "QUIT":
                return


def served(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def web():
    yield from served(_Web())


@pytest.fixture
def mail():
    yield from served(_Mail())


@pytest.fixture
def ledger(log):
    return AlertLedger(log)


def column(name, weight):
    return ColumnDrift(
        column=name, kind="numeric", method="wasserstein", value=0.5, threshold=0.1, distance_method="wasserstein", distance=0.5,
        usual=0.05, drifted=True, unusual=True, weight=weight, effect=0.01,
    )  # fmt: skip


def alert(action="retrain", key="small-v1-abc-retrain") -> Alert | None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rule = RuleResult(name="performance_floor", value=0.7, threshold=0.8, verdict=action, reason="measured roc_auc 0.7 is under 0.8")
    decision = Decision(
        model="small", version="1", digest="sha256:1", since=moment, until=moment, rows=10, labelled=5, action=action, rules=(rule,),
        reason="because", key=key,
    )  # fmt: skip
    columns = tuple(column(name, weight) for name, weight in (("income", 0.6), ("job", 0.3), ("age", 0.1), ("<!channel>", 0.0)))
    drift = DriftReport(
        window="prediction log, some day", rows=10, looked_at=10, reference_rows=10, judged=True, columns=columns, prediction=None,
        target=None, quality=(), share=1.0, weighted_share=1.0, weighing="",
    )  # fmt: skip
    return compose(decision, drift, ("http://dashboard/runs/1",))


def states(result):
    return [(one.state, one.attempts) for one in result.deliveries]


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


def test_recovery_is_told_once_and_only_when_it_is_known():
    bad, unknown, chance, well = window_at(1, "retrain", 0.7), window_at(2, value=None), window_at(2, suspected=True), window_at(3)

    assert told(bad, unknown) is None and told(bad, chance) is None and told(well) is None
    found = told(bad, unknown, well)
    assert (found.severity, found.headline) == ("recovered", "small version 1: normal again")
    assert found.plain == (
        "Normal again since 2026-01-01 03:00 UTC: rule performance_floor, which was crossed from 2026-01-01 01:00 UTC on.",
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
