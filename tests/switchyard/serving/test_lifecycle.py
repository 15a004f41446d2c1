"""Start, end and sudden death of the real microservice."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from switchyard.bundle import digest
from switchyard.predictionlog import Journal, connect
from switchyard.predictionlog.database import predictions
from switchyard.predictionlog.journal import journals
from tests.clients import Clients
from tests.deployment.door import wait_until
from tests.switchyard.predictionlog.cases import record
from tests.switchyard.serving.cases import ROW, make_bundle
from tests.switchyard.serving.conftest import Service, running


class Load(Clients):
    """Clients that send requests with ids of their own, one after the other, and remember which were answered."""

    def __init__(self, port, clients=4):
        self.port, self.answered, self.failed = port, [], 0
        super().__init__(self._run, clients)

    def _run(self, client):
        connection, number = None, 0
        while not self.stopping.is_set():
            number += 1
            identity = f"c{client}-{number}"
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("POST", "/predict", json.dumps({"rows": [ROW]}), {"x-request-id": identity})
                response = connection.getresponse()
                body = json.loads(response.read())
                assert response.status == 200 and body["meta"]["puid"] == identity
                self.answered.append(identity)
            except (OSError, http.client.HTTPException, ValueError):
                self.failed += 1
                connection = None
                time.sleep(0.01)

    def wait_for(self, count, seconds=10):
        wanted, deadline = len(self.answered) + count, time.monotonic() + seconds
        while len(self.answered) < wanted:
            assert time.monotonic() < deadline, f"{len(self.answered)} of {wanted} answers"
            time.sleep(0.01)


def ids(service):
    engine = connect(service.settings.log_url)
    with engine.connect() as connection:
        return list(connection.scalars(select(predictions.c.prediction_id)))


def group(service):
    """Processes of the service that are alive."""
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == service.process.pid and "State:\tZ" not in (folder / "status").read_text():
                alive.append(int(folder.name))
        except (ProcessLookupError, FileNotFoundError):
            continue
    return alive


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_killed_under_load_every_answered_request_is_logged_once(start):
    service = start()
    with Load(service.http_port) as load:
        for _ in range(2):
            load.wait_for(100)
            service.process.kill()
            service.process.wait()
            service.start()
            load.wait_for(1)
        load.wait_for(100)
    assert service.stop() == 0

    logged = ids(service)
    assert len(load.answered) > 300 and load.failed
    assert len(logged) == len(set(logged))
    assert set(load.answered) <= set(logged)
    assert journals(service.settings.journal) == []


def test_a_killed_worker_is_replaced_and_nothing_is_lost(start):
    service = start()
    with Load(service.http_port) as load:
        load.wait_for(50)
        workers = [pid for pid in group(service) if sum(name.is_dir() for name in Path(f"/proc/{pid}/task").iterdir()) > 1]
        os.kill(max(workers), signal.SIGKILL)
        load.wait_for(100)
    assert service.stop() == 0

    logged = ids(service)
    assert len(logged) == len(set(logged)) and set(load.answered) <= set(logged)


def test_told_to_end_it_ends_with_all_its_processes_and_an_empty_journal(installed, bundles, tmp_path):
    with running(tmp_path / "s", bundles["binary"], grpc=True) as service:
        with Load(service.http_port) as load:
            load.wait_for(50)
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(10) == 0
        deadline = time.monotonic() + 5
        while group(service) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert group(service) == []
        assert set(load.answered) <= set(ids(service)) and journals(service.settings.journal) == []


STARTING = """
import importlib.abc, os, signal, sys
from switchyard.serving import writer
from switchyard.serving.metrics import DrainCounts
from switchyard.serving.settings import Settings

class Told(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Told())
folder = sys.argv[1]
settings = Settings(bundle="", log_url=f"sqlite:///{folder}/log.db", journal=f"{folder}/journal")
writer.run(settings, dict, DrainCounts())
assert not any(isinstance(finder, Told) for finder in sys.meta_path), "nobody told it"
"""


def test_a_writer_told_to_end_while_it_still_comes_up_writes_what_waits(tmp_path):
    journal = Journal(tmp_path / "journal")
    journal.append(record("r1"))
    journal.close()

    subprocess.run([sys.executable, "-c", STARTING, str(tmp_path)], check=True, timeout=60)

    with connect(f"sqlite:///{tmp_path}/log.db").connect() as connection:
        assert list(connection.scalars(select(predictions.c.prediction_id))) == ["r1"]
    assert journals(tmp_path / "journal") == []


def test_killed_it_takes_its_processes_and_ports_with_it(installed, bundles, tmp_path):
    with running(tmp_path / "s", bundles["binary"], grpc=True) as service:
        assert len(group(service)) >= 7
        service.process.kill()
        service.process.wait()
        deadline = time.monotonic() + 5
        while group(service) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert group(service) == []
        assert not any(map(listening, (service.http_port, service.grpc_port, service.metrics_port)))


def test_it_listens_on_loopback_alone(start):
    service = start()
    everywhere = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            address, port = line.split()[1].rsplit(":", 1)
            if line.split()[3] == "0A" and int(port, 16) in (service.http_port, service.metrics_port):
                everywhere.add(address)
    assert everywhere == {"0100007F"}


def refused(tmp_path, bundle, **settings):
    """Output of a service that will not start."""
    with pytest.raises(RuntimeError, match="did not start") as failure, running(tmp_path / "s", bundle, grpc=True, **settings):
        pass
    return str(failure.value)


def test_it_refuses_a_bundle_that_answers_its_examples_otherwise(installed, tmp_path):
    bundle = make_bundle(tmp_path / "bundle")
    examples = bundle / "examples.json"
    examples.write_text(examples.read_text().replace("0.772", "0.773"))

    output = refused(tmp_path, bundle)
    assert "refusing to serve: example 0" in output and "probabilities.yes is 0.772" in output


def test_it_refuses_another_bundle_than_it_was_told(installed, bundles, tmp_path):
    output = refused(tmp_path, bundles["binary"], digest=digest(bundles["regression"]))
    assert f"has digest {digest(bundles['binary'])}" in output


def test_it_refuses_a_folder_that_is_no_bundle(installed, tmp_path):
    assert "refusing to serve" in refused(tmp_path, tmp_path)


def test_it_starts_in_three_seconds(installed, bundles, tmp_path):
    with running(tmp_path / "warm", bundles["binary"]):
        pass
    best = float("inf")
    for turn in range(3):
        began = time.monotonic()
        with running(tmp_path / f"s{turn}", bundles["binary"]):
            best = min(best, time.monotonic() - began)
    assert best < 3


def log_metrics(service):
    """What the log's writer says of itself; nothing before it is up."""
    lines = service.request("GET", "/metrics")[1].splitlines()
    found = dict(line.removeprefix("switchyard_log_").split() for line in lines if line.startswith("switchyard_log_"))
    return {name: float(value) for name, value in found.items()}


def test_without_its_database_it_answers_and_catches_up_later(installed, bundles, tmp_path):
    away = tmp_path / "away"
    away.write_text("a file where the database's folder must be")
    with running(tmp_path / "s", bundles["binary"], log_url=f"sqlite:///{away}/log.db") as service:
        for number in range(20):
            assert service.predict({"rows": [ROW]}, x_request_id=f"r{number}")[0] == 200
        deadline = time.monotonic() + 30
        while not (log_metrics(service)["waiting_bytes"] and log_metrics(service)["failures_total"]) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert log_metrics(service)["connected"] == 0 and log_metrics(service)["waiting_bytes"] > 0
        away.unlink()
        while (log_metrics(service)["waiting_bytes"] or not log_metrics(service)["connected"]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert log_metrics(service)["connected"] == 1 and len(ids(service)) == 20


def test_a_log_that_cannot_be_written_is_an_unready_server(start, tmp_path):
    service = start()
    # The log's writer comes up after those that answer; one that finds no folder then ends the service, which is another case.
    wait_until(lambda: log_metrics(service).get("connected") == 1, 30, "the log's writer")
    journal = Path(service.settings.journal)
    for path in journal.iterdir():
        path.unlink()
    journal.rmdir()
    journal.write_text("a file where the folder was")

    # Workers that have a journal open go on with it; new ones can't, and say so.
    service2 = Service(service.settings, tmp_path / "service")
    with pytest.raises(RuntimeError, match="refusing to serve"):
        service2.start()
    assert service.request("GET", "/health/status")[0] == 503
