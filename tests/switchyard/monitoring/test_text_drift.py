"""A column of texts drifts where its texts are of another kind or length, and seldom where they are not."""

import numpy as np
import pandas as pd
import pytest

from switchyard.monitoring.columns import compare
from switchyard.tabular.config.monitoring import Monitoring

COMMON = np.array([f"word{number}" for number in range(400)])
OTHERS = np.array([f"mot{number}" for number in range(400)])


def texts(rows: int, seed: int, words: np.ndarray = COMMON, length: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, len(words) + 1)
    said = [" ".join(rng.choice(words, rng.poisson(length) + 1, p=weights / weights.sum())) for _ in range(rows)]
    return pd.DataFrame({"said": np.array(said, dtype=object)})


def found(past: pd.DataFrame, current: pd.DataFrame):
    return compare(past, current, {"said": "text"}, Monitoring(), False, False)[0]


PAST = texts(1500, 0)


@pytest.mark.parametrize("rows", [300, 1500])
@pytest.mark.parametrize(
    ("changed", "by"),
    [({"words": OTHERS}, "familiar words"), ({"words": COMMON[::-1]}, "familiar words"), ({"length": 4}, "number of words")],
    ids=["another language", "other words", "cut"],
)
def test_texts_of_another_kind_drift(rows, changed, by):
    drift = found(PAST, texts(rows, 1, **changed))
    assert drift.unusual and by in drift.method and drift.kind == "text"


def test_texts_like_those_of_the_training_seldom_drift():
    drifts = [found(PAST, texts(500, seed)) for seed in range(1, 41)]
    assert sum(drift.adjusted < 0.05 for drift in drifts) <= 5
    assert sum(drift.unusual for drift in drifts) <= 2


@pytest.mark.parametrize("said", [[None] * 200, ["?!"] * 200, ["", None] * 100])
def test_texts_without_a_word_are_compared_all_the_same(said):
    assert found(PAST, pd.DataFrame({"said": np.array(said, dtype=object)})).kind == "text"
