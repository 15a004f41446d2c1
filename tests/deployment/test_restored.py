"""A workspace that served comes back under another path on a machine of another name, and answers there at once."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from app.served import bring_up
from app.upkeep.backup import back_up
from app.upkeep.restoring import restore
from deployment.process.host import ProcessHost
from deployment.process.layout import Layout
from deployment.process.options import ProcessOptions
from switchyard import processes
from switchyard.monitoring.retraining import ledger as ledgers
from switchyard.monitoring.retraining.ledger import Ledger, RetrainingRefused
from switchyard.predictionlog import connect, create_tables
from switchyard.serving.frontdoor.state import Traffic
from tests.app.test_backup import PASSPHRASE, database, place_in
from tests.deployment.conftest import Client
from tests.deployment.door import wait_until
from tests.switchyard.monitoring.retraining.test_ledger import decision

TIMEOUT = 30


@pytest.fixture
def place(tmp_path):
    """A workspace with nothing of ZenML's in it but what a backup looks at."""
    made = place_in(tmp_path / "here")
    database(
        made.stores / "default_zen_store" / "zenml.db",
        'CREATE TABLE secret (id CHAR(32), "values" VARCHAR)',
        "CREATE TABLE stack_component (name VARCHAR, configuration BLOB)",
        "CREATE TABLE pipeline_run (id CHAR(32))",
    )
    (made.config / "config.yaml").write_text("store: {}\n")
    yield made
    host_of(made).remove("loans", TIMEOUT)


def host_of(place):
    return ProcessHost(place.stores / "switchyard" / "serving", ProcessOptions(workers=1))


def logged(place):
    """Request ids in the prediction log."""
    engine = connect(f"sqlite:///{place.stores}/switchyard/predictions.db")
    try:
        create_tables(engine)
        with engine.connect() as connection:
            return {row[0] for row in connection.execute(text("SELECT request_id FROM predictions"))}
    finally:
        engine.dispose()


def lose(host):
    """End everything of the model at once and without a word, as a machine that breaks does."""
    observed = Layout(host._folder / "loans").read_observed()
    os.kill(observed["supervisor"], signal.SIGKILL)
    host.remove("loans", TIMEOUT)


def test_it_serves_at_once_on_another_path_and_a_machine_of_another_name(installed, releases, place, tmp_path, monkeypatch):
    host = host_of(place)
    host.start(releases["1"], TIMEOUT)
    host.shift("loans", Traffic.all_to("v1"), TIMEOUT)
    asked = Client(host.inspect("loans"))
    assert asked.version(x_request_id="before") == "1"
    wait_until(lambda: "before" in logged(place), what="a prediction in the log")
    ledger = Ledger(connect(f"sqlite:///{place.stores}/switchyard/predictions.db"), "loans.local")
    ledger.claim(decision(), "sha256:rows", "{}", 40)
    back_up(place, tmp_path / "backup.tar.gz", PASSPHRASE)
    lose(host)

    monkeypatch.setattr(processes.socket, "gethostname", lambda: "another-machine")
    processes._name.cache_clear()
    there, said = place_in(tmp_path / "another mächine"), []
    restored = restore(tmp_path / "backup.tar.gz", there, PASSPHRASE)
    host = host_of(there)
    served = SimpleNamespace(config=SimpleNamespace(model="loans"))
    try:
        bring_up(SimpleNamespace(host=host, find_model_server=lambda: [served]), said.append, TIMEOUT)
        again = Client(host.inspect("loans"))
        assert said == [f"loans, version 1: ready, answers 100% of the requests at {host.inspect('loans').url}"]
        assert again.token == asked.token and again.version(x_request_id="after") == "1"
        wait_until(lambda: {"before", "after"} <= logged(there), what="both predictions in one log")
        assert "after" not in logged(place) and restored.new_tokens == ()
        # What the lost machine had under way is taken up once nothing was heard of it for so long.
        ledger = Ledger(connect(f"sqlite:///{there.stores}/switchyard/predictions.db"), "loans.local")
        claim = ledger.open()
        with pytest.raises(RetrainingRefused, match="is under way in another process"), ledger.holding(claim):
            pass
        moment = ledgers.now() + ledgers.LEASE
        monkeypatch.setattr(ledgers, "now", lambda: moment)
        with ledger.holding(claim):
            pass
    finally:
        host.remove("loans", TIMEOUT)
        processes._name.cache_clear()
