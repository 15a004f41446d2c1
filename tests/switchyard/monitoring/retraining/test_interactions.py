"""What a recommender is trained on again: the interactions of its source, and what users took since by the labels of the log."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from switchyard.bundle.requests import Request
from switchyard.monitoring.retraining.interactions import Taken, taken_since, with_labels
from switchyard.monitoring.retraining.labelled import count_labelled
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.comparing import compare_recommenders
from switchyard.tabular.recommendation.fitting import evaluate_recipe
from switchyard.tabular.recommendation.recipe import tune
from switchyard.tabular.recommendation.settling import settle
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.reading.staged import to_staged
from tests.switchyard.monitoring.recommending.visits import START, visit
from tests.switchyard.tabular.recommendation.shops import shop
from tests.switchyard.tabular.recommendation.test_stages import problem, raw


@pytest.fixture
def log(sqlite_log):
    return sqlite_log


@pytest.fixture(scope="module")
def trained():
    found, settled, _ = settle(raw(shop(60, 20, 8)), None, problem(evaluation={"bootstrap": 20}))
    recipe = tune(found, ("item_knn",), 0.2, 60.0, 1, 0)
    return found, settled, recipe, evaluate_recipe(recipe, found, 0.2, "shop", "item", 20)[0]


def moment(minute=0):
    return START.replace(tzinfo=None) + timedelta(minutes=minute)


def test_labels_of_known_users_become_interactions_of_the_moment_they_were_asked(log, trained):
    visit(
        log, trained[3], [Request(user="u1"), Request(user="u2"), Request(history=("i1",)), Request(user="u9")], ["i3", "new", "i4", None]
    )
    visit(log, trained[3], [Request(user="u1")], ["i3"], minute=9)

    found = taken_since(log, "shop")

    assert found.rows[["user", "item"]].to_numpy().tolist() == [["u1", "i3"], ["u2", "new"]] and found.nameless == 1
    assert pd.Timestamp(found.rows["day"][0], unit="D").round("s") == moment()
    assert count_labelled(log, "shop", moment(-1)) == 4


def test_old_and_new_interactions_are_trained_on_as_one_table(log, trained, tmp_path):
    found, settled, _, twin = trained
    visit(log, twin, [Request(user="u1"), Request(user="fresh")], ["i3", "new"])

    rows = with_labels(found, taken_since(log, "shop"), settled, "shop.csv", None)
    (tmp_path / "rows.parquet").write_bytes(to_staged(rows.frame, rows.label))
    again, _, _ = settle(read_source(settled.data.model_copy(update={"source": f"log:{tmp_path}/rows.parquet"})), None, rows.problem)

    assert (rows.old, rows.new) == (len(found), 2) and rows.label == "shop.csv and 2 labelled predictions until 2026-03-01"
    assert len(again) == len(found) + 2 and again.dated
    assert again.user_ids[again.users[-1]] == "fresh" and again.item_ids[again.items[-1]] == "new"
    assert np.allclose(again.times[:-2], found.times, atol=1e-5)


def test_what_the_source_has_by_now_is_not_learnt_twice(trained):
    found, settled, _, _ = trained
    last = pd.DataFrame(
        {"user": [found.user_ids[found.users[-1]]], "item": [found.item_ids[found.items[-1]]], "day": [found.times[-1] + 0.5]}
    )

    assert with_labels(found, Taken(last), settled, "shop.csv", None).new == 0
    assert with_labels(found, Taken(last.assign(day=found.times[-1] + 3)), settled, "shop.csv", None).new == 1


def test_a_window_keeps_the_last_days_and_needs_dates(trained):
    found, settled, _, _ = trained
    none = Taken(pd.DataFrame({"user": [], "item": [], "day": []}))

    rows = with_labels(found, none, settled, "shop.csv", 100.0)

    assert rows.old == int((found.times >= found.times[-1] - 100).sum()) and "of the last 100 days" in rows.label
    undated = settle(raw(shop(60, 20, 8).drop(columns="time")), None, problem())
    with pytest.raises(InputError, match="retraining.window_days needs the rows' dates"):
        with_labels(undated[0], none, undated[1], "shop.csv", 100.0)
    counted = settle(RawTable(shop(60, 20, 8).assign(time=np.arange(480)), "shop.csv", ""), None, problem())
    with pytest.raises(InputError, match="time column 'time' holds numbers, and the prediction log keeps moments"):
        with_labels(counted[0], none, counted[1], "shop.csv", None)


def test_new_rows_of_a_weighted_table_weigh_as_the_old_ones_do(log, trained):
    found, settled, _ = settle(raw(shop(60, 20, 8).assign(rating=np.tile([2.0, 3.0, 5.0], 160))), None, problem())
    visit(log, trained[3], [Request(user="fresh")], ["i3"])

    rows = with_labels(found, taken_since(log, "shop"), settled, "shop.csv", None)

    assert rows.frame["rating"].iloc[-1] == 3.0 and "the median 'rating'" in rows.notes[0]


def test_a_successor_is_compared_with_the_champion_for_the_same_users_on_what_came_later(log, trained):
    found, settled, recipe, twin = trained
    asked = [Request(user=f"u{place % 60}") for place in range(200)]
    visit(log, twin, asked, [f"i{(place * 7) % 10 + 10 * (place % 60 % 2)}" for place in range(200)])
    rows = with_labels(found, taken_since(log, "shop"), settled, "shop.csv", None)
    grown, again, _ = settle(RawTable(rows.frame, rows.label, ""), None, rows.problem)
    successor = evaluate_recipe(recipe, grown, 0.2, "shop", "item", 20)[0]

    found = compare_recommenders(successor, twin, grown, 0.2, 0, again.evaluation, champion_version="1")

    assert found.champion is not None and found.improvement is not None and found.note == ""
