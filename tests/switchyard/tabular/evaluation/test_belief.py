"""A holdout score that the cross-validation does not make believable is doubted, with the likely reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from switchyard.tabular.evaluation.baselines import CONSTANT, DEFAULTS, Baselines
from switchyard.tabular.evaluation.belief import doubt
from switchyard.tabular.evaluation.comparison import check_gates
from switchyard.tabular.evaluation.evaluation import evaluate
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.model.leaderboard import Leaderboard, Row
from tests.switchyard.tabular.cases import make_problem
from tests.switchyard.tabular.evaluation.test_comparison import CLASSES, _predictions

PROBLEM = make_problem("binary", "roc_auc")


def of_folds(score: float, std: float, tried: int = 1) -> Leaderboard:
    """A leaderboard whose winner has such scores."""
    winner = Row(name="lightgbm", kind="single", family="lightgbm", score=score, std=std, seconds=0, chosen=True)
    return Leaderboard(metric="roc_auc", entries=(winner,), rule="the only one", tried=tried)


def doubted(split, cv: float, std: float = 0.01, problem=PROBLEM) -> str:
    return doubt(evaluate(_predictions(split, 0), split, problem, CLASSES), of_folds(cv, std), split, problem)


def test_equal_scores_are_believed(people):
    score = evaluate(_predictions(people, 0), people, PROBLEM, CLASSES).score.value

    assert doubted(people, score) == doubted(people, score + 0.02, std=0.02) == ""


@pytest.mark.parametrize(("cv", "word"), [(0.999, "worse"), (0.55, "better")])
def test_a_score_outside_of_what_is_believable_is_said_with_both(people, cv, word):
    said = doubted(people, cv)

    assert f"is {word} than the cross-validated {cv:g}" in said and "data.group_column" in said


def test_the_reason_is_the_likely_one(people):
    few = replace(people, holdout=people.holdout.head(40))
    rare = replace(people, holdout=people.holdout[(people.holdout.y == "no") | (people.holdout.y.eq("yes").cumsum() < 10)])
    copied = replace(people, train=pd.concat([people.train, people.holdout]))

    assert "40 holdout rows are too few" in doubted(few, 0.3, 0.001)
    assert "of class 'yes' are too few" in doubted(rare, 0.3, 0.001)
    assert "stand in the training part too" in doubted(copied, 0.999)
    assert "the last stretch of time" in doubted(replace(people, kind="time"), 0.999)
    assert "'household' differ" in doubted(people, 0.4, problem=make_problem("binary", "roc_auc", data={"entity_column": "household"}))


def test_a_model_that_a_baseline_equals_is_doubted(people):
    good, noise = _predictions(people, 0), _predictions(people, 0)
    noise = replace(noise, probabilities=np.random.default_rng(0).dirichlet((1, 1), len(people.holdout)))

    def said(model, name, other, trials=None) -> str:
        problem = make_problem("binary", "roc_auc", tuning={"trials": trials})
        evaluation = evaluate(model, people, problem, CLASSES, baselines=Baselines({name: other}, {name: ()}))
        return doubt(evaluation, of_folds(evaluation.score.value, 0.05), people, problem)

    assert "not surely better than" in said(noise, CONSTANT, noise) and "a constant answer" in said(noise, CONSTANT, noise)
    assert "LightGBM defaults on the same rows" in said(noise, DEFAULTS, good) and "tuning.budget_s" in said(noise, DEFAULTS, good)
    assert "more tuning.trials" in said(noise, DEFAULTS, good, trials=1)
    assert said(good, DEFAULTS, noise) == said(good, DEFAULTS, good) == said(good, CONSTANT, noise) == ""


def test_folds_vouch_for_a_model_whose_holdout_is_too_small_to_tell_it_from_a_constant(people):
    few = replace(people, holdout=people.holdout.head(12))
    rng = np.random.default_rng(0)
    weak = replace(_predictions(few, 0), probabilities=rng.dirichlet((1, 1), 12))
    constant = replace(weak, probabilities=np.tile([0.5, 0.5], (12, 1)))
    evaluation = evaluate(weak, few, PROBLEM, CLASSES, baselines=Baselines({CONSTANT: constant}, {CONSTANT: ()}))
    assert evaluation.gains[CONSTANT].low < 0 < evaluation.gains[CONSTANT].high

    def said(score, tried=1, kind="random") -> bool:
        return "a constant answer" in doubt(evaluation, of_folds(score, 0.02, tried), replace(few, kind=kind), PROBLEM)

    assert not said(0.8) and said(0.5)
    assert said(0.8, kind="time"), "earlier windows do not vouch for the last"
    assert not said(0.55) and said(0.55, tried=200), "the best of 200 is as good by chance"


def test_what_a_baseline_is_better_by_must_matter(people):
    models = {CONSTANT: _predictions(people, 1), DEFAULTS: _predictions(people, 0)}
    evaluation = evaluate(_predictions(people, 0), people, PROBLEM, CLASSES, baselines=Baselines(models, dict.fromkeys(models, ())))

    def said(lost: float) -> str:
        gains = {CONSTANT: Estimate(value=0.4, low=0.3, high=0.5), DEFAULTS: Estimate(value=-lost, low=-2 * lost, high=-lost / 2)}
        leaderboard = of_folds(evaluation.score.value, 0.05)
        return doubt(evaluation.model_copy(update={"gains": gains}), leaderboard, people, PROBLEM)

    assert said(0.007) == "" and "the search was too short" in said(0.01)


def test_the_verdict_says_its_doubt_and_closes_no_gate(people):
    evaluation = evaluate(_predictions(people, 0), people, PROBLEM, CLASSES)
    verdict = check_gates(PROBLEM, evaluation, doubt="the holdout is odd")

    assert verdict.verdict == "challenger" and "Look at this first: the holdout is odd." in verdict.html()


def test_a_gain_below_zero_is_called_worse():
    assert Estimate(value=-0.478, low=-0.6, high=-0.2).as_gain() == "worse by 0.478 (0.2 to 0.6)"
    assert Estimate(value=0.1, low=-0.1, high=0.3).as_gain() == "better by 0.1 (-0.1 to 0.3)"


def test_a_threshold_that_costs_accuracy_is_explained(people):
    evaluation = evaluate(_predictions(people, 0), people, PROBLEM, CLASSES, threshold=0.1)
    scores = {**evaluation.scores, "accuracy": Estimate(value=0.6)}
    beside = evaluation.model_copy(update={"scores": scores, "baselines": {"constant": {"accuracy": Estimate(value=0.7)}}})
    better = beside.model_copy(update={"scores": {**scores, "accuracy": Estimate(value=0.8)}})

    assert "the threshold 0.1 was chosen for the sake of the rarer class" in beside.threshold_cost()
    assert better.threshold_cost() == ""
