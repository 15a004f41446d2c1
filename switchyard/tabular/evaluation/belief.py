"""`doubt`: whether the holdout's score is one to believe in: no worse than no search at all, and near the cross-validated one."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.baselines import CONSTANT, DEFAULTS, constant_answers
from switchyard.tabular.evaluation.evaluation import Evaluation
from switchyard.tabular.evaluation.measures import scores_of
from switchyard.tabular.evaluation.names import NAMES
from switchyard.tabular.evaluation.predictions import encode_truth
from switchyard.tabular.evaluation.resampling import Estimate
from switchyard.tabular.model.leaderboard import Leaderboard, Row
from switchyard.tabular.report.words import count_of, shown
from switchyard.tabular.tables.copies import compared, find_copies
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.table import digest_rows
from switchyard.tabular.tables.weights import weights_of
from switchyard.tabular.tasks import metric_of

_SIGMAS = 3.0
_MATERIAL = 0.02
"""Differences below this share are none, however sure they are: of the cross-validated score, and of what a model gains over a constant."""
_FEW_ROWS, _FEW_OF_A_CLASS = 100, 20
_MANY_COPIES = 0.05


def doubt(evaluation: Evaluation, leaderboard: Leaderboard, split: Split, problem: Problem) -> str:
    """What is to be looked at before anything is done with a model, in a sentence; mostly nothing.

    That a baseline is as good, and that the holdout's score lies outside of what the folds' scores and its own interval allow
    (`benchmarks/honesty.py` measures how often each is said of honest splits, and of targets that have nothing to do with the columns).

    Parameters
    ----------
    evaluation : Evaluation
        Of the holdout.
    leaderboard : Leaderboard
        Of its chosen line mean and standard deviation over folds.
    split : Split
    problem : Problem

    Notes
    -----
    The difference's standard error is of two parts: the holdout's (from its bootstrap interval, but not below that of a fold,
    since a bootstrap of three rows of a class is too sure of itself) and that of the mean over folds; in time each window has a
    level of its own, so that mean is no surer than one window.
    """
    winner = leaderboard.winner
    said = (_shortfall(evaluation, leaderboard, split, problem), _unlikely(evaluation, winner, split, problem))
    return "; ".join(sentence for sentence in said if sentence)


def _shortfall(evaluation: Evaluation, leaderboard: Leaderboard, split: Split, problem: Problem) -> str:
    """That the model is no better than a constant, or worse than what a library's defaults learn of the same rows."""
    constant, defaults = evaluation.gains.get(CONSTANT), evaluation.gains.get(DEFAULTS)
    score = f"the holdout's {NAMES[evaluation.metric]} of {shown(evaluation.score.value)}"
    if constant is not None and not _beats_constant(constant, evaluation, leaderboard, split, problem):
        theirs = evaluation.baselines[CONSTANT][evaluation.metric].value
        return (
            f"{score} is not surely better than {shown(theirs)} of a constant answer: "
            "the columns say little of the target, or the rows are too few to tell"
        )
    learnt = constant.value if constant is not None and constant.value is not None else evaluation.score.value
    if defaults is not None and defaults.high is not None and defaults.high < 0 and -(defaults.value or 0) > _MATERIAL * abs(learnt or 0):
        theirs = evaluation.baselines[DEFAULTS][evaluation.metric].value
        more = "more tuning.trials" if problem.tuning.trials is not None else "a larger tuning.budget_s"
        return f"{score} is worse than {shown(theirs)} of {NAMES[DEFAULTS]} on the same rows: the search was too short; give {more}"
    return ""


def _beats_constant(gain: Estimate, evaluation: Evaluation, leaderboard: Leaderboard, split: Split, problem: Problem) -> bool:
    """Whether the holdout by itself, or with the folds, is surely better than a constant answer.

    Twenty rows can't tell by themselves what eighty more do, and the folds' rows were not seen by those that answered them either.
    The best of many trials is as good by chance, so it must be the surer the more there were (Bonferroni). In time earlier windows
    do not vouch for the last one.
    """
    if gain.value is None or gain.low is None or gain.high is None or gain.low > 0:
        return True
    if split.kind == "time" or gain.high < 0:
        return False
    winner, held, trained = leaderboard.winner, evaluation.rows, len(split.train)
    of_folds = (winner.score - _constant_score(evaluation, split, problem)) * (1 if evaluation.greater_is_better else -1)
    pooled = (gain.value * held + of_folds * trained) / (held + trained)
    ends = (gain.high - gain.low) / (2 * NormalDist().inv_cdf((1 + evaluation.confidence) / 2))
    of_a_row = max(ends * np.sqrt(held), winner.std * np.sqrt(trained / problem.tuning.folds))
    sure = NormalDist().inv_cdf(1 - (1 - evaluation.confidence) / 2 / leaderboard.tried)
    return bool(pooled > sure * of_a_row / np.sqrt(held + trained))


def _constant_score(evaluation: Evaluation, split: Split, problem: Problem) -> float:
    """What a constant answer scores on the training rows."""
    truth = encode_truth(split.train[problem.data.target].to_numpy(), problem.task, evaluation.classes)
    weights = weights_of(split.train, split.schema)
    constant = constant_answers(truth, weights, problem, len(evaluation.classes), len(truth))
    metric = metric_of(problem.task, problem.metric).name
    of_rows = np.ones((1, len(truth))) if weights is None else weights[None, :].astype("float64")
    return float(scores_of(truth, constant, problem.task, evaluation.classes, metric)(of_rows)[metric][0])


def _unlikely(evaluation: Evaluation, winner: Row, split: Split, problem: Problem) -> str:
    score = evaluation.score
    if score.value is None or not np.isfinite([winner.score, winner.std]).all():
        return ""
    folds = problem.tuning.folds
    ends = (score.high - score.low) / (2 * NormalDist().inv_cdf((1 + evaluation.confidence) / 2)) if score.low is not None else 0.0
    one_fold = winner.std * np.sqrt(len(split.train) / folds / evaluation.rows)
    mean = winner.std / (1 if split.kind == "time" else np.sqrt(folds))
    error = float(np.hypot(max(ends, one_fold), mean))
    difference = score.value - winner.score
    if abs(difference) <= max(_SIGMAS * error, _MATERIAL * abs(winner.score)):
        return ""
    worse = (difference < 0) == evaluation.greater_is_better
    return (
        f"the holdout's {NAMES[evaluation.metric]} of {shown(score.value)} is {'worse' if worse else 'better'} than the cross-validated "
        f"{shown(winner.score)} makes believable (within {shown(_SIGMAS * error, 2)}): {_reason(evaluation, split, problem)}"
    )


def _reason(evaluation: Evaluation, split: Split, problem: Problem) -> str:
    owner = problem.data.entity_column or (split.schema.group.name if split.schema.group else None)
    rarest = min(evaluation.per_class, key=lambda part: part.rows, default=None)
    names = compared(split.schema, "time")
    known = int(np.isin(digest_rows(split.holdout[names]), digest_rows(split.train[names])).sum())
    if evaluation.rows < _FEW_ROWS:
        return f"{count_of(evaluation.rows, 'holdout row')} are too few for either score; give more rows"
    if rarest is not None and rarest.rows < _FEW_OF_A_CLASS:
        return f"{count_of(rarest.rows, 'holdout row')} of class {rarest.label!r} are too few for either score; give more of them"
    if known > _MANY_COPIES * len(split.holdout) and find_copies(pd.concat([split.train, split.holdout]), split.schema, "time").fault:
        return f"{known:,} of its rows stand in the training part too; drop copies with quality.duplicate_rows: drop"
    if split.kind == "time":
        return "the last stretch of time differs from those before; trust the holdout, and see how the target moves in the profile"
    if owner is not None:
        return f"its values of {owner!r} differ from those that trained; give more of them"
    return "rows may belong together or follow each other in time; if so, say it with data.group_column or data.time_column"
