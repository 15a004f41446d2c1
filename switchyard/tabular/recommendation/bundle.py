"""`recommender_bundle`: a recommendation model as the three files that serving gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from switchyard.bundle.examples import make_examples
from switchyard.bundle.opening import scorer_of
from switchyard.bundle.recommending import RecommendingScorer, signature_of_requests
from switchyard.bundle.requests import Request
from switchyard.tabular.export.bundle import ExportedBundle
from switchyard.tabular.recommendation.export import recommender_to_onnx
from switchyard.tabular.recommendation.histories import Histories
from switchyard.tabular.recommendation.model import RecommendationModel

METRIC = "ndcg_at_10"
_TOLERANCE = 1e-4
"""Of an example's score, which another processor may sum in another order."""
_APART = 1e-3
"""By which the scores of an example's answers differ at least, so that their order is the same everywhere."""
_EXAMPLES, _LATEST, _K = 8, 20, 5


def recommender_bundle(model: RecommendationModel, name: str, item: str, trained_until: str | None, histories: Histories) -> ExportedBundle:
    """The bundle of `model`.

    Parameters
    ----------
    model : RecommendationModel
    name : str
        What the model is called.
    item : str
        The column that is predicted.
    trained_until : str or None
        How far training saw.
    histories : Histories
        Examples are made of.
    """
    graph = recommender_to_onnx(model).SerializeToString(deterministic=True)
    signature = signature_of_requests(name, item, METRIC, trained_until)
    rows = _example_rows(model, RecommendingScorer(graph), histories)
    examples = make_examples(scorer_of(graph, signature), rows, _TOLERANCE)
    return ExportedBundle({"model.onnx": graph, "signature.json": signature.to_json().encode(), "examples.json": examples.encode()})


def _example_rows(model: RecommendationModel, scorer: RecommendingScorer, histories: Histories) -> list[dict[str, Any]]:
    """Requests by history, by user and by both, and two that nobody sends: nothing known, and nothing seen before."""
    picked = np.unique(np.linspace(0, len(histories) - 1, min(_EXAMPLES, len(histories))).astype(int))
    ids = model.item_ids.astype(str)
    who = histories.who or ({},) * len(histories)
    rows = [_row(history=ids[histories[place][-_LATEST:]].tolist(), attributes=who[place]) for place in picked]
    known = len(model.user_ids)
    rows += [_row(user=str(model.user_ids[place])) for place in sorted({0, known - 1}) if known]
    if rows and known:
        rows.append(_row(user=str(model.user_ids[0]), history=rows[0]["history"][-1:], exclude=[str(ids[0])]))
    rows += [_row(), _row(user="never seen before", history=["never seen before"])]
    requests = [Request.of({**row, "k": _K + 1}) for row in rows]
    # Alone, as they will be asked, and all together: what a rounding decides is no example.
    answers = zip(scorer.recommend(requests), (scorer.recommend([request])[0] for request in requests))
    sure = [_apart(one.scores) and (one.items, one.because) == (other.items, other.because) for one, other in answers]
    return [row for row, kept in zip(rows, sure) if kept] or rows[-2:-1]


def _row(
    user: str | None = None, history: Sequence[str] = (), exclude: Sequence[str] = (), attributes: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"user": user, "history": list(history), "exclude": list(exclude), "k": _K, "attributes": dict(attributes or {}) or None}


def _apart(scores: Sequence[float]) -> bool:
    return all(higher - lower >= _APART for higher, lower in pairwise(scores))
