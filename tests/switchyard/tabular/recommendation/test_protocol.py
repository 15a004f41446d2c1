"""What was before a moment teaches, who came after it is asked for, and answers are counted as the field counts them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.histories import LONGEST, Histories
from switchyard.tabular.recommendation.interactions import read_interactions
from switchyard.tabular.recommendation.measures import coverage, novelty, per_user
from switchyard.tabular.recommendation.protocol import split_by_time
from switchyard.tabular.recommendation.roles import Roles, ids_in, roles_of, title_in
from tests.switchyard.tabular.recommendation.shops import shop

ROWS = [
    *(("a", "x", 1), ("a", "y", 2), ("b", "x", 3), ("b", "z", 4), ("c", "y", 5), ("c", "w", 6)),
    # After the split: a knows x and y, and takes z, a new thing and x again; d is new.
    *(("a", "z", 7), ("a", "new", 8), ("a", "x", 9), ("d", "y", 10), ("d", "x", 11), ("d", "z", 12), ("d", "w", 13)),
]


def log_of(rows):
    # Twice the same pairs, so that there are rows enough.
    frame = pd.DataFrame([*rows[:6], *rows], columns=["user", "item", "time"]).sort_values("time", kind="stable")
    return read_interactions(frame, Roles("user", "item", "time"), "the table")[0]


@pytest.fixture
def split(monkeypatch):
    monkeypatch.setattr("switchyard.tabular.recommendation.interactions.FEWEST_ROWS", 10)
    return split_by_time(log_of(ROWS), 7 / 19)


def named(known, places):
    return known.item_ids[places].tolist()


def test_nothing_of_after_the_moment_teaches(split):
    known, _ = split

    assert known.times.max() == 6 and set(known.user_ids) == {"a", "b", "c"} and "new" not in known.item_ids


def test_who_was_there_before_is_asked_for_with_what_it_had(split):
    known, questions = split
    place = questions.users.tolist().index("a")

    assert questions.warm[place] and named(known, questions.history[place]) == ["x", "y"]
    assert named(known, questions.truth[place]) == ["z"] and questions.unknown[place] == 1


def test_who_is_new_is_asked_for_with_the_first_half_of_what_it_took(split):
    known, questions = split
    place = questions.users.tolist().index("d")

    assert not questions.warm[place] and named(known, questions.history[place]) == ["y", "x"]
    assert named(known, questions.truth[place]) == ["z", "w"]


def test_measures_are_those_of_the_field():
    rng = np.random.default_rng(0)
    scores, relevant = rng.random((30, 50)), rng.random((30, 50)) < 0.1
    relevant[:, 0] = True
    truth = Histories.of([np.flatnonzero(row) for row in relevant])
    top = np.argsort(-scores, axis=1)[:, :10]

    found = per_user(top, truth)

    assert found["ndcg_at_10"].mean() == pytest.approx(ndcg_score(relevant, scores, k=10))
    first = [next((1 / (rank + 1) for rank, item in enumerate(row) if item in truth[user]), 0) for user, row in enumerate(top)]
    assert found["mrr_at_10"] == pytest.approx(first)
    assert per_user(truth[0][None, :10], truth.part(np.array([0])))["map_at_10"] == pytest.approx([1.0])


def test_coverage_and_novelty_count_what_is_answered():
    top = np.array([[0, 1], [0, -1]])

    assert coverage(top, 4) == 0.5
    assert novelty(top, np.array([8, 1, 0, 0]), 8) == pytest.approx(1.0)


def test_a_history_is_what_was_taken_last_without_repeats():
    lists = Histories.of([[3, 1, 3, 2], []])

    assert lists[0].tolist() == [1, 3, 2] and not len(lists[1])
    assert lists.weighted(1.0, 4).toarray().tolist() == [[0, 0.25, 1, 0.5], [0, 0, 0, 0]]
    assert Histories.of([np.arange(LONGEST + 5)]).weighted(None, LONGEST + 5).sum() == LONGEST


def test_a_folded_in_user_is_what_implicit_would_make_of_it():
    from implicit.cpu.als import AlternatingLeastSquares

    frame = shop()
    log, _ = read_interactions(frame, Roles("user", "item", "time"), "the table")
    params = {**RECOMMENDERS["als"].defaults[0], "factors": 8, "confidence": 5.0}
    form = RECOMMENDERS["als"].fit(log, params, 0)
    history = Histories.of([[1, 5, 9], [30]])
    model = AlternatingLeastSquares(factors=8, regularization=1.0, iterations=10, random_state=0)
    matrix = Histories.of([log.pairs.items[log.pairs.users == user] for user in range(log.n_users)]).weighted(None, log.n_items) * 6
    model.fit(matrix, show_progress=False)
    wanted = model.recalculate_user(np.arange(2), history.weighted(None, log.n_items) * 6) @ model.item_factors.T

    assert np.abs(form.score(history) - wanted).max() < 2e-3


def test_columns_are_found_by_plain_names():
    roles, notes = roles_of(["CustomerID", "StockCode", "Quantity", "InvoiceDate"], "orders")

    assert roles == Roles("CustomerID", "StockCode", "InvoiceDate", "Quantity") and len(notes) == 4
    assert ids_in(["StockCode", "Description"], "items", "item", "item") == "StockCode"
    assert title_in(["StockCode", "Description"], "items", "StockCode") == "Description"
    with pytest.raises(InputError, match="has two roles"):
        roles_of(["user", "item"], "t", user="user", item="item", weight="item")
