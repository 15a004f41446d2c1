"""What the first trials of a search try."""

from __future__ import annotations

import optuna
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tuning.suggestions import Suggestions


def first(count: int, texts: bool, timed: bool):
    """Parameters and choices of the first trials of LightGBM's search."""
    suggestions = Suggestions(FAMILIES["lightgbm"], ("binary", 800, 9), False, texts, 0, timed)
    study = optuna.create_study(direction="maximize")
    return [suggestions.of(suggestions.ask(study, number), number) for number in range(count)]


@pytest.mark.parametrize("timed", [False, True])
def test_with_free_texts_the_first_two_trials_differ_by_them_alone(timed):
    (learnt, with_texts), (left, without) = first(2, True, timed)

    assert learnt == left and with_texts == {} and without == {"texts": "leave"}


def test_without_free_texts_nothing_is_said_of_them():
    starts = first(2, False, False)

    assert starts[0][0] != starts[1][0] and not any(choices for _, choices in starts)
