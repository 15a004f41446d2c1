"""`describe_recommender`: the `Reference` of a recommendation: what was taken last, and what its evaluated twin showed on the holdout."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.bundle import Bundle
from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.seen import hash_categories
from switchyard.monitoring.recommending.catalogue import Catalogue
from switchyard.monitoring.recommending.hits import METRIC, estimates, ranks_of
from switchyard.monitoring.reference import MOST_ROWS, Reference, ReferenceFacts
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.recommendation.histories import requests_of
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.recommendation.protocol import Questions, split_by_time
from switchyard.tabular.recommendation.settling import holdout_of
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.validation import Suite

_VISIT_DAYS = 1 / 24
MOST_ASKED = 2_000
"""Users of the holdout whose answers are kept."""


def describe_recommender(log: Interactions, evaluated: Bundle, digest: str, problem: Problem) -> Reference:
    """Gather what windows of a version will be held against.

    Parameters
    ----------
    log : Interactions
        All of them.
    evaluated : Bundle
        The twin, which has seen nothing of after the split.
    digest : str
        Of the bundle that is served.
    problem : Problem
        Settled.
    """
    known, questions = split_by_time(log, holdout_of(problem))
    answers = _answers(evaluated, known, questions, problem.tuning.seed)
    config, last = problem.evaluation, _visits(log)[-MOST_ROWS:]
    item = problem.data.target
    scores = estimates(answers, np.arange(len(answers)), {K: 1.0}, config.bootstrap, problem.tuning.seed, config.confidence)
    return Reference(
        ReferenceFacts(
            problem=problem.for_training(),
            columns=Schema(columns=(Column(name=item, kind="categorical", role="target"),)),
            digest=digest,
            classes=(),
            threshold=None,
            metric=METRIC,
            greater_is_better=True,
            scores=scores,
            importance={item: 1.0},
            train_rows=len(known),
            holdout_rows=len(log) - len(known),
            ordered=True,
        ),
        pd.DataFrame({item: log.item_ids[log.items[last]]}),
        answers,
        Suite(problem.name, ()),
        pd.Series(pd.to_datetime(log.times[last], unit="D")) if log.dated else None,
        _catalogue(log, questions),
    )


def _catalogue(log: Interactions, questions: Questions) -> Catalogue:
    unknown, within = int(questions.unknown.sum()), int(questions.truth.lengths.sum())
    takers = np.bincount(log.pairs.items, minlength=log.n_items)
    return Catalogue(
        pd.DataFrame({"item": log.item_ids, "takers": takers}),
        hash_categories(log.user_ids.tolist()),
        (unknown, unknown + within),
        (int((~questions.warm).sum()), len(questions)),
    )


def _visits(log: Interactions) -> np.ndarray:
    """Places of the last row of each user's visits, in the order of time: what a history ends with when its user comes again."""
    order = np.argsort(log.users, kind="stable")
    same = np.diff(log.users[order]) == 0
    # Without dates nobody knows what belongs to one visit.
    near = np.diff(log.times[order]) < _VISIT_DAYS if log.dated else np.zeros(len(same), dtype=bool)
    return np.sort(order[np.append(~(same & near), True)])


def _answers(evaluated: Bundle, known: Interactions, questions: Questions, seed: int) -> pd.DataFrame:
    """As `switchyard.monitoring.recommending.shown.shown_in` has a window's; a label is the first item that the user took next."""
    asked = questions.part(questions.answerable).at_most(MOST_ASKED, seed)
    ids = known.item_ids.astype(str)
    histories = [ids[asked.history[row]].tolist() for row in range(len(asked))]
    answered = RecommendingScorer(evaluated.files["model.onnx"]).recommend(requests_of(asked.history, ids, K))
    frame = pd.DataFrame(
        {
            "actual": [str(ids[asked.truth[row][0]]) for row in range(len(asked))],
            "user": asked.users,
            "label": [one.items[0] if one.items else None for one in answered],
            "shown": [list(one.items) for one in answered],
            "history": histories,
            "k": K,
        }
    )
    return frame.assign(rank=ranks_of(frame), who=np.where(asked.warm, "known", "new"))
