"""What the first trials of a search try."""

from __future__ import annotations

import optuna
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.suggestions import Suggestions


def first(count: int, texts: bool, timed: bool, family: str = "lightgbm", categories: bool = False):
    """Parameters and choices of the first trials of a search."""
    encoders = FAMILIES[family].encoders if categories else ()
    suggestions = Suggestions(FAMILIES[family], ("binary", 800, 9), encoders, texts, 0, timed)
    study = optuna.create_study(direction="maximize")
    return [suggestions.of(suggestions.ask(study, number), number) for number in range(count)]


@pytest.mark.parametrize("timed", [False, True])
def test_with_free_texts_the_first_two_trials_differ_by_them_alone(timed):
    (learnt, with_texts), (left, without) = first(2, True, timed)

    assert learnt == left and with_texts == {} and without == {"texts": "leave"}


def test_without_free_texts_nothing_is_said_of_them():
    starts = first(2, False, False)

    assert starts[0][0] != starts[1][0] and not any(choices for _, choices in starts)


@pytest.mark.parametrize("timed", [False, True])
def test_what_takes_categories_as_they_are_tries_that_by_itself_after_the_first_trial(timed):
    (encoded, as_always), (coded, as_they_are), *others = first(3, False, timed, categories=True)

    assert encoded == coded != others[0][0] and as_always == {} and as_they_are == {"encoder": "native"}
    assert [choices.get("encoder") for _, choices in first(3, True, timed, categories=True)] == [None, None, "native"]


def test_a_family_that_cannot_take_them_never_does():
    assert {choices.get("encoder") for _, choices in first(30, False, False, "random_forest", categories=True)} == {None, "ordinal"}
