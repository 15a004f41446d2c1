"""Labels, the window that monitoring reads, and retention."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from switchyard.predictionlog import Drain, Journal, Label, add_labels, log_batch, prune, read_window
from switchyard.predictionlog.database import labels, predictions
from tests.switchyard.predictionlog.cases import ORIGIN, record

START = 1_700_000_000.0
SINCE, UNTIL = datetime(2023, 11, 1), datetime(2023, 12, 1, tzinfo=UTC)


@pytest.fixture
def log(engine, tmp_path):
    """Put journal entries into the database."""
    journal, drain = Journal(tmp_path / "j"), Drain(engine, tmp_path / "j")

    def put(*records):
        for entry in records:
            journal.append(entry)
        drain.run_once()

    return put


def actuals(engine):
    pytest.importorskip("pandas")
    frames = list(read_window(engine, SINCE, UNTIL))
    return {row.prediction_id: row.actual for frame in frames for row in frame.itertuples()}


def counts(result):
    return result.matched, result.unmatched, result.duplicate, result.corrected


def test_labels_by_prediction_id(engine, log):
    log(record("r1"), record("r2", rows=2))

    first = add_labels(engine, [Label("yes", "r1"), Label("no", "r2/1"), Label("no", "nowhere")])
    again = add_labels(engine, [Label("yes", "r1"), Label("yes", "r2/1"), Label("no", "nowhere"), Label("no", "r2")])

    assert counts(first) == (2, 1, 0, 0)
    assert counts(again) == (1, 0, 2, 1)
    assert actuals(engine) == {"r1": "yes", "r2": "no", "r2/1": "yes"}
    with engine.connect() as connection:
        versions = connection.scalars(select(labels.c.value).where(labels.c.prediction_id == "r2/1").order_by(labels.c.id)).all()
    assert versions == ["no", "yes"]


def test_two_labels_for_one_prediction_in_one_go_the_later_holds(engine, log):
    log(record("r1"))

    assert counts(add_labels(engine, [Label("yes", "r1"), Label("no", "r1"), Label("no", "r1")])) == (1, 0, 1, 1)
    assert actuals(engine) == {"r1": "no"}


def test_a_label_by_entity_and_time_belongs_to_the_latest_prediction_before_it(engine, log):
    day = 86_400.0
    log(*(record(f"r{n}", entities=["a"], events=[START + n * day]) for n in range(3)), record("other", entities=["b"], events=[START]))
    start = datetime.fromtimestamp(START, UTC)

    result = add_labels(
        engine,
        [
            Label("yes", entity_id="a", event_time=start + timedelta(days=1)),
            Label("no", entity_id="a", event_time=start + timedelta(days=2, hours=20)),
            Label("no", entity_id="b", event_time=start - timedelta(seconds=1)),
            Label("no", entity_id="b", event_time=start + timedelta(days=5)),
        ],
    )

    assert counts(result) == (2, 2, 0, 0)
    assert actuals(engine) == {"r0": None, "r1": "yes", "r2": "no", "other": None}


def test_labels_that_come_before_their_predictions_take_hold_later(engine, log):
    start = datetime.fromtimestamp(START, UTC)
    given = [Label("yes", "r1"), Label("no", entity_id="a", event_time=start)]
    assert counts(add_labels(engine, given)) == (0, 2, 0, 0)
    assert counts(add_labels(engine, given)) == (0, 0, 2, 0)

    log(record("r1"), record("r2", entities=["a"], events=[START]), record("r3", entities=["a"], events=[START]))

    assert actuals(engine) == {"r1": "yes", "r2": "no", "r3": "no"}


def test_a_label_needs_something_to_belong_to():
    with pytest.raises(ValueError, match="needs a prediction id, or"):
        Label("yes", entity_id="a")


def test_the_window_comes_in_chunks_that_lose_and_repeat_nothing(engine, log):
    pytest.importorskip("pandas")
    # Many at one moment: the paging must not depend on times being different.
    log(*(record(f"r{n:03}", moment=START + n // 10) for n in range(95)))

    frames = list(read_window(engine, SINCE, UNTIL, model="loans", chunk=10))

    assert [len(frame) for frame in frames] == [10] * 9 + [5]
    assert [identity for frame in frames for identity in frame["prediction_id"]] == [f"r{n:03}" for n in range(95)]
    frame = frames[0]
    assert frame["input.age"].tolist() == [30] * 10 and frame["probability.yes"].tolist() == [0.75] * 10
    assert str(frame["time"].dt.tz) == "UTC" and frame["actual"].tolist() == [None] * 10


def test_the_window_ends_before_until_and_knows_models_and_roles(engine, log):
    pytest.importorskip("pandas")
    log(record("r1", moment=START), record("r2", moment=START + 1))
    start, end = (datetime.fromtimestamp(moment, UTC) for moment in (START, START + 1))

    (frame,) = read_window(engine, start, end)
    assert frame["prediction_id"].tolist() == ["r1"]
    assert list(read_window(engine, start, end, model="another")) == []
    assert list(read_window(engine, start, end, role="shadow")) == []


def test_retention_deletes_predictions_with_their_labels(engine, log):
    now = datetime(2023, 11, 15)
    log(*(record(f"old{n}", moment=START - 40 * 86_400) for n in range(3)), record("new", moment=START))
    add_labels(engine, [Label("yes", "old1"), Label("yes", "new"), Label("yes", "never")])

    assert prune(engine, "loans", days=30, until=now) == 3
    with engine.connect() as connection:
        assert connection.scalars(select(predictions.c.prediction_id)).all() == ["new"]
        # A label whose prediction has not come is as young as the day it was received.
        assert sorted(connection.scalars(select(labels.c.prediction_id))) == ["never", "new"]
    prune(engine, "loans", days=0, until=datetime(2100, 1, 1))
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(labels)) == 0


def test_retention_of_one_model_leaves_the_others_alone(engine, log):
    log(record("ours"), record("theirs", origin={**ORIGIN, "model": "income"}))
    add_labels(engine, [Label("yes", "ours"), Label("no", "theirs")])

    assert prune(engine, "loans", days=0) == 1
    assert actuals(engine) == {"theirs": "no"}


def test_a_label_for_an_event_that_was_scored_again_reaches_only_what_lacks_it(engine, log):
    event = {"entities": ["ann"], "events": [START]}
    log(record("r1", **event), record("r2", **event))
    assert counts(add_labels(engine, [Label("yes", "r1")])) == (1, 0, 0, 0)
    by_event = Label("yes", entity_id="ann", event_time=datetime.fromtimestamp(START, UTC))

    assert counts(add_labels(engine, [by_event])) == (1, 0, 0, 0)
    assert actuals(engine) == {"r1": "yes", "r2": "yes"}
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(labels)) == 2


def batch(engine, name, **changes):
    given = {
        "request_id": name, "first": 0, "moment": START, "origin": {"model": "loans", "version": "3", "digest": "sha256:0"},
        "inputs": {"age": [30]}, "answers": {"label": ["yes"]}, "entity_ids": ["ann"], "event_times": [START],
    }  # fmt: skip
    log_batch(engine, **{**given, **changes})


def test_a_label_of_an_event_reaches_the_request_and_the_table_that_were_scored_for_it(engine, log):
    """The request is an hour later than the table's row: neither is the other's latest prediction."""
    batch(engine, "batch-1")
    log(record("r1", entities=["ann"], events=[START + 3600]))
    moment = datetime.fromtimestamp(START + 7200, UTC)

    assert counts(add_labels(engine, [Label("no", entity_id="ann", event_time=moment)])) == (1, 0, 0, 0)
    assert held(engine) == {"batch-1": "no", "r1": "no"}
    assert counts(add_labels(engine, [Label("no", entity_id="ann", event_time=moment)])) == (0, 0, 1, 0)


@pytest.mark.parametrize("table_first", [False, True])
def test_what_is_scored_after_the_label_came_has_it_too_though_the_other_kind_took_it_first(engine, log, table_first):
    steps = [lambda: log(record("r1", entities=["ann"], events=[START])), lambda: batch(engine, "batch-1")]
    first, second = reversed(steps) if table_first else steps
    moment = datetime.fromtimestamp(START + 60, UTC)

    first()
    add_labels(engine, [Label("yes", entity_id="ann", event_time=moment), Label("no", entity_id="ann", event_time=moment)])
    second()
    second()

    assert held(engine) == {"batch-1": "no", "r1": "no"}
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(labels)) == 3


def test_a_later_request_of_the_same_kind_takes_no_label_from_the_one_that_has_it(engine, log):
    log(record("r1", entities=["ann"], events=[START]))
    add_labels(engine, [Label("yes", entity_id="ann", event_time=datetime.fromtimestamp(START + 7200, UTC))])
    log(record("r2", entities=["ann"], events=[START + 3600]))

    assert held(engine) == {"r1": "yes", "r2": None}


def held(engine):
    pytest.importorskip("pandas")
    frames = list(read_window(engine, SINCE, UNTIL, role=("live", "batch")))
    return {row.prediction_id: row.actual for frame in frames for row in frame.itertuples()}


def test_a_batch_is_logged_once_and_labelled_like_any_other(engine):
    given = {
        "request_id": "batch-1",
        "moment": START,
        "origin": {"model": "loans", "version": "3", "digest": "sha256:0"},
        "inputs": {"age": [30, None]},
        "answers": {"label": ["yes", "no"], "probabilities": [{"no": 0.25, "yes": 0.75}] * 2},
        "entity_ids": ["ann", None],
    }
    add_labels(engine, [Label("no", entity_id="ann", event_time=datetime.fromtimestamp(START, UTC))])
    for first in (0, 2, 0):
        assert log_batch(engine, first=first, **given) == 2
    with engine.connect() as connection:
        found = connection.execute(select(predictions).order_by(predictions.c.row)).all()
    assert [row.prediction_id for row in found] == ["batch-1", "batch-1/1", "batch-1/2", "batch-1/3"]
    assert {row.role for row in found} == {"batch"} and list(read_window(engine, SINCE, UNTIL)) == []
    pytest.importorskip("pandas")
    window = next(read_window(engine, SINCE, UNTIL, role="batch"))
    assert next(iter(window["actual"])) == "no" and window["input.age"].isna().tolist() == [False, True, False, True]
