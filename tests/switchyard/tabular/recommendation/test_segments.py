"""What a user table says of the users: checked, learnt from by segment, kept in the bundle, and told by requests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.bundle import BadInput
from switchyard.bundle.requests import Request
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.families import RECOMMENDERS
from switchyard.tabular.recommendation.fitting import interactions_in
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.recipe import tune
from tests.switchyard.tabular.recommendation.shops import shop

# Users of even numbers take items of the first half; u60 has taken nothing.
USERS = pd.DataFrame(
    {
        "user": [f"u{number}" for number in range(61)],
        "kind": ["early bird" if number % 2 == 0 else "owl" for number in range(61)],
        "age": np.linspace(20, 80, 61),
        "since": pd.date_range("2020-01-01", periods=61).astype(str),
    }
)
PARAMS = {"fade": None, "shrink": 20.0, "sharpness": 1.0}


@pytest.fixture(scope="module")
def fitted():
    return switchyard.recommend(shop(60, 20, 8), users=USERS, families=["segments", "popularity"], trials=1, resamples=20)


@pytest.fixture(scope="module")
def log():
    return interactions_in(shop(60, 20, 8), None, USERS)[0]


def early(answer):
    return sum(int(item[1:]) < 10 for item in answer.items)


def test_who_has_no_history_gets_what_its_segment_takes(fitted):
    birds, owls = (fitted.recommend(attributes={"kind": kind}, k=5) for kind in ("early bird", "owl"))

    assert early(birds) >= 4 and early(owls) <= 1
    assert birds.notes == ("there is no history that the model knows: the answer is what is popular among users described alike",)
    assert fitted.parity.largest_difference < 1e-4


def test_segments_are_better_than_popularity_alone(fitted):
    alone = {one.name: one.measures["ndcg_at_10"].value for one in fitted.evaluation.standings}

    assert alone["segments"] > 1.3 * alone["popularity"]


def test_attributes_of_a_known_user_come_from_the_bundle_and_a_request_says_otherwise(fitted):
    mine = shop(60, 20, 8).query("user == 'u7'")["item"].tolist()
    hers = dict(USERS.iloc[7, 1:])
    stored = fitted.recommend("u7")

    assert stored.items == fitted.recommend(history=mine, attributes=hers).items
    assert early(fitted.recommend("u7", k=5)) < early(fitted.recommend("u7", k=5, attributes={"kind": "early bird"}))


def test_a_user_who_has_taken_nothing_yet_is_known_by_the_table(fitted):
    assert early(fitted.recommend("u60", k=5)) >= 4 and early(fitted.recommend("nobody", k=5)) < 4
    assert fitted.recommend("u60").items == fitted.recommend(attributes=dict(USERS.iloc[60, 1:])).items


def test_requests_with_attributes_are_answered_alike_alone_and_together(fitted):
    requests = [Request("u7"), Request(attributes={"kind": "owl"}), Request(history=("i1",)), Request("u8", attributes={"age": 33})]

    assert fitted.scorer.recommend(requests) == [fitted.scorer.recommend([one])[0] for one in requests]


def test_attributes_that_say_nothing_are_named_and_left_aside(fitted):
    answer = fitted.recommend("u7", attributes={"knid": "owl", "age": "old", "since": "2020-01-05"})

    assert "attributes: 'age': 'old' is not a number, and left aside" in answer.notes
    assert "attributes: 'knid' is none that the model learnt from, and left aside; there are 'kind', 'age', 'since'" in answer.notes


def test_a_model_without_a_user_table_leaves_attributes_aside():
    plain = switchyard.recommend(shop(60, 20, 8), families=["popularity"], trials=1, resamples=10)

    assert plain.recommend("u7", attributes={"kind": "owl"}).notes == (
        "attributes: the model goes by none of the user's, and they are left aside",
    )


@pytest.mark.parametrize(
    ("attributes", "words"), [("owl", "it is an object such as"), ({"kind": ["owl"]}, "as 'kind', which is neither text nor a number")]
)
def test_attributes_that_are_none_are_refused_in_one_line(attributes, words):
    with pytest.raises(BadInput, match=words):
        Request.of({"attributes": attributes})


def test_a_segment_is_scored_as_in_the_formula(log):
    form = RECOMMENDERS["segments"].fit(log, PARAMS, 0)
    takes = pd.DataFrame({"user": log.user_ids[log.pairs.users], "item": log.pairs.items})
    owls = takes[takes["user"].str[1:].astype(int) % 2 == 1]
    everybody, theirs = (np.bincount(one["item"], minlength=log.n_items) for one in (takes, owls))
    share = everybody / everybody.sum()

    got = form.score(Histories.of([[]], [{"kind": "owl"}]))[0]

    assert got == pytest.approx((theirs + 20 * share) / (theirs.sum() + 20), rel=1e-4)
    assert form.score(Histories.of([[]], [{}]))[0] == pytest.approx(share, rel=1e-5)


def test_words_of_few_users_are_no_segments(log):
    assert "since=0" in (names := RECOMMENDERS["segments"].fit(log, PARAMS, 0).names)
    rare = interactions_in(shop(60, 20, 8), None, USERS.assign(mail=[f"m{number}" for number in range(61)]))[0]
    assert RECOMMENDERS["segments"].fit(rare, PARAMS, 0).names == names


def test_attributes_are_kept_with_the_interactions(log, tmp_path):
    log.write(tmp_path)
    again = Interactions.read(tmp_path)

    assert again.who == log.who and again.traits == log.traits and "users that are described" in again.html()


def test_what_is_odd_about_a_user_table_is_said():
    odd = pd.concat([USERS.head(59), USERS.head(1), USERS.tail(1).assign(user=None)], ignore_index=True)

    notes = interactions_in(shop(60, 20, 8), None, odd, ("orders", "", "users.csv"))[2]

    assert notes[-3:] == (
        "users.csv: 1 row without a value of 'user' left out (first: row 61)",
        "users.csv: 1 row of ids that stood there before left out (first: 'u0' in row 60)",
        "users.csv: nothing is said of 1 of 60 users (first: 'u59')",
    )


def test_a_table_of_others_and_one_without_ids_are_refused():
    with pytest.raises(InputError, match="the user table has none of the users who took something: 'user' holds other ids such as 'x"):
        interactions_in(shop(60, 20, 8), None, USERS.assign(user="x" + USERS["user"]))
    with pytest.raises(InputError, match="the user table has no column 'user' with the ids of the users"):
        interactions_in(shop(60, 20, 8), None, USERS.drop(columns="user"))
    with pytest.raises(InputError, match="segments learns from attributes of the users; give a user table"):
        tune(interactions_in(shop(60, 20, 8), None)[0], ("segments",), 0.2, 60.0, 1, 0)
