"""Retraining of a deployed model from its own predictions: killed wherever it may be, there is one."""

from __future__ import annotations

import json
import time

import pytest

from demo.traffic import Clients, as_rows
from switchyard.tabular.tables.reading.loans import loans
from tests.app.project import kill
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
RETRAIN = ("--pipeline", "retraining", "--config", "configs/loans.yaml")


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory):  # noqa: F811
    """A deployed version with a front door to ask. Its table has a column that training drops by itself, so that nobody sends it."""
    made = ServingProject(tmp_path_factory.mktemp("retraining"))
    table = loans(1500, months=(0, 11))
    table.assign(pool=["good" if row % 50 == 0 else "poor" if row % 51 == 0 else None for row in range(1500)]).to_csv(
        made.root / "loans.csv", index=False
    )
    made.config(
        "loans", data={"source": "loans.csv"}, tuning={"trials": 1}, gates={"champion": "ignore"},
        retraining={"min_labels": 200, "cooldown_hours": 0, "share": 0.5},
    )  # fmt: skip
    assert made.batch(["--pipeline", "training", "--config", "configs/loans.yaml"])[0].code == 0
    first = made.deploy("loans", {})[0]
    assert first.code == 0, first.output
    made.clients = Clients(first.summary["endpoint"]["url"], first.summary["endpoint"]["token_file"], clients=2)
    yield made
    made.end("loans")


def ask(project, month, rows, label=True):
    frame = loans(rows, months=(month, month))
    ids = [f"m{month}-{number}" for number in range(rows)]
    answers = project.clients.predict(as_rows(frame.drop(columns="defaulted")), ids, frame.applicant_id.tolist())
    if label:
        project.clients.feedback(dict(zip(ids, frame.defaulted.astype(str), strict=True)))
    return answers


def history(project):
    """Stage, version and rows of every retraining, the first first."""
    code = (
        "import json; from deployment.predictions import prediction_log; from switchyard.monitoring.retraining.ledger import Ledger\n"
        "with prediction_log('loans') as engine:\n"
        "    print(json.dumps([[c.stage, c.version, c.rows] for c in reversed(Ledger(engine, 'loans.local').history())]))"
    )
    return json.loads(project.python(code).splitlines()[-1])


def kill_after(project, words):
    """Run the retraining and kill it shortly after `words` stand in what it prints."""
    process, seen = project.start(*RETRAIN), ""
    for line in process.stdout:
        seen += line
        if words in line:
            break
    time.sleep(0.3)
    kill(process)
    assert words in seen, seen


def test_it_is_refused_without_labels(project):
    ask(project, 12, 120)
    refused = project.run(*RETRAIN)

    assert refused.code == 3 and refused.summary["retraining"]["stage"] == "refused"
    assert "120 labelled predictions" in refused.summary["retraining"]["reason"]
    assert history(project) == []


def test_killed_anywhere_and_repeated_it_is_one_retraining(project):
    ask(project, 13, 180)
    for words in ("+ tune_lightgbm", "> register_model", "+ shift_traffic"):
        kill_after(project, words)
        assert len(history(project)) == 1, words
    done = project.run(*RETRAIN)

    assert done.code == 0, done.output
    assert done.summary["retraining"]["stage"] == "trying" and done.summary["retraining"]["version"] == "2"
    assert history(project) == [["trying", "2", 300]]
    versions = project.versions("loans")
    assert sorted(version["version"] for version in versions) == ["1", "2"]
    new = next(version for version in versions if version["version"] == "2")
    assert "and 300 labelled predictions until" in new["tags"]["data_source"]
    assert new["tags"]["data_source"].endswith("without 'pool'")
    assert {answer.version for answer in ask(project, 14, 80, label=False)} == {"1", "2"}
    card = (project.root / "docs/ml-project/loans/model_card.md").read_text()
    assert "300 labelled predictions" in card and new["tags"]["data_revision"] in card
