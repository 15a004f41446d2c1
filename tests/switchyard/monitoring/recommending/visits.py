"""Visits of a shop made up: requests that a bundle answered, in a prediction log, with what was taken next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from switchyard.bundle import Bundle
from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.requests import Request
from switchyard.predictionlog.database import labels, predictions
from switchyard.predictionlog.records import label_record, prediction_record, rows_of

START = datetime(2026, 3, 1, tzinfo=UTC)


def visit(
    engine, bundle: Bundle, requests: Sequence[Request], taken: Sequence[str | None] = (), version: str = "1", minute: int = 0
) -> list[str]:
    """Answer `requests`, one each second from `minute` on, and log them with what was taken; the ids of the predictions."""
    origin = {"model": "shop", "version": version, "digest": bundle.digest, "role": "live"}
    found, known, ids = [], [], []
    for place, (request, answer) in enumerate(zip(requests, RecommendingScorer(bundle.files["model.onnx"]).recommend(requests))):
        record = prediction_record(
            request_id=f"r{version}-{minute}-{place}",
            origin=origin,
            inputs={"user": [request.user or None], "history": [list(request.history)], "k": [request.k]},
            answers={"label": [answer.items[0]], "probabilities": [dict(zip(answer.items, answer.scores))]},
            entity_ids=[request.user or None],
            moment=START.timestamp() + 60 * minute + place,
        )
        found += rows_of(record)[0]
        ids.append(found[-1]["prediction_id"])
        if place < len(taken) and taken[place] is not None:
            known += rows_of(label_record(ids[-1], taken[place]))[1]
    with engine.begin() as connection:
        connection.execute(predictions.insert(), found)
        if known:
            connection.execute(labels.insert(), known)
    return ids
