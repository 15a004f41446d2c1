"""Alerts with secrets of the real ZenML secret store, to a real receiver."""

from __future__ import annotations

import json

import pytest

from tests.app.project import Project
from tests.switchyard.monitoring.conftest import web  # noqa: F401 - a fixture
from tests.switchyard.monitoring.receivers import alert

SEND = """
import json, sys
from switchyard.monitoring.alerts import Alert, AlertLedger, send
from switchyard.predictionlog import connect
from stacks.alerting import channel_with_secrets
from switchyard.tabular.config.monitoring import Channel
from zenml.client import Client

Client().create_secret("hook", {"url": URL, "token": "a-secret-token"})
wanted = {"token": "{{hook.token}}", "key that is not there": "{{hook.tokne}}", "secret that is not there": "{{hock.token}}"}
for name, reference in wanted.items():
    channel = Channel(kind="webhook", url="{{hook.url}}", headers={"Authorization": "Bearer " + reference})
    result = send(Alert.model_validate_json(ALERT), [channel], AlertLedger(connect(f"sqlite:///{name}.db")), channel_with_secrets)
    print(result.model_dump_json(include={"deliveries"}))
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_secrets_come_from_the_secret_store_and_one_that_is_not_there_is_named(project, web):  # noqa: F811
    printed = project.python(f"URL, ALERT = {web.url!r}, {alert().model_dump_json()!r}\n{SEND}")
    sent, key, secret = (json.loads(line)["deliveries"][0] for line in printed.splitlines()[-3:])
    [(_, headers)] = web.received

    assert (sent["state"], sent["channel"], headers["Authorization"]) == ("sent", "webhook {{hook.url}}", "Bearer a-secret-token")
    assert (key["state"], key["detail"]) == ("failed", "secret 'hook' has no key 'tokne'; it has token, url")
    assert secret["detail"] == "the secret store has no secret 'hock'; make it: zenml secret create hock --token=..."
    kept = b"".join(path.read_bytes() for path in project.root.glob("token.db*"))
    assert b"webhook {{hook.url}}" in kept
    assert not any(one in printed or one.encode() in kept for one in ("secret-path", "a-secret-token"))
