"""`teach`: a `Reranker`, learnt from the questions of a search and kept where users that it has not seen are answered better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.measures import K, per_user
from switchyard.tabular.recommendation.model import best, blended
from switchyard.tabular.recommendation.reranking import (
    CANDIDATES,
    Reranker,
    candidate_features,
    frequent_words,
    item_table,
    ranker_of,
    ranking_family,
)
from switchyard.tabular.recommendation.search import Cut, Standing

FEWEST = 150
"""Users with a candidate that they took."""
ROUNDS, STRENGTHS = 60, (0.25, 0.5, 1.0, 2.0)
"""Strengths are in deviations of the blend's scores for one of what was learnt."""
WORTH = 1.0
"""Standard errors by which it must be better, over users that it has not learnt from."""
_USER_WORDS, _FOLDS = 30, 3


@dataclass(frozen=True, eq=False)
class _Lesson:
    """Candidates of the users of all cuts."""

    features: np.ndarray
    """float32 of shape (n, candidates, n_features)."""
    scores: np.ndarray
    """Of the blend, float32 of shape (n, candidates); minus infinity where there is none."""
    taken: np.ndarray
    """bool, the same shape."""
    truth: Histories
    top: np.ndarray
    """Places in each cut's own catalogue, int64, the same shape; -1 where there is none."""

    def ndcg(self, scores: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """nDCG@10 of `rows` where their candidates are in the order of `scores`."""
        order = np.argsort(-scores, axis=1, kind="stable")[:, :K]
        return per_user(np.take_along_axis(self.top[rows], order, axis=1), self.truth.part(rows))["ndcg_at_10"]


def teach(standings: Sequence[Standing], cuts: Sequence[Cut], weights: Mapping[str, float], seed: int) -> Reranker | None:
    """What a ranker makes of the blend's best, or None where there are too few users or it is no better than the blend."""
    family, members = ranking_family(), [one for one in standings if weights.get(one.family)]
    words, user_words = frequent_words(cuts[0].known), _user_words(cuts) if weights.get("segments") else ()
    lesson = _lesson(members, cuts, weights, words, user_words)
    useful = np.asarray(lesson.taken.any(axis=1))
    if useful.sum() < FEWEST:
        return None
    fold = np.random.default_rng(seed).permutation(len(useful)) % _FOLDS
    learnt = np.zeros(lesson.scores.shape)
    for number in range(_FOLDS):
        told = _fit(family, lesson, useful & (fold != number), seed)
        learnt[fold == number] = _score(family, told, lesson.features[fold == number])
    rows, unit = np.arange(len(useful)), float(lesson.scores[lesson.top >= 0].std() / max(learnt.std(), 1e-9))
    plain = lesson.ndcg(lesson.scores, rows)
    gains = {one: lesson.ndcg(lesson.scores + one * unit * learnt, rows) - plain for one in STRENGTHS}
    strength = max(gains, key=lambda one: float(gains[one].mean()))
    gain = gains[strength]
    if gain.mean() <= WORTH * gain.std() / np.sqrt(len(gain)):
        return None
    told = _fit(family, lesson, useful, seed)
    return Reranker(
        family=family,
        learnt=told,
        strength=strength * unit,
        low=float(_score(family, told, lesson.features).min()),
        families=tuple(one.family for one in members),
        words=words,
        user_words=user_words,
        users=int(useful.sum()),
        gain=float(gain.mean()),
    )


def _lesson(
    members: Sequence[Standing], cuts: Sequence[Cut], weights: Mapping[str, float], words: Sequence[str], user_words: Sequence[str]
) -> _Lesson:
    features, scores, taken, tops, truths = [], [], [], [], []
    for number, cut in enumerate(cuts):
        parts = [one.scores[number] for one in members]
        masked = np.where(cut.seen, -np.inf, blended(parts, [weights[one.family] for one in members]))
        top = best(masked, cut.seen, CANDIDATES)
        history = cut.questions.history
        marks = np.zeros((len(top), len(user_words)), dtype=np.float32)
        for row, attributes in enumerate(history.who if user_words else ()):
            marks[row] = np.isin(user_words, cut.known.traits.words(attributes)[0])
        features.append(candidate_features(top, masked, parts, item_table(cut.known, words), history, marks))
        scores.append(np.where(top >= 0, np.take_along_axis(masked, np.maximum(top, 0), axis=1), -np.inf))
        lists = [cut.questions.truth[row] for row in range(len(top))]
        taken.append(np.array([np.isin(answers, truth) for answers, truth in zip(top, lists)]) & (top >= 0))
        tops.append(top)
        truths += lists
    stacked = (np.concatenate(features), np.concatenate(scores), np.concatenate(taken))
    return _Lesson(*stacked, Histories.of(truths), np.concatenate(tops))


def _user_words(cuts: Sequence[Cut]) -> tuple[str, ...]:
    """Those of most users who were asked."""
    known = [word for cut in cuts for one in cut.questions.history.who for word in cut.known.traits.words(one)[0]]
    found, counts = np.unique(known, return_counts=True)
    return tuple(sorted(str(found[place]) for place in np.argsort(-counts, kind="stable")[:_USER_WORDS]))


def _fit(family: str, lesson: _Lesson, rows: np.ndarray, seed: int) -> str:
    there = lesson.top[rows] >= 0
    return ranker_of(family).learn(lesson.features[rows][there], lesson.taken[rows][there], there.sum(axis=1), ROUNDS, seed)


def _score(family: str, learnt: str, features: np.ndarray) -> np.ndarray:
    return ranker_of(family).score(learnt, features.reshape(-1, features.shape[-1])).reshape(features.shape[:2])
