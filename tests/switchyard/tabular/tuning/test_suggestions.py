"""What the first trials of a search try."""

from __future__ import annotations

import optuna
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.suggestions import Suggestions


def first(count: int, texts: bool, timed: bool, pairs: bool = False, scores: tuple[float, ...] = ()):
    """Parameters and choices of the first trials of LightGBM's search, of which the first ones had `scores`."""
    suggestions = Suggestions(FAMILIES["lightgbm"], ("binary", 800, 9), False, texts, pairs, 0, timed)
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
    (learnt, with_texts), (left, without) = first(2, True, timed)

    assert learnt == left and with_texts == {} and without == {"texts": "leave"}


def test_without_free_texts_nothing_is_said_of_them():
    starts = first(2, False, False)

    assert starts[0][0] != starts[1][0] and not any(choices for _, choices in starts)


@pytest.mark.parametrize("scores, kept", [((0.7, 0.8), {"pairs": "make"}), ((0.8, 0.7), {})])
def test_the_next_start_point_takes_the_pairs_that_won(scores, kept):
    (first_params, without), (second_params, made), (third_params, third) = first(3, False, True, pairs=True, scores=scores)

    assert first_params == second_params != third_params
    assert (without, made, third) == ({}, {"pairs": "make"}, kept)


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_the_defaults_come_first_of_a_number_of_trials_and_are_among_the_first_in_a_time(family):
    own = FAMILIES[family]
    shape = ("binary", 800, 9)
    asked = {}
    for timed in (False, True):
        suggestions, study = Suggestions(own, shape, False, False, False, 0, timed), optuna.create_study()
        asked[timed] = [suggestions.of(suggestions.ask(study, number), number)[0] for number in range(len(own.start_points))]
    defaults = own.default_params(*shape)

    assert asked[False][0] == defaults and asked[True] == [{**defaults, **point} for point in own.start_points]
    assert asked[True][0] != defaults in asked[True]


def test_texts_and_pairs_are_tried_one_after_the_other():
    (a, _), (b, without_texts), (c, made) = first(3, True, False, pairs=True)

    assert a == b == c and without_texts == {"texts": "leave"} and made == {"pairs": "make"}
