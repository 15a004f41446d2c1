"""kill -9 at every step of a monitoring run that acts, and the same command again: one decision, one alert, one retraining."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import pytest

from demo.traffic import Clients, as_rows
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import kill
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject
from tests.switchyard.monitoring.conftest import web  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
CONFIG = ("--config", "configs/loans.yaml")
LOOKING = ("find_production", "read_window", "measure_drift", "measure_performance", "validate_window", "decide")
"""Steps before anybody is told, none of which leaves anything behind but the last."""
ACTING = ("+ send_alert", "retraining  begins", "+ tune_lightgbm", "> register_model", "+ shift_traffic")
"""What run.py prints after that, when something is left behind that the next run takes up."""
ROWS = 300


@pytest.fixture
def project(installed, tmp_path, web):  # noqa: F811
    """A deployed version that was asked about loans of a later time, and told what came of them."""
    made = ServingProject(tmp_path)
    made.config(
        "loans", data={"source": "builtin:loans?rows=1500&months=0-11"}, tuning={"trials": 1}, gates={"champion": "ignore"},
        retraining={"min_labels": 200, "share": 0.5},
        monitoring={
            "actions": {"drift_share": "retrain"},
            "channels": [
                {"kind": "webhook", "url": "{{hook.url}}", "headers": {"Authorization": "Bearer {{hook.token}}"}, "timeout_s": 60}
            ],
        },
    )  # fmt: skip
    made.python(f"from zenml.client import Client; Client().create_secret('hook', {{'url': {web.url!r}, 'token': 'a-token'}})")
    assert made.run("--pipeline", "training", *CONFIG).code == 0
    first = made.run("--pipeline", "deployment", *CONFIG)
    assert first.code == 0, first.output
    clients = Clients(first.summary["endpoint"]["url"], first.summary["endpoint"]["token_file"], clients=2)
    frame, ids = loans(ROWS, months=(30, 30)), [f"later-{number}" for number in range(ROWS)]
    made.since = datetime.now(UTC).isoformat()
    clients.predict(as_rows(frame.drop(columns="defaulted")), ids, frame.applicant_id.tolist())
    made.until = datetime.now(UTC).isoformat()
    clients.feedback(dict(zip(ids, frame.defaulted.astype(str), strict=True)))
    yield made
    made.end("loans")


def kept(project):
    """Decisions, alerts and retrainings, as the prediction log's database holds them."""
    code = """
import json
from sqlalchemy import text
from deployment.predictions import prediction_log

def rows(query):
    try:
        with engine.connect() as connection:
            return [list(row) for row in connection.execute(text(query))]
    except Exception:
        return []

with prediction_log("loans") as engine:
    print(json.dumps([
        rows("SELECT action FROM monitoring_decisions"), rows("SELECT channel, state FROM monitoring_alerts"),
        rows("SELECT stage, version, rows FROM retrainings"),
    ]))
"""
    return json.loads(project.python(code).splitlines()[-1])


@pytest.mark.parametrize(
    ("looking", "acting"), [(LOOKING[-1:], ACTING[1:2]), pytest.param(LOOKING, ACTING, marks=pytest.mark.full)], ids=["some", "every"]
)
def test_killed_at_steps_and_repeated_there_is_one_of_each(project, web, looking, acting):  # noqa: F811
    command = ("--pipeline", "monitoring", *CONFIG, "--since", project.since, "--until", project.until, "--act")

    def killed_at(words):
        process, seen = project.start(*command), ""
        for line in process.stdout:
            seen += line
            if words in line:
                break
        kill(process)
        assert words in seen, seen

    # Whoever is told takes a minute to say that he heard it: a run that has come so far is killed while it waits.
    web.delay = 60.0
    for step in looking:
        killed_at(f"> {step}")
        assert len(web.received) <= 1, step
    process = project.start(*command)
    deadline = time.monotonic() + 120
    while not web.received:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    kill(process)
    web.delay = 0.0
    decisions, alerts, retrainings = kept(project)
    assert (decisions, alerts, retrainings) == ([["retrain"]], [["webhook {{hook.url}}", "sending"]], [])

    # The retraining's own steps: test_loop.py has them too.
    for words in acting:
        killed_at(words)
        assert len(kept(project)[2]) <= 1, words
    done = project.run(*command)

    assert done.code == 0, done.output
    assert done.summary["decision"] == "retrain" and done.summary["retraining"]["stage"] == "trying"
    [(body, headers)] = web.received
    assert headers["Authorization"] == "Bearer a-token" and body["decision"]["action"] == "retrain"
    assert done.summary["alert"]["channels"][0]["state"] == "unknown" and "a-token" not in done.output
    assert kept(project) == [[["retrain"]], [["webhook {{hook.url}}", "sending"]], [["trying", "2", ROWS]]]
    assert sorted(version["version"] for version in project.versions("loans")) == ["1", "2"]
