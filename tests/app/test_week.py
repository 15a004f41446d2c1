"""The week of an operator, from a folder that `init` made to one that a backup brought back; a table says what each point takes."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sklearn.metrics import roc_auc_score

from demo.traffic import Clients, as_rows
from switchyard.tabular.tables.reading.loans import loans
from tests.app.own import Own, built
from tests.deployment.conftest import installed  # noqa: F401 - a fixture

pytestmark = [pytest.mark.full, pytest.mark.timeout(1500)]
MODEL = "loans"
CONFIG = ("--config", f"configs/{MODEL}.yaml")
QUIET, DRIFTED, ROWS = 12, 30, 320
"""Months of the made-up applications, and how many come in one."""


class Desk:
    """Where alerts arrive: an HTTP server that keeps what is posted to it."""

    def __init__(self) -> None:
        self.alerts: list[dict] = []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                desk.alerts.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Log:
    """Seconds, seconds of processors in commands, and bytes of each point of the week."""

    def __init__(self, own: Own) -> None:
        self.rows = ["| point | time | of a processor | disk | in all |", "|---|---:|---:|---:|---:|"]
        self.begin(own)

    def begin(self, own: Own) -> None:
        """From here on what counts is of `own`."""
        self._own, self._disk, self._busy, self._began = own, own.disk(), _busy(), time.monotonic()

    def point(self, name: str) -> None:
        """What came since the point before is of `name`."""
        seconds, busy, disk = time.monotonic() - self._began, _busy() - self._busy, self._own.disk()
        self.rows.append(f"| {name} | {seconds:.0f} s | {busy:.0f} s | {(disk - self._disk) / 1e6:+.1f} MB | {disk / 1e6:.1f} MB |")
        print(self.rows[-1], flush=True)
        self.begin(self._own)


def _busy() -> float:
    """Of commands that have ended; what they leave running is not in it."""
    times = os.times()
    return times.children_user + times.children_system


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def own(installed, desk, tmp_path):  # noqa: F811
    """A folder of one's own for a CSV, on the machine that is to live through the week."""
    table = tmp_path / f"{MODEL}.csv"
    loans(1500, months=(0, 11)).to_csv(table, index=False)
    made = Own(tmp_path / "week", tmp_path / "account", built(tmp_path / "wheel"), ("--data", str(table), "--target", "defaulted"))
    made.change(
        CONFIG[1],
        data={"time_column": "application_date", "entity_column": "applicant_id"},
        tuning={"families": ["lightgbm"], "trials": 1, "folds": 3},
        evaluation={"explained_rows": 20, "lime_rows": 1, "bootstrap": 50},
        gates={"champion": "ignore"},
        monitoring={
            "window": str(ROWS), "channels": [{"kind": "webhook", "url": desk.url}], "performance_floor": None,
            "actions": {"drift_share": "retrain"},
        },
        retraining={"min_labels": 200, "cooldown_hours": 0, "share": 0.5},
    )  # fmt: skip
    yield made
    made.lose_power()
    (tmp_path / "told.txt").write_text("\n".join(made.told))


def ask(clients, month, rows=60, told=False):
    """Versions that answered the applications of a month, whose outcomes may be told afterwards."""
    frame = loans(rows, months=(month, month))
    ids = [f"m{month}-{number}" for number in range(rows)]
    answers = clients.predict(as_rows(frame.drop(columns="defaulted")), ids, frame.applicant_id.tolist())
    if told:
        clients.feedback(dict(zip(ids, frame.defaulted.astype(str), strict=True)))
    return {answer.version for answer in answers}


def worth(clients, month, rows=100):
    """ROC-AUC of the answers to a month against what came of it."""
    frame = loans(rows, months=(month, month))
    ids = [f"worth-{month}-{number}" for number in range(rows)]
    answers = clients.predict(as_rows(frame.drop(columns="defaulted")), ids, frame.applicant_id.tolist())
    return roc_auc_score(frame.defaulted, [answer.probabilities["1"] for answer in answers])


def standing(own):
    """What `run.py status --json` says of the model."""
    said = own.run("status", MODEL, "--json").output
    (found,) = json.loads(said[said.index("{") :])["models"]
    return found


def test_the_week_of_an_operator(own, desk, tmp_path):
    log = Log(own)
    endpoint = begin(own, log)
    clients = Clients(endpoint["url"], endpoint["token_file"], clients=2)
    assert ask(clients, QUIET, ROWS, told=True) == {"1"}
    restart_the_machine(own, clients, desk, log)
    overtaken_by_drift(own, clients, desk, log)
    deploy_and_take_back_a_bad_version(own, clients, tmp_path / "rated.csv", log)
    prune(own, clients, log)
    assert own.strays() == set(), "all of it is in the folder, none in the package"
    lose_the_machine(own, tmp_path, endpoint, log)
    (tmp_path / "week.md").write_text("\n".join([*log.rows, ""]))


def begin(own, log):
    """Train, deploy, schedule; the endpoint."""
    own.run("training", *CONFIG)
    log.point("train")
    own.run("deployment", *CONFIG, "--summary", "deployed.json")
    log.point("deploy")
    own.run("service", "install", MODEL, "--schedule", "0 * * * *", "--", "monitoring", *CONFIG, "--act")
    log.point("schedule")
    return json.loads((own.root / "deployed.json").read_text())["endpoint"]


def restart_the_machine(own, clients, desk, log):
    """Nothing of it runs, then what the units say is run."""
    assert own.lose_power() > 3
    with pytest.raises(RuntimeError, match="does not answer"):
        ask(clients, QUIET, 1)
    serve, watch = own.units()
    own.start_unit(serve)
    assert ask(clients, QUIET, 20) == {"1"}, "at the address and by the token of before"
    log.point("reboot: processes killed, units started")
    own.start_unit(watch)
    assert desk.alerts == [], "a quiet week is no reason to wake anybody"
    log.point("scheduled look, all quiet")


def overtaken_by_drift(own, clients, desk, log):
    """The applicants change; the schedule sees it, tells it, trains and tries, and the operator promotes."""
    assert ask(clients, DRIFTED, ROWS, told=True) == {"1"}
    log.begin(own)
    looked = own.start_unit(own.units()[1])
    (alert,) = desk.alerts
    assert alert["severity"] == "critical" and any(line.startswith("To do: ") for line in alert["plain"]), alert
    assert "retraining  trying, version 2: canary deployment" in looked.output, looked.output
    assert ask(clients, DRIFTED + 1) == {"1", "2"}
    log.point("scheduled look: drift, alert, retraining, canary")
    own.run("deployment", *CONFIG, "--version", "2", "--strategy", "all", "--why", "it holds")
    assert ask(clients, DRIFTED + 2) == {"2"}
    log.point("canary promoted")


def deploy_and_take_back_a_bad_version(own, clients, table, log):
    """A version that learnt from a table whose labels are the wrong way round, which no gate of training can know."""
    rows = loans(1500, months=(0, 11))
    rows.assign(defaulted=1 - rows.defaulted).to_csv(table, index=False)
    own.change(CONFIG[1], data={"source": str(table)})
    own.run("training", *CONFIG)
    own.run("deployment", *CONFIG, "--why", "a new table")
    assert worth(clients, DRIFTED + 3) < 0.4
    log.point("bad version trained and deployed")
    said = own.run("deployment", *CONFIG, "--rollback", "--why", "good ones are refused").output
    assert re.search(r"going back from champion \d+, which is marked withdrawn, to version 2", said), said
    assert worth(clients, DRIFTED + 4) > 0.6
    log.point("rollback")


def prune(own, clients, log):
    """All goes that nobody needs, however young, and what serves goes on."""
    kept = [f"--keep={kind}=0" for kind in ("runs", "trainings", "versions", "windows", "studies", "tables", "bundles")]
    before = own.disk()
    assert "would free" in own.run("prune", *kept, "--dry-run").output
    log.begin(own)
    own.run("prune", *kept)
    assert own.disk() < before and ask(clients, DRIFTED + 5) == {"2"}
    log.point("prune")


def lose_the_machine(own, folder, endpoint, log):
    """What a backup holds serves on another machine, in another folder, by the tokens of before."""
    (folder / "passphrase").write_text("a passphrase of some length")
    secret, file = ("--passphrase-file", str(folder / "passphrase")), folder / "week.tar.gz"
    own.run("backup", str(file), *secret)
    log.point(f"backup, to a file of {file.stat().st_size / 1e6:.1f} MB")
    before = standing(own)
    own.lose_power()
    other = Own(folder / "another week", folder / "another account", own.wheel)
    try:
        log.begin(other)
        other.run("restore", str(file), *secret)
        log.point("restore on another machine")
        after = standing(other)
        assert ask(Clients(after["address"], endpoint["token_file"], clients=2), DRIFTED + 6) == {"2"}
        assert (after["champion"], after["last_alert"]) == (before["champion"], before["last_alert"]) and before["champion"] == "2"
    finally:
        other.lose_power()
        (folder / "told again.txt").write_text("\n".join(other.told))
