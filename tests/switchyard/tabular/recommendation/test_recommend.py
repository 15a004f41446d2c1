"""A frame of interactions becomes a model that answers a history with the items that come next."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.bundle import BadInput
from switchyard.bundle.requests import Request
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from tests.switchyard.tabular.recommendation.shops import shop
from tests.switchyard.tabular.recommendation.test_attributes import ITEMS as DESCRIBED
from tests.switchyard.tabular.recommendation.test_segments import USERS

QUICK = {"trials": 2, "resamples": 50}
ITEMS = pd.DataFrame({"item": [f"i{number}" for number in range(40)], "title": [f"Thing {number}" for number in range(40)]})


@pytest.fixture(scope="module")
def fitted():
    return switchyard.recommend(shop(), items=ITEMS, users=USERS, **QUICK)


def test_people_get_what_those_took_who_took_the_same(fitted):
    early = fitted.recommend(history=["i1", "i2", "i3"], k=5)
    late = fitted.recommend(history=["i21", "i22", "i23"], k=5)

    assert all(int(item[1:]) < 20 for item in early.items) and all(int(item[1:]) >= 20 for item in late.items)
    assert early.titles[0] == f"Thing {early.items[0][1:]}"
    assert list(early.scores) == sorted(early.scores, reverse=True)


def test_it_is_better_than_popularity_on_users_that_it_has_not_seen(fitted):
    evaluation = fitted.evaluation
    alone = {one.name: one.measures["ndcg_at_10"].value for one in evaluation.standings}

    assert set(alone) == {"served", *RECOMMENDERS}
    assert evaluation.score.value > 1.5 * alone["popularity"] and 0 < evaluation.new_users < evaluation.users
    assert evaluation.score.low < evaluation.score.value < evaluation.score.high
    assert set(evaluation.groups) == {"warm", "new"}


def test_what_somebody_has_is_never_answered_nor_what_is_excluded(fitted):
    taken = shop().groupby("user")["item"].agg(set)["u4"]
    answer = fitted.recommend("u4", k=40, exclude=["i0", "i39"])

    assert not {*answer.items} & (taken | {"i0", "i39"})
    assert len(answer.items) == 40 - len(taken | {"i0", "i39"})
    with pytest.raises(BadInput, match="exclude' is 'i0'; it is a list of item ids"):
        fitted.recommend("u4", exclude="i0")


def test_a_known_user_is_answered_as_its_history_would_be(fitted):
    mine = shop().query("user == 'u7'")["item"].tolist()

    assert fitted.recommend("u7").items == fitted.recommend(history=mine).items
    assert fitted.recommend("u7", history=["i3"]).items == fitted.recommend(history=[*mine, "i3"]).items


def test_a_reason_is_an_item_of_the_history(fitted):
    answer = fitted.recommend(history=["i21", "i22"], k=3)

    assert set(answer.because) <= {"i21", "i22"} and not answer.notes


def test_an_item_that_is_unknown_is_left_aside_and_named(fitted):
    answer = fitted.recommend(history=["i1", "new"], k=3)

    assert answer.items == fitted.recommend(history=["i1"], k=3).items
    assert answer.notes == ("history: 'new' is no item that the model knows, and left aside; it may be newer than the model",)


@pytest.mark.parametrize("asked", [{"user": "nobody"}, {}, {"history": ["new"]}])
def test_who_has_no_history_gets_what_is_popular(fitted, asked):
    answer = fitted.recommend(**asked, k=3)

    assert len(answer.items) == 3 and set(answer.because) == {""}
    assert "the answer is what is popular" in answer.notes[-1] and all("\n" not in note for note in answer.notes)


def test_requests_are_answered_alike_alone_and_together(fitted):
    requests = [
        Request(history=("i1",), k=3),
        Request("u7", k=5),
        Request(),
        Request(history=tuple(f"i{n}" for n in range(15)), exclude=("i30",)),
    ]

    together = fitted.scorer.recommend(requests)

    for request, answer in zip(requests, together):
        alone = fitted.scorer.recommend([request])[0]
        assert answer.items == alone.items and answer.notes == alone.notes and len(answer.items) == request.k


def test_reasons_are_of_the_latest_items_whatever_stands_beside_the_request(monkeypatch):
    monkeypatch.setattr("switchyard.tabular.recommendation.graph.REASONS_FROM", 3)
    found = switchyard.recommend(shop(60, 20, 8), families=["item_knn"], trials=1, resamples=10)
    long = Request(history=tuple(f"i{number}" for number in range(20, 4, -1)))

    together = found.scorer.recommend([Request("u7"), Request("u8"), long])

    assert [one.because for one in together[:2]] == [found.scorer.recommend([Request(user)])[0].because for user in ("u7", "u8")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"k": 0}, "k' is 0; it is a whole number from 1 to 1,000"),
        ({"history": "i1"}, "history' is 'i1'; it is a list of item ids, oldest first"),
        ({"history": [None]}, "history' holds None, which is no id"),
        ({"histroy": ["i1"]}, "histroy' is not a field of a request; there are user, history, exclude, k"),
    ],
)
def test_a_request_that_is_none_is_refused_in_one_line(fields, words):
    with pytest.raises(BadInput, match=words) as raised:
        Request.of(fields)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.assign(user="u1"), "has 1 user in 'user'"),
        (lambda frame: frame.assign(item="i1"), "has 1 item in 'item'"),
        (
            lambda frame: frame.assign(rating="good"),
            "weight column 'rating' holds categorical values such as 'good'; weights and ratings are numbers",
        ),
        (lambda frame: frame.assign(rating=[-1.0, *[1.0] * (len(frame) - 1)]), "weight column 'rating' is -1 in row 1 (1 row below zero)"),
        (
            lambda frame: frame.rename(columns={"item": "x"}),
            "has no column that is plainly the item; name it: data.item (there are user, x, time)",
        ),
        (lambda frame: frame.assign(time="soon"), "time column 'time' holds no moments"),
        (lambda frame: frame.assign(time=pd.Timestamp("2025-01-01")), "can't be split in time"),
        (lambda frame: frame.assign(rating=0), "weight column 'rating' is zero in every row, so that none counts"),
        (
            lambda frame: frame.assign(rating=np.nan),
            "has no row with a value in each column that is used: 'rating' has none in 1,440 rows; name another column, or leave it out",
        ),
        (lambda frame: frame.head(5), "has 5 rows that can be used; give 20 at least"),
        (lambda frame: frame.head(0), "with rows is needed, not an empty one"),
    ],
)
def test_a_table_that_teaches_nothing_is_refused_in_one_line(change, words):
    with pytest.raises(InputError) as raised:
        switchyard.recommend(change(shop()), **QUICK)

    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_a_table_of_other_items_is_refused():
    with pytest.raises(InputError, match="the item table has none of the items that were taken: 'item' holds other ids such as 'x1', not"):
        switchyard.recommend(shop(), items=pd.DataFrame({"item": ["x1"], "title": ["A thing"]}), **QUICK)


def test_equal_seeds_make_equal_graphs_and_numbers_are_ids_like_text():
    frame = shop(60, 20, 8)
    frame["item"] = frame["item"].str[1:].astype(int)
    first, second = (switchyard.recommend(frame, trials=1, resamples=10, seed=3) for _ in range(2))

    assert first.bundle.digest == second.bundle.digest
    assert first.recommend(history=[1, 2.0], k=2) == first.recommend(history=["1", "2"], k=2)


@pytest.mark.parametrize("family", list(RECOMMENDERS))
def test_each_family_alone_is_served_as_it_was_scored(family):
    found = switchyard.recommend(shop(60, 20, 8), items=DESCRIBED, users=USERS, families=[family], trials=2, resamples=10)

    assert found.parity.largest_difference < 1e-4 and family in {one.family for one in found.recipe.candidates if one.weight}


def test_unknown_families_and_columns_are_named():
    with pytest.raises(InputError, match="there is no recommender 'easy'; did you mean 'ease'"):
        switchyard.recommend(shop(), families=["easy"])
    with pytest.raises(InputError, match="data.user: 'usr' is not a column of the frame; did you mean 'user'"):
        switchyard.recommend(shop(), user="usr")


@pytest.fixture(scope="module")
def alone():
    """Item-kNN, of a table with a gap."""
    frame = shop()
    frame.loc[3, "item"] = None
    return switchyard.recommend(frame, families=["item_knn"], trials=1, resamples=10)


def test_rows_without_a_value_are_left_out_and_said(alone):
    assert "1 row without a value of 'item' left out (first: row 4)" in alone.notes


def test_baselines_stand_beside_a_family_and_popularity_decides_where_it_says_nothing(alone):
    frame = shop().drop(index=3)
    takers = frame.groupby("item")["user"].nunique()

    assert {one.name for one in alone.evaluation.standings} == {"served", "item_knn", "popularity"}
    assert alone.recipe.family == "item_knn"
    found = takers[list(alone.recommend("nobody", k=10).items)].tolist()
    assert found == sorted(takers, reverse=True)[:10]


def test_the_report_says_what_the_scores_are_of(fitted):
    page = fitted.evaluation.html()

    assert "Item-kNN" in page and "all 40 items ranked" in page and np.isfinite(list(fitted.evaluation.scores().values())).all()
