"""A window of recommendations against its reference: hits, what is new, what is too common, drift of items, and the decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle.requests import Request
from switchyard.monitoring.decide import decide
from switchyard.monitoring.expectations import validate_window
from switchyard.monitoring.log_window import window_of_log
from switchyard.monitoring.look import Look
from switchyard.monitoring.measuring import drift_of, performance_of
from switchyard.monitoring.recommending.reference import describe_recommender
from switchyard.monitoring.recommending.table_window import window_of_interactions
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.window import Window
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.fitting import evaluate_recipe, fit_to_all
from switchyard.tabular.recommendation.protocol import split_by_time
from switchyard.tabular.recommendation.recipe import tune
from switchyard.tabular.recommendation.settling import settle
from switchyard.tabular.tables.reading.source import RawTable
from tests.switchyard.monitoring.recommending.visits import START, visit
from tests.switchyard.tabular.recommendation.shops import shop
from tests.switchyard.tabular.recommendation.test_stages import problem

SETTINGS = Monitoring(min_rows=40, min_labels=40)


class Shop:
    """One trained recommender with its reference, and the users who came after its split."""

    def __init__(self) -> None:
        self.table = shop(240, 60, 10)
        self.log, self.problem, _ = settle(RawTable(self.table, "shop.csv", ""), None, problem(evaluation={"bootstrap": 100}))
        recipe = tune(self.log, ("item_knn",), 0.2, 60.0, 1, 0)
        twin, _ = evaluate_recipe(recipe, self.log, 0.2, "shop", "item", 20)
        self.bundle = fit_to_all(recipe, self.log, "shop", "item")[0]
        self.reference = describe_recommender(self.log, twin, self.bundle.digest, self.problem)
        self.twin = twin
        known, questions = split_by_time(self.log, 0.2)
        self.asked, self.ids = questions.part(questions.answerable), known.item_ids.astype(str)

    def visits(self, size: int, **changes) -> tuple[list[Request], list[str]]:
        """Requests of those users with their histories, and what they took next."""
        rows = np.arange(size) % len(self.asked)
        requests = [
            Request(user=str(self.asked.users[row]), history=tuple(self.ids[self.asked.history[row]].tolist()), **changes) for row in rows
        ]
        return requests, [str(self.ids[self.asked.truth[row][0]]) for row in rows]


@pytest.fixture(scope="module")
def trained():
    return Shop()


@pytest.fixture
def log(sqlite_log):
    return sqlite_log


def look(log, trained, **limits) -> Window:
    return window_of_log(log, "shop", "1", trained.reference.facts, Look(**limits), "7d", 10_000)


def act(log, trained):
    window, past = look(log, trained), trained.reference
    drift, performance = drift_of(window, past, SETTINGS), performance_of(window, past, SETTINGS)
    return decide(window.facts, validate_window(window, past, SETTINGS), drift, performance, SETTINGS), drift, performance


def twin_of(trained, requests):
    """As the twin answers, whom the holdout's users are asked of in the reference."""
    return [Request(history=one.history, k=one.k) for one in requests]


def test_a_reference_comes_back_as_it_was_written(trained, tmp_path):
    trained.reference.write(tmp_path)

    again = Reference.read(tmp_path)

    assert again.facts == trained.reference.facts and again.catalogue.ids == trained.reference.catalogue.ids
    assert again.catalogue.new_users == trained.reference.catalogue.new_users
    assert "u3" not in (tmp_path / "catalogue.json").read_text()
    assert again.moments is not None and str(again.moments.iloc[0].date()) >= "2025-01-01"


def test_hits_are_counted_among_the_labels_and_beside_the_holdout(log, trained):
    requests, taken = trained.visits(len(trained.asked))
    ids = visit(log, trained.twin, twin_of(trained, requests), taken)
    past = trained.reference
    # To the version everybody is known by now, to the twin as many as on the holdout.
    past = replace(past, answers=past.answers.assign(who="new"))
    window = window_of_log(log, "shop", "1", past.facts.model_copy(update={"digest": trained.twin.digest}), Look(), "7d", 10_000)

    found = performance_of(window, past, SETTINGS)

    assert len(ids) == found.used and found.basis == "measured" and found.metric == "hit_rate_at_10"
    assert found.score.value == pytest.approx(found.holdout.value) == past.facts.score.value
    assert 0 < found.measured.scores["mrr_at_10"].value < found.score.value < 1
    assert found.score.low < found.score.value < found.score.high
    assert found.html() and "What was shown, and what was new" in found.html()


def test_fewer_answers_are_held_against_as_few_of_the_holdout(log, trained):
    requests, taken = trained.visits(80, k=2)
    visit(log, trained.bundle, requests, taken)

    assert performance_of(look(log, trained), trained.reference, SETTINGS).holdout.value < trained.reference.facts.score.value


def test_a_healthy_window_leads_to_nothing(log, trained):
    requests, taken = trained.visits(200)
    visit(log, trained.bundle, requests, taken)
    decision, drift, performance = act(log, trained)

    quality = next(rule for rule in decision.rules if rule.name == "data_quality")
    assert quality.verdict == "nothing", quality.reason
    assert performance.shown.new_items.now == 0 and performance.shown.new_users.now == 0
    assert next(rule for rule in decision.rules if rule.name == "drift_share").verdict == "nothing"
    assert drift.html() and decision.html() and look(log, trained).html()


def test_labels_that_were_never_shown_lead_to_a_retraining(log, trained):
    requests, _ = trained.visits(200)
    other = [f"i{(int(one.user[1:]) + 1) % 2 * 30 + place % 30}" for place, one in enumerate(requests)]
    visit(log, trained.bundle, requests, other)

    decision, _, performance = act(log, trained)

    assert performance.score.value < 0.5 * performance.holdout.value
    assert decision.action == "retrain" and "hit_rate_at_10" in decision.reason


def test_new_items_and_new_users_are_counted_and_told(log, trained):
    requests, _ = trained.visits(200)
    fresh = [Request(user=f"new{place}", history=(*one.history, f"n{place % 7}", "n1")) for place, one in enumerate(requests)]
    visit(log, trained.bundle, fresh, ["n1"] * 150)

    decision, drift, performance = act(log, trained)

    shown = performance.shown
    assert shown.new_users.share == 1.0 and shown.new_labels.share == 1.0 and 0.1 < shown.new_items.share < 0.9
    assert performance.basis == "none" and "0 labels of items and users that the version knows are fewer than" in performance.reason
    findings = {part.column: part.findings[0] for part in drift.quality if part.findings}
    assert set(findings) >= {"items of the histories", "labels", "users"} and "n1" in findings["items of the histories"]
    assert "new" not in findings["users"].replace("are new since", "")
    assert decision.action == "alert" and "are new since training" in decision.reason


def test_requests_that_lost_their_histories_are_told_by_what_is_shown(log, trained):
    visit(log, trained.bundle, [Request() for _ in range(200)])

    decision, _, performance = act(log, trained)

    assert performance.shown.unnamed == 1.0 and performance.shown.coverage < 0.5 * performance.shown.coverage_before
    assert decision.action == "alert" and "do requests still bring their users and histories?" in decision.reason


def test_histories_that_end_with_other_items_drift(log, trained):
    visit(log, trained.bundle, [Request(history=("i1",)) for _ in range(300)])

    _, drift, _ = act(log, trained)

    assert drift.columns[0].unusual and drift.share == 1.0


def test_an_empty_window_is_no_fault(log, trained):
    visit(log, trained.bundle, trained.visits(3)[0])
    window = look(log, trained, since=START - timedelta(days=3), until=START - timedelta(days=2))

    assert window.facts.rows == 0 and performance_of(window, trained.reference, SETTINGS).basis == "none"
    assert not drift_of(window, trained.reference, SETTINGS).judged


def test_a_window_of_recommendations_comes_back_as_it_was_written(log, trained, tmp_path):
    requests, taken = trained.visits(80)
    visit(log, trained.bundle, requests, taken)
    window = look(log, trained)
    window.write(tmp_path)

    assert performance_of(Window.read(tmp_path), trained.reference, SETTINGS) == performance_of(window, trained.reference, SETTINGS)


SINCE = datetime(2027, 1, 1, tzinfo=UTC)


def later(trained, users: int, take: Callable[[str], list[str]]) -> pd.DataFrame:
    """The training's table, and behind it what its first users took a year later."""
    taken = [(f"u{user}", item, SINCE + timedelta(hours=user)) for user in range(users) for item in take(f"u{user}")]
    more = pd.DataFrame(taken, columns=["user", "item", "time"]).assign(time=lambda frame: frame["time"].dt.tz_localize(None))
    return pd.concat([trained.table, more], ignore_index=True)


def look_at(table, trained, most_rows: int = 10_000, **limits) -> Window:
    return window_of_interactions(table, trained.bundle, "shop", "1", trained.reference, Look(source="new.csv", **limits), most_rows)


def judged(window, trained):
    drift, performance = (measure(window, trained.reference, SETTINGS) for measure in (drift_of, performance_of))
    return decide(window.facts, validate_window(window, trained.reference, SETTINGS), drift, performance, SETTINGS), drift, performance


def of_its_kind(trained, user: str) -> list[str]:
    """An item that the user has not taken, of the half of the shop that is its own."""
    had = set(trained.table.loc[trained.table["user"] == user, "item"])
    own = [f"i{place + int(user[1:]) % 2 * 30}" for place in range(30)]
    return [item for item in own if item not in had][:1]


def test_a_table_is_asked_for_once_a_user_and_labelled_by_what_was_taken_next(trained, tmp_path):
    table = later(trained, 200, lambda user: of_its_kind(trained, user))
    window = look_at(table, trained, since=SINCE)

    decision, drift, performance = judged(window, trained)

    facts = window.facts
    assert (facts.rows, facts.labelled, facts.of_production, facts.timed) == (200, 200, False, True)
    assert len(window.answers["history"].iloc[0]) >= 9 and performance.used == 200
    assert 0.1 < performance.score.value < 1 and performance.shown.new_labels.now == 0
    assert drift.judged and drift.target is not None and decision.html()
    window.write(tmp_path)
    assert judged(Window.read(tmp_path), trained)[2] == performance


def test_what_a_version_has_learnt_from_is_no_label(trained):
    decision, drift, performance = judged(look_at(trained.table, trained), trained)

    assert performance.basis == "none" and performance.labelled == 0 and performance.shown.new_users.now == 0
    assert drift.share == 0.0 and decision.action == "nothing", decision.reason


def test_all_rows_of_a_table_tell_what_is_new_and_a_new_user_brings_half_of_its_own(trained):
    fresh = [(f"new{user}", item, "2027-02-01") for user in range(100) for item in ("i1", "i2", f"n{user % 7}", "n1")]
    table = pd.concat([trained.table, pd.DataFrame(fresh, columns=["user", "item", "time"])], ignore_index=True).astype({"time": str})
    window = look_at(table, trained, since=SINCE)

    decision, _, performance = judged(window, trained)

    assert window.answers["history"].iloc[0] == ["i1", "i2"] and window.answers["actual"].iloc[0] == "n0"
    shown = performance.shown
    assert shown.new_users.share == 1.0 and (shown.new_labels.now, shown.new_labels.of) == (200, 400)
    assert decision.action == "alert" and "are new since training" in decision.reason


def test_a_table_in_which_all_end_with_one_item_drifts(trained):
    _, drift, _ = judged(look_at(later(trained, 200, lambda user: ["i1"]), trained, since=SINCE), trained)

    assert drift.columns[0].unusual and drift.share == 1.0


def test_a_part_of_a_table_is_looked_at_by_rows_and_a_sample_of_its_users(trained):
    table = later(trained, 200, lambda user: of_its_kind(trained, user))

    assert look_at(table, trained, window="50").facts.rows == 50
    assert look_at(table, trained, 20, since=SINCE).facts.looked_at == 20


def test_a_table_without_its_columns_or_its_window_is_one_line(trained):
    undated = trained.table.drop(columns="time")
    with pytest.raises(InputError, match="new.csv has no time column to go by; use --window ROWS"):
        look_at(undated, trained, since=SINCE)
    with pytest.raises(InputError, match="new.csv has no rows in this window"):
        look_at(trained.table, trained, since=SINCE)
    with pytest.raises(InputError, match="new.csv has no column 'item'"):
        look_at(trained.table.rename(columns={"item": "what"}), trained)

    assert look_at(undated, trained).facts.labelled == 0
