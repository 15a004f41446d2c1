"""`compare_recommenders`: challenger and champion asked for the same users, whom neither has seen after the split."""

from __future__ import annotations

import time

import numpy as np

from switchyard.bundle import Bundle
from switchyard.bundle.recommending import RecommendingScorer
from switchyard.tabular.config.judging import EvaluationConfig
from switchyard.tabular.evaluation.comparison import Comparison
from switchyard.tabular.evaluation.resampling import Resampler, Scores, resample
from switchyard.tabular.recommendation.fitting import MOST_ASKED
from switchyard.tabular.recommendation.histories import Histories, requests_of
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.recommendation.measures import K, per_user
from switchyard.tabular.recommendation.protocol import Questions, split_by_time

METRIC = "ndcg_at_10"
_CALLS = 200


def compare_recommenders(
    challenger: Bundle,
    champion: Bundle | None,
    log: Interactions,
    holdout: float,
    seed: int,
    config: EvaluationConfig,
    *,
    champion_version: str | None = None,
    unchanged: bool = False,
) -> Comparison:
    """nDCG@10 of both evaluated twins on the same users, with the interval of their paired difference.

    Parameters
    ----------
    challenger, champion : Bundle
        What learnt from before a split. The champion is not compared where it learnt from after this one, which the note says.
    log : Interactions
        All of them.
    holdout : float
        Share of `log` that is after the split.
    """
    known, questions = split_by_time(log, holdout)
    asked = questions.at_most(MOST_ASKED, seed)
    asked = asked.part(asked.answerable)
    note = _why_not(champion, log.first_after(known))
    values = {"challenger": ndcg_of(challenger, known, asked)}
    if champion is not None and not note:
        values["champion"] = ndcg_of(champion, known, asked)
    resampler = Resampler(len(asked), config.bootstrap, seed)
    draws = resample({name: _mean_of(found) for name, found in values.items()}, resampler)
    ours, theirs = draws["challenger"][METRIC], draws["champion"][METRIC] if "champion" in draws else None
    return Comparison(
        metric=METRIC,
        greater_is_better=True,
        rows=len(asked),
        challenger=ours.estimate(config.confidence),
        champion=None if theirs is None else theirs.estimate(config.confidence),
        champion_version=champion_version,
        improvement=None if theirs is None else (ours - theirs).estimate(config.confidence),
        confidence=config.confidence,
        resampling=f"{config.bootstrap} resamples of users",
        unchanged=unchanged,
        note=note,
    )


def ndcg_of(bundle: Bundle, known: Interactions, asked: Questions) -> np.ndarray:
    """nDCG@10 of its answers for each user, whatever its catalogue is, shape (n,)."""
    ids = known.item_ids.astype(str)
    places = {name: place for place, name in enumerate(ids.tolist())}
    requests = requests_of(asked.history, ids, K)
    top = np.full((len(asked), K), -1)
    for row, answer in enumerate(RecommendingScorer(bundle.files["model.onnx"]).recommend(requests)):
        top[row, : len(answer.items)] = [places.get(name, -1) for name in answer.items]
    return per_user(top, asked.truth)["ndcg_at_10"]


def latency_of(bundle: Bundle, histories: Histories, ids: np.ndarray) -> float:
    """Median milliseconds from a request with a history to its answer, in this process, on one thread."""
    scorer, seconds = RecommendingScorer(bundle.files["model.onnx"]), []
    requests = requests_of(histories.part(np.arange(_CALLS) % len(histories)), ids.astype(str), K)
    for request in requests:
        start = time.perf_counter()
        scorer.recommend([request])
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)


def _mean_of(values: np.ndarray) -> Scores:
    return lambda weights: {METRIC: weights @ values / weights.sum(axis=1)}


def _why_not(champion: Bundle | None, boundary: str | None) -> str:
    """Why the champion is not compared; empty where it can be."""
    if champion is None:
        return "no champion"
    signature = champion.signature
    if signature.task != "recommendation":
        return f"the champion is no recommender but a {signature.task} model"
    if boundary is None or signature.trained_until is None:
        return "without dates nobody can say what the champion has seen"
    if signature.trained_until > boundary:
        return f"the champion's evaluated twin learnt from what was up to {signature.trained_until}, after this split at {boundary}"
    return ""
