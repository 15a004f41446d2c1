"""A window of the log: which rows, whose labels hold, and exact counts of both."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import create_engine

from switchyard.monitoring.decide import window_key
from switchyard.monitoring.log_window import window_of_log
from switchyard.monitoring.look import Look, in_utc, span_of
from switchyard.monitoring.table_window import read_table, window_of_table
from switchyard.monitoring.window import Window
from switchyard.predictionlog import VERIFICATION
from switchyard.tabular.config.problem import Data
from switchyard.tabular.errors import InputError
from tests.switchyard.monitoring.people import START, fill, label, people, scorer

WINDOW = timedelta(seconds=1000)


def read(log, reference, most=50_000, enough=1, **look):
    return window_of_log(log, "small", "1", reference.facts, Look(**look), "7d", most, enough=enough)


def test_labels_late_repeated_and_contradicting_are_counted_exactly_and_the_last_holds(log, reference):
    """A thousand predictions; 30 % have a label, which comes two windows later; some come twice, some are corrected."""
    frame = people(1000, 3)
    ids = fill(log, frame)
    rng = np.random.default_rng(5)
    chosen = np.sort(rng.choice(1000, 300, replace=False))
    truth = frame.y.to_numpy()
    other = np.where(truth == "yes", "no", "yes")
    late = START + 3 * WINDOW
    label(log, [ids[i] for i in chosen[:40]], other[chosen[:40]], late - timedelta(seconds=1), "wrong")  # corrected below
    label(log, [ids[i] for i in chosen], truth[chosen], late)
    label(log, [ids[i] for i in chosen[-25:]], truth[chosen[-25:]], late + timedelta(seconds=1), "again")

    found = read(log, reference, since=START, until=START + WINDOW)
    facts = found.facts

    assert (facts.rows, facts.labelled, facts.late) == (1000, 300, 300)
    assert (facts.received, facts.corrected, facts.repeated) == (365, 40, 25)
    held = found.answers["actual"].to_numpy()
    assert [held[i] for i in chosen] == list(truth[chosen])
    assert found.answers["actual"].notna().sum() == 300


def test_a_label_within_the_window_is_not_late(log, reference):
    ids = fill(log, people(10, 1))
    label(log, ids[:2], ["yes", "no"], START + timedelta(seconds=20))

    assert read(log, reference, since=START, until=START + timedelta(hours=1)).facts.late == 0


def test_other_versions_and_copies_are_left_out_and_counted(log, reference):
    fill(log, people(50, 1))
    fill(log, people(20, 2), version="2", digest="sha256:other")
    fill(log, people(30, 3), version="3", role="shadow")
    fill(log, people(40, 4), role="batch")

    found = read(log, reference, since=START, until=START + WINDOW)

    assert (found.facts.rows, found.facts.others, found.facts.batch) == (50, {"2": 20}, 40)
    assert "predictions of whole tables, left out" in found.html()


def test_scored_tables_are_a_window_like_requests_with_their_own_labels(log, reference):
    frame = people(40, 4)
    scored = fill(log, frame, role="batch")
    label(log, scored[:30], frame.y[:30], START + timedelta(hours=1))

    by_itself = read(log, reference)
    label(log, fill(log, people(50, 1))[:7], ["yes"] * 7, START)
    asked = read(log, reference, window="20", of="tables")

    assert (by_itself.facts.of, by_itself.facts.rows, by_itself.facts.labelled) == ("tables", 40, 30)
    assert list(by_itself.answers["actual"][:30]) == list(frame.y[:30]) and by_itself.facts.source == "prediction log, scored tables"
    assert (asked.facts.of, asked.facts.rows, asked.facts.batch) == ("tables", 20, 0)
    assert (read(log, reference).facts.of, read(log, reference).facts.labelled) == ("requests", 7)
    whole = read(log, reference, since=START, until=START + WINDOW, of="tables")
    assert whole.facts.requests == 50 and "predictions of requests, left out" in whole.html()
    with pytest.raises(ValueError, match="give one"):
        Look(of="tables", source="people.csv")


@pytest.mark.parametrize(("requests", "enough", "looked_at"), [(3, 100, "tables"), (100, 100, "requests"), (60, 100, "requests")])
def test_a_few_trial_requests_do_not_hide_the_tables(log, reference, requests, enough, looked_at):
    fill(log, people(requests, 1))
    fill(log, people(50, 2), role="batch")

    assert read(log, reference, enough=enough).facts.of == looked_at


def test_a_table_scored_with_another_version_says_what_to_do(log, reference):
    fill(log, people(5, 1), role="batch", digest="sha256:other")
    with pytest.raises(InputError, match="score a table \\(--pipeline inference\\)"):
        read(log, reference)


def test_what_a_deployment_asked_to_prove_a_version_is_no_prediction(log, reference):
    ids = fill(log, people(50, 1))
    later = START + timedelta(hours=1)
    label(log, fill(log, people(18, 2), begin=later, prefix=VERIFICATION), ["yes"] * 18, later)
    label(log, ids[:5], ["yes"] * 5, later)

    whole, last = read(log, reference, since=START, until=later + WINDOW), read(log, reference, window="30")

    assert (whole.facts.rows, whole.facts.looked_at, whole.facts.labelled) == (50, 50, 5)
    assert last.facts.rows == 30 and last.facts.until < in_utc(later)


def test_the_last_rows_and_the_last_time_end_with_the_newest_prediction(log, reference):
    fill(log, people(100, 1))

    rows, time = read(log, reference, window="30"), read(log, reference, window="1m")

    assert rows.facts.rows == 30 and time.facts.rows == 60
    assert rows.facts.until == time.facts.until == (START + timedelta(seconds=99, microseconds=1)).replace(tzinfo=UTC)
    assert window_key(rows.facts) == window_key(read(log, reference, window="30").facts)
    assert window_key(rows.facts) != window_key(time.facts)


def test_a_large_window_is_sampled_evenly_and_the_same_each_time(log, reference):
    fill(log, people(6000, 1))

    first, again = (read(log, reference, most=1500, since=START, until=START + timedelta(hours=2)) for _ in range(2))

    assert first.facts.rows == 6000
    assert 1350 < first.facts.looked_at < 1650
    assert first.rows.equals(again.rows)


def test_an_empty_window_and_an_empty_log(log, reference):
    with pytest.raises(InputError, match="no prediction of the version"):
        read(log, reference)
    fill(log, people(5, 1))

    assert read(log, reference, since=datetime(2020, 1, 1), until=datetime(2020, 1, 2)).facts.rows == 0


def test_a_window_comes_back_as_it_was_written(log, reference, tmp_path):
    ids = fill(log, people(20, 1))
    label(log, ids[:3], ["yes", "no", "maybe"], START + timedelta(seconds=50))
    found = read(log, reference, window="20")
    found.write(tmp_path)
    back = Window.read(tmp_path)

    assert back.facts == found.facts and back.rows.equals(found.rows) and back.answers.equals(found.answers)
    assert found.facts.unreadable == 1
    assert "Counts" in found.html()


def test_a_table_is_scored_with_the_bundle_and_its_target_is_the_labels(reference):
    frame = people(300, 4)
    found = window_of_table(frame, scorer(), "small", "1", reference.facts, Look(window="100", source="people.csv"), 50_000)

    expected = scorer().score({name: frame[name].to_numpy()[200:] for name in ("income", "noise", "job")}).probabilities[:, 1]
    assert found.facts.rows == found.facts.labelled == 100
    assert np.allclose(found.answers["probability.yes"], expected)
    assert list(found.answers["actual"]) == list(frame.y[200:])
    with pytest.raises(InputError, match="no time column"):
        window_of_table(frame, scorer(), "small", "1", reference.facts, Look(window="7d", source="people.csv"), 50_000)


def test_a_file_is_read_though_the_training_asked_a_database(tmp_path):
    people(20, 1).to_csv(tmp_path / "people.csv", index=False)
    engine = create_engine(f"sqlite:///{tmp_path}/people.db")
    people(30, 1).to_sql("people", engine, index=False)
    training = Data(source="sqlite:///elsewhere.db", query="SELECT * FROM people", target="y")

    assert len(read_table(str(tmp_path / "people.csv"), training).frame) == 20
    assert len(read_table(f"sqlite:///{tmp_path}/people.db", training).frame) == 30


@pytest.mark.parametrize(("window", "meant"), [("30m", timedelta(minutes=30)), ("2w", timedelta(weeks=2)), ("2000", 2000)])
def test_a_window_is_a_time_or_a_number_of_rows(window, meant):
    assert span_of(window) == meant


@pytest.mark.parametrize("window", ["", "0d", "7y", "99999999w", "9" * 5000])
def test_what_is_no_window_is_refused_in_one_line(window):
    with pytest.raises(InputError, match="is no window"):
        span_of(window)
