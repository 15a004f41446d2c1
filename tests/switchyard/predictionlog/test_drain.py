"""The drain: every record in the database once, whatever dies when."""

import multiprocessing
import os
import random
import signal
import threading
import time
from functools import partial

import pytest
import sqlalchemy
from sqlalchemy import func, select

from switchyard.predictionlog import Drain, Journal, connect, create_tables, label_record, prune
from switchyard.predictionlog.database import labels, positions, predictions
from switchyard.predictionlog.drain import settle
from switchyard.predictionlog.journal import journals
from tests.switchyard.predictionlog.cases import ORIGIN, record


def rows(engine, *columns):
    with engine.connect() as connection:
        return connection.execute(select(*columns).order_by(columns[0].table.c.prediction_id)).all()


def count(engine, table=predictions):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_a_request_becomes_a_row_for_each_of_its_rows(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(record("r1", rows=2, entities=["a", None], events=[None, 1_600_000_000.25]))
    Drain(engine, tmp_path / "j").run_once()

    columns = predictions.c
    first, second = rows(
        engine, columns.prediction_id, columns.row, columns.entity_id, columns.event_time, columns.inputs, columns.probabilities
    )
    assert (first.prediction_id, second.prediction_id) == ("r1", "r1/1")
    assert (first.row, first.entity_id, second.entity_id) == (0, "a", None)
    assert first.inputs == {"age": 30, "job": "clerk"} and second.probabilities == {"no": 0.25, "yes": 0.75}
    assert second.event_time.isoformat() == "2020-09-13T12:26:40.250000"
    assert first.event_time.isoformat() == "2023-11-14T22:13:20"


def test_a_repeated_request_is_one_row_and_a_mirrored_one_has_its_own(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    for origin in (ORIGIN, ORIGIN, {**ORIGIN, "role": "shadow"}):
        journal.append(record("r1", origin=origin))
    Drain(engine, tmp_path / "j").run_once()

    assert [row.role for row in rows(engine, predictions.c.role)] == ["live", "shadow"]


def test_an_answer_under_another_models_id_has_no_row_and_that_is_told(engine, tmp_path, caplog):
    journal = Journal(tmp_path / "j")
    for origin, request in ((ORIGIN, "r1"), ({**ORIGIN, "model": "other"}, "r1"), ({**ORIGIN, "model": "other"}, "r2"), (ORIGIN, "r1")):
        journal.append(record(request, origin=origin))
    drain = Drain(engine, tmp_path / "j")
    drain.run_once()

    assert rows(engine, predictions.c.prediction_id, predictions.c.model) == [("r1", ORIGIN["model"]), ("r2", "other")]
    assert drain.progress.rejected == 1
    assert f"an answer of other has no row: its id r1 is one of {ORIGIN['model']}'s" in caplog.text


def test_ids_that_differ_in_case_are_two(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(record("r1"))
    journal.append(record("R1"))
    Drain(engine, tmp_path / "j").run_once()

    assert count(engine) == 2


def test_excluded_columns_are_nowhere(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(record("r1", exclude=frozenset({"job"})))
    assert b"clerk" not in journals(tmp_path / "j")[0].read_bytes()
    Drain(engine, tmp_path / "j").run_once()

    assert rows(engine, predictions.c.inputs)[0].inputs == {"age": 30}


def test_what_is_no_number_is_null(engine, tmp_path):
    payload = record("r1").replace(b'"age":[30]', b'"age":[NaN]')
    Journal(tmp_path / "j").append(payload)
    Drain(engine, tmp_path / "j").run_once()

    assert rows(engine, predictions.c.inputs)[0].inputs["age"] is None


def test_a_record_that_the_database_refuses_does_not_hold_up_the_others(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(record("before"))
    journal.append(b'{"kind":"of no kind"}')
    journal.append(record("long", entities=["\x00" if engine.dialect.name == "postgresql" else "x" * 300]))
    journal.append(record("after"))
    drain = Drain(engine, tmp_path / "j")
    drain.run_once()

    ids = [row.prediction_id for row in rows(engine, predictions.c.prediction_id)]
    # SQLite does not mind lengths.
    assert ids == (["after", "before", "long"] if engine.dialect.name == "sqlite" else ["after", "before"])
    assert drain.progress.rejected == (1 if engine.dialect.name == "sqlite" else 2)


def test_journals_of_dead_processes_are_drained_and_removed(engine, tmp_path):
    for number in range(3):
        journal = Journal(tmp_path / "j")
        journal.append(record(f"r{number}"))
        journal.close()
    torn = journals(tmp_path / "j")[0]
    torn.write_bytes(torn.read_bytes() + b"SYJ1\x00\x00")
    drain = Drain(engine, tmp_path / "j")
    drain.run_once()

    assert count(engine) == 3
    assert journals(tmp_path / "j") == [] and count(engine, positions) == 0
    assert drain.progress.torn_bytes == 6


def test_labels_come_through_the_journal_once(engine, tmp_path):
    journal, payload = Journal(tmp_path / "j"), label_record("r1", "yes")
    journal.append(payload)
    journal.append(payload)
    Drain(engine, tmp_path / "j").run_once()

    assert [(row.prediction_id, row.value) for row in rows(engine, labels.c.prediction_id, labels.c.value)] == [("r1", "yes")]


def test_only_one_drain_works_on_a_folder(engine, tmp_path):
    Journal(tmp_path / "j").append(record("r1"))
    first, second = Drain(engine, tmp_path / "j"), Drain(engine, tmp_path / "j")
    first.run_once()
    Journal(tmp_path / "j").append(record("r2"))

    second.run_once()
    assert count(engine) == 1
    first.close()
    second.run_once()
    assert count(engine) == 2


def test_while_the_database_is_away_the_journal_grows_and_then_catches_up(tmp_path):
    away = tmp_path / "away"
    engine = connect(f"sqlite:///{away}/log.db")
    away.write_text("a file where the database's folder must be")
    journal, drain, stop = Journal(tmp_path / "j"), Drain(engine, tmp_path / "j"), threading.Event()
    seen = []
    worker = threading.Thread(target=drain.run, args=(stop, 0.01), kwargs={"report": lambda progress: seen.append(vars(progress).copy())})
    worker.start()
    for number in range(50):
        journal.append(record(f"r{number}"))
    while len(seen) < 3:
        time.sleep(0.01)
    assert seen[-1]["waiting_bytes"] > 0 and not seen[-1]["connected"] and seen[-1]["failures"] > 0
    with pytest.raises(FileExistsError):
        count(engine)

    away.unlink()
    deadline = time.monotonic() + 20
    while not (seen[-1]["connected"] and seen[-1]["waiting_bytes"] == 0) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    worker.join()
    assert count(engine) == 50 and drain.progress.waiting_bytes == 0


def test_killed_at_any_moment_every_record_is_there_once(tmp_path):
    url, folder = f"sqlite:///{tmp_path}/log.db", tmp_path / "j"
    context = multiprocessing.get_context("fork")

    def draining():
        Drain(connect(url), folder, batch=20).run(threading.Event(), interval=0.001)

    def writing(name, acknowledge):
        journal = Journal(folder, rotate_bytes=20_000)
        for number in range(10_000):
            journal.append(record(f"{name}-{number}"))
            os.write(acknowledge, b".")

    create_tables(connect(url))
    chance, expected = random.Random(0), set()
    for turn in range(4):
        reading, acknowledge = os.pipe()
        processes = [context.Process(target=draining), context.Process(target=writing, args=(f"w{turn}", acknowledge))]
        for process in processes:
            process.start()
        time.sleep(chance.uniform(0.1, 0.4))
        for process in processes:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        os.close(acknowledge)
        answered = len(os.read(reading, 100_000))
        os.close(reading)
        assert answered
        expected |= {f"w{turn}-{number}" for number in range(answered)}
    engine = connect(url)
    Drain(engine, folder).run_once()

    ids = [row.prediction_id for row in rows(engine, predictions.c.prediction_id)]
    assert len(ids) == len(set(ids)) and expected <= set(ids)
    # At most the one record of each writer that was written and not yet acknowledged.
    assert len(ids) - len(expected) <= 4
    assert journals(folder) == []


def test_settling_drains_where_nobody_does(engine, tmp_path):
    journal = Journal(tmp_path / "j")
    journal.append(record("r1", rows=3))

    assert settle(engine, tmp_path / "j", 10) == 0 and count(engine) == 3
    journal.append(record("r2"))
    Drain(engine, tmp_path / "j").run_once()  # the folder is free again
    assert count(engine) == 4


def test_settling_waits_for_the_drain_that_is_at_work(engine, tmp_path):
    journal, busy = Journal(tmp_path / "j"), Drain(engine, tmp_path / "j")
    busy.run_once()
    journal.append(record("r1"))
    late = threading.Timer(0.5, busy.run_once)
    late.start()

    assert settle(engine, tmp_path / "j", 0.1) > 0  # it says so when it could not wait longer
    assert settle(engine, tmp_path / "j", 20) == 0 and count(engine) == 1
    late.join()


def test_a_drain_that_runs_keeps_what_is_young_and_no_more(engine, tmp_path):
    journal, stop, drain = Journal(tmp_path / "j"), threading.Event(), Drain(engine, tmp_path / "j")
    journal.append(record("old"))
    journal.append(record("young", moment=time.time()))
    running = threading.Thread(target=drain.run, args=(stop, 0.05, partial(prune, model="loans", days=30)), daemon=True)
    running.start()
    try:
        deadline = time.monotonic() + 60
        while not drain.progress.records or [row.prediction_id for row in rows(engine, predictions.c.prediction_id)] != ["young"]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        running.join()


def test_after_a_failure_it_asks_by_a_new_connection(engine, tmp_path, monkeypatch):
    journal, drain, stop = Journal(tmp_path / "j"), Drain(engine, tmp_path / "j"), threading.Event()
    journal.append(record("first"))
    drain.run_once()
    kept = engine.pool
    attempts = iter((sqlalchemy.exc.OperationalError("select", {}, OSError("file is not a database")), None))
    once = drain.run_once

    def fails_first():
        if error := next(attempts, None):
            raise error
        stop.set()
        return once()

    monkeypatch.setattr(drain, "run_once", fails_first)
    drain.run(stop, 0.01)

    assert engine.pool is not kept and drain.progress.failures == 1
