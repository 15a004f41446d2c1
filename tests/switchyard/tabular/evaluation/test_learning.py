"""The curve by training rows: what it is fitted to, and what it says of more of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.evaluation.baselines import fit_baselines
from switchyard.tabular.evaluation.evaluation import Evaluation, evaluate
from switchyard.tabular.evaluation.learning import learn_in_part
from switchyard.tabular.evaluation.predictions import Predictions
from tests.switchyard.tabular.cases import make_problem, make_split


def evaluated(rows: int, simple: bool = False) -> Evaluation:
    """Of a target made of two of three columns, or of whether one of them is above zero; 400 rows held out."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(rows + 400, 3)), columns=["a", "b", "c"])
    if simple:
        frame = (frame[["a"]] > 0).astype("float64")
    wavy = np.sin(3 * frame["a"]) + frame["a"] * frame.get("b", 0)
    frame["y"] = wavy + 0.1 * rng.normal(size=len(frame))
    split = make_split(frame, rows / len(frame))
    problem = make_problem("regression", "rmse")
    baselines = fit_baselines(split, split.schema.features, problem)
    parts = learn_in_part(split, split.schema.features, problem, ())
    constant = Predictions.of_values(np.zeros(len(split.holdout)))
    return evaluate(constant, split, problem, baselines=baselines, in_part=parts)


def test_rows_that_still_teach_are_told_from_rows_that_do_not():
    teaching, learnt = evaluated(2000).learning, evaluated(2000, simple=True).learning

    assert teaching.rows == (250, 500, 1000, 2000) and list(teaching.scores) == sorted(teaching.scores, reverse=True)
    assert teaching.gain.low > 0 and "likely to help too" in teaching.sentence and "than with 1,000" in teaching.sentence
    assert learnt.gain.low <= 0 and "may be chance" in learnt.sentence


def test_the_page_shows_the_curve():
    page = evaluated(400).html()

    assert "What more rows are worth" in page and "Score by training rows" in page


def test_parts_that_can_not_be_learnt_from_are_left_out():
    assert evaluated(400).learning.rows == (100, 200, 400)
    assert evaluated(150).learning is None
