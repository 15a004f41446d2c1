"""Large tables in the log: kept in blocks, read, labelled, counted and pruned as rows are."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from switchyard.predictionlog import (
    Label,
    add_labels,
    batch,
    count_labels,
    count_versions,
    newest_prediction,
    prune,
    read_window,
    span_of_last,
)
from switchyard.predictionlog import blocks as in_blocks
from switchyard.predictionlog.batch import TableLog
from switchyard.predictionlog.blocks import Block
from switchyard.predictionlog.database import blocks, labels, predictions

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

START = 1_700_000_000.0
SINCE, UNTIL = datetime(2023, 11, 1), datetime(2023, 12, 1, tzinfo=UTC)
ORIGIN = {"model": "loans", "version": "3", "digest": "sha256:0"}
ROWS, AT_ONCE = 70, 32


@pytest.fixture(params=["rows", "blocks"])
def kept(request, monkeypatch):
    """How tables are kept: a row for each prediction, or in blocks."""
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1 if request.param == "blocks" else 1_000_000)
    return request.param


def block(first, size, entities=True):
    numbers = range(first, first + size)
    yes = [number / ROWS for number in numbers]
    moments = [None if number % 7 == 0 else datetime(2023, 1, 1) + timedelta(hours=number) for number in numbers]
    columns = {
        "input.age": pa.array([None if number % 5 == 0 else number / 2 for number in numbers], pa.float64()),
        "input.job": pa.array([None if number % 6 == 0 else f"job {number % 3}" for number in numbers], pa.string()),
        "input.owner": pa.array([None if number % 4 == 0 else number % 2 == 0 for number in numbers], pa.bool_()),
        "input.since": pa.array(moments, pa.timestamp("us")),
        "probability.no": pa.array([1 - value for value in yes]),
        "probability.yes": pa.array(yes),
        "label": pa.array(["yes" if value >= 0.5 else "no" for value in yes]),
    }
    names = [None if number % 10 == 9 else f"c{number % 40}" for number in numbers] if entities else None
    events = [None if number % 8 == 0 else START - 60 * number for number in numbers] if entities else None
    return Block(first, columns, names, events)


def score(engine, name="batch-1", moment=START, rows=ROWS, at_once=AT_ONCE, entities=True):
    log = TableLog(engine, name, moment, ORIGIN, rows)
    for first in range(0, rows, at_once):
        log.add(block(first, min(at_once, rows - first), entities))


def window(engine, **options):
    frames = list(read_window(engine, SINCE, UNTIL, role="batch", **options))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"prediction_id": []})


def number_of(engine, table):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_a_block_is_read_as_the_rows_that_it_holds(engine, monkeypatch):
    score(engine, "batch-1")
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1)
    score(engine, "batch-2")

    assert number_of(engine, predictions) == ROWS and number_of(engine, blocks) == 3
    found = window(engine)
    rows, stored = (found[found["request_id"] == name].sort_values("row").reset_index(drop=True) for name in ("batch-1", "batch-2"))
    assert stored["prediction_id"].tolist()[:2] == ["batch-2", "batch-2/1"]
    told = ["prediction_id", "request_id"]
    pd.testing.assert_frame_equal(stored.drop(columns=told)[sorted(set(rows) - set(told))], rows[sorted(set(rows) - set(told))])
    mappings = [frame for frame in read_window(engine, SINCE, UNTIL, role="batch", spread=False)]
    both = pd.concat(mappings).set_index("prediction_id")
    assert both.loc["batch-1/33", "inputs"] == both.loc["batch-2/33", "inputs"]
    assert both.loc["batch-1/33", "probabilities"] == both.loc["batch-2/33", "probabilities"]


def test_a_table_is_in_the_log_once_however_its_rows_are_cut(engine, kept):
    score(engine, at_once=32)
    score(engine, at_once=32, moment=START + 60)
    score(engine, at_once=50, moment=START + 60)

    assert sorted(window(engine)["row"]) == list(range(ROWS))


def test_a_run_that_broke_off_is_gone_on_with_where_it_ended(engine, kept):
    log = TableLog(engine, "batch-1", START, ORIGIN, ROWS)
    log.add(block(0, 32))
    score(engine, at_once=32, moment=START + 60)

    found = window(engine)
    assert found["row"].tolist() == list(range(ROWS)) and found["time"].nunique() == 2


def test_a_table_of_which_an_earlier_release_kept_rows_gets_no_blocks_beside_them(engine, monkeypatch):
    score(engine)
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1)
    score(engine)

    assert number_of(engine, blocks) == 0 and len(window(engine)) == ROWS


def test_counts_and_spans_are_the_same(engine, kept):
    score(engine, "batch-1")
    score(engine, "batch-2", moment=START + 3600, rows=40)

    moment = datetime.fromtimestamp(START, UTC).replace(tzinfo=None)
    assert count_versions(engine, SINCE, UNTIL, "loans", "batch") == {("3", "sha256:0"): 110}
    assert newest_prediction(engine, "loans", "sha256:0", "batch") == moment + timedelta(hours=1)
    ends = [span_of_last(engine, rows, "loans", "sha256:0", "batch")[0] for rows in (1, 40, 41, 500)]
    assert ends == [moment + timedelta(hours=1)] * 2 + [moment] * 2
    assert newest_prediction(engine, "loans", None, "live") is None and span_of_last(engine, 5, "loans") is None


def test_the_span_of_the_last_rows_counts_rows_and_blocks_in_their_order(engine, monkeypatch):
    score(engine, "batch-1", rows=40)
    score(engine, "batch-3", moment=START + 7200, rows=30)
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1)
    score(engine, "batch-2", moment=START + 3600, rows=40)

    hours = [0, 1, 1, 2]
    found = [span_of_last(engine, rows, "loans", None, "batch")[0] for rows in (71, 70, 31, 30)]
    assert found == [datetime.fromtimestamp(START + 3600 * hour, UTC).replace(tzinfo=None) for hour in hours]
    assert window(engine)["request_id"].drop_duplicates().tolist() == ["batch-1", "batch-2", "batch-3"]


def test_a_share_of_a_window_is_spread_over_it_and_the_same_each_time(engine, kept):
    score(engine, rows=2_000, at_once=500, entities=False)

    found = window(engine, share=0.1)
    assert 180 <= len(found) <= 220 and found["row"].between(1_500, 2_000).sum() == pytest.approx(50, abs=5)
    assert found["row"].tolist() == window(engine, share=0.1)["row"].tolist()


def test_labels_by_prediction_id_find_their_rows(engine, kept):
    score(engine)
    given = [
        Label("yes", "batch-1"),
        Label("no", "batch-1/33"),
        Label("yes", "batch-1/70"),
        Label("yes", "batch-1/033"),
        Label("no", "x/1"),
    ]
    found = add_labels(engine, given)

    assert (found.matched, found.unmatched) == (2, 3)
    held = window(engine).set_index("prediction_id")["actual"].dropna()
    assert held.to_dict() == {"batch-1": "yes", "batch-1/33": "no"}
    add_labels(engine, [Label("no", "batch-1"), Label("no", "batch-1/33")])
    assert window(engine).set_index("prediction_id")["actual"].dropna().to_dict() == {"batch-1": "no", "batch-1/33": "no"}


def test_what_became_of_labels_is_counted_the_same(engine, kept):
    score(engine)
    add_labels(engine, [Label("yes", "batch-1"), Label("no", "batch-1/33"), Label("no", "batch-10/33")])
    add_labels(engine, [Label("no", "batch-1"), Label("no", "batch-1/33")])

    arrivals = count_labels(engine, SINCE, datetime.now(UTC) - timedelta(days=1), "loans", "sha256:0", "batch")
    assert (arrivals.labelled, arrivals.received, arrivals.corrected, arrivals.repeated, arrivals.late) == (2, 3, 1, 0, 2)


def test_labels_by_entity_and_time_find_their_rows_and_take_no_other(engine, kept):
    score(engine)
    moment = datetime.fromtimestamp(START - 60 * 45, UTC)
    found = add_labels(engine, [Label("yes", entity_id="c5", event_time=moment), Label("yes", entity_id="nobody", event_time=moment)])

    assert (found.matched, found.unmatched) == (1, 1)
    assert window(engine).set_index("prediction_id")["actual"].dropna().to_dict() == {"batch-1/45": "yes"}


def test_labels_that_came_first_take_hold_when_the_table_is_scored(engine, kept):
    moments = [datetime.fromtimestamp(START - 60 * number, UTC) for number in (5, 45)]
    add_labels(engine, [Label("no", entity_id="c5", event_time=moment) for moment in moments])
    score(engine)
    score(engine, "batch-2")

    assert window(engine).set_index("prediction_id")["actual"].dropna().to_dict() == {"batch-1/5": "no", "batch-1/45": "no"}


def test_retention_takes_the_old_with_their_labels_and_leaves_the_others(engine, kept):
    score(engine, "batch-1", moment=START - 40 * 86_400)
    score(engine, "batch-2")
    add_labels(engine, [Label("yes", "batch-1/3"), Label("yes", "batch-2/3"), Label("no", "batch-2/40")])

    assert prune(engine, "loans", days=30, until=datetime(2023, 11, 15)) == ROWS
    with engine.connect() as connection:
        assert sorted(connection.scalars(select(labels.c.prediction_id))) == ["batch-2/3", "batch-2/40"]
    assert prune(engine, "another", days=0, until=datetime(2100, 1, 1)) == 0
    assert window(engine)["actual"].notna().sum() == 2
    assert prune(engine, "loans", days=0, until=datetime(2100, 1, 1)) == ROWS
    assert number_of(engine, labels) == number_of(engine, blocks) == number_of(engine, predictions) == 0


def test_a_block_that_a_database_would_not_take_is_written_in_halves(engine, monkeypatch):
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1)
    monkeypatch.setattr(in_blocks, "_MOST_BYTES", 1_000)
    score(engine)

    assert number_of(engine, blocks) > 3 and window(engine)["row"].tolist() == list(range(ROWS))


def test_a_log_of_a_thousand_tables_is_counted_and_pruned(engine, monkeypatch):
    """A table an hour is a thousand in six weeks; a condition that names each is deeper than SQLite takes."""
    monkeypatch.setattr(batch, "BLOCKS_FROM", 1)
    score(engine, "table-0", rows=2)
    with engine.begin() as connection:
        first = dict(connection.execute(select(blocks)).one()._mapping)
        del first["id"]
        connection.execute(blocks.insert(), [{**first, "request_id": f"table-{number}"} for number in range(1, 1_100)])
    add_labels(engine, [Label("yes", "table-7/1"), Label("yes", "table-1099"), Label("no", "nobody's")])

    assert count_labels(engine, SINCE, UNTIL, "loans", role="batch").received == 2
    assert prune(engine, "another", days=0, until=datetime(2100, 1, 1)) == 0
    with engine.connect() as connection:
        assert sorted(connection.scalars(select(labels.c.prediction_id))) == ["table-1099", "table-7/1"]
