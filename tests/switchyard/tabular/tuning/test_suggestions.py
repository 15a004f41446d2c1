"""What the first trials of a search try."""

from __future__ import annotations

import optuna
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.suggestions import Suggestions

CHOICES = {"texts": ("learn", "leave"), "pairs": ("leave", "make")}


def first(count: int, timed: bool, *names: str, family: str = "lightgbm", scores: tuple[float, ...] = ()):
    """Parameters and choices of the first trials of a search that has the named choices, of which the first ones had `scores`."""
    known = {"encoder": FAMILIES[family].encoders, **CHOICES}
    suggestions = Suggestions(FAMILIES[family], ("binary", 800, 9), {name: known[name] for name in names}, 0, timed)
    study = optuna.create_study(direction="maximize")
    asked = []
    for number in range(count):
        trial = suggestions.ask(study, number)
        asked.append(suggestions.of(trial, number))
        if number < len(scores):
            study.tell(trial, scores[number])
    return asked


@pytest.mark.parametrize("timed", [False, True])
def test_with_free_texts_the_first_two_trials_differ_by_them_alone(timed):
    (learnt, with_texts), (left, without) = first(2, timed, "texts")

    assert learnt == left and with_texts == {} and without == {"texts": "leave"}


def test_without_free_texts_nothing_is_said_of_them():
    starts = first(2, False)

    assert starts[0][0] != starts[1][0] and not any(choices for _, choices in starts)


@pytest.mark.parametrize("scores, kept", [((0.7, 0.8), {"pairs": "make"}), ((0.8, 0.7), {})])
def test_the_next_start_point_takes_the_pairs_that_won(scores, kept):
    (first_params, without), (second_params, made), (third_params, third) = first(3, True, "pairs", scores=scores)

    assert first_params == second_params != third_params
    assert (without, made, third) == ({}, {"pairs": "make"}, kept)


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_the_defaults_come_first_of_a_number_of_trials_and_are_among_the_first_in_a_time(family):
    own = FAMILIES[family]
    shape = ("binary", 800, 9)
    asked = {}
    for timed in (False, True):
        suggestions, study = Suggestions(own, shape, {}, 0, timed), optuna.create_study()
        asked[timed] = [suggestions.of(suggestions.ask(study, number), number)[0] for number in range(len(own.start_points))]
    defaults = own.default_params(*shape)

    assert asked[False][0] == defaults and asked[True] == [{**defaults, **point} for point in own.start_points]
    assert asked[True][0] != defaults in asked[True]


def test_texts_and_pairs_are_tried_with_the_first_start_point_and_another_comes_between():
    (a, _), (b, without_texts), (other, _), (c, made) = first(4, False, "texts", "pairs")

    assert a == b == c != other and without_texts == {"texts": "leave"} and made == {"pairs": "make"}


@pytest.mark.parametrize("timed", [False, True])
def test_what_takes_categories_as_they_are_tries_that_by_itself_after_the_first_trial(timed):
    (encoded, as_always), (coded, as_they_are), *others = first(3, timed, "encoder")

    assert encoded == coded != others[0][0] and as_always == {} and as_they_are == {"encoder": "native"}
    assert [choices.get("encoder") for _, choices in first(4, timed, "encoder", "texts")] == [None, None, None, "native"]


def test_a_family_that_cannot_take_them_never_does():
    assert {choices.get("encoder") for _, choices in first(30, False, "encoder", family="random_forest")} == {None, "ordinal"}
