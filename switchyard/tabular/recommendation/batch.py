"""`requests_in` and `answer_all`: the best items for every user of a table, one row for each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from switchyard.bundle import Answer, Bundle
from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.requests import Recommendation, Request
from switchyard.tabular.batch.counts import AnswerCounts
from switchyard.tabular.batch.output import TableWriter
from switchyard.tabular.batch.scoring import Origin
from switchyard.tabular.config.problem import Data
from switchyard.tabular.recommendation.interactions import order_of
from switchyard.tabular.recommendation.roles import role_in
from switchyard.tabular.tables.typing.kinds import read_column

_AT_ONCE = 1_024
_LATEST = 300


def requests_in(frame: pd.DataFrame, data: Data, what: str) -> tuple[list[Request], tuple[str, ...]]:
    """A request for each user of a table, in the order in which they first stand there, and notes.

    Where the table has items too, what a user took there is the history that goes with the request, after what the model knows.

    Raises
    ------
    InputError
        It has no column of users.
    """
    names = list(map(str, frame.columns))
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)
    user = str(role_in(names, what, "user", data.user))
    item = role_in(names, what, "item", data.item if data.item in names else None, needed=False)
    users = read_column(frame[user], user, "categorical").values
    kept = ~pd.isna(users)
    notes = [] if kept.all() else [f"{int((~kept).sum()):,} rows without a value of {user!r} left out"]
    ids = pd.unique(users[kept]).tolist()
    if item is None:
        return [Request(str(name)) for name in ids], tuple(notes)
    notes.append(f"what users took by {item!r} is their history, after what the model knows of them")
    items = read_column(frame[item], item, "categorical").values
    kept &= ~pd.isna(items)
    order = order_of(frame, data.time_column if data.time_column in names else None)
    order = order[kept[order]]
    taken = pd.Series(items[order]).groupby(users[order], sort=False).agg(list)
    return [Request(str(name), tuple(map(str, taken.get(name, [])[-_LATEST:]))) for name in ids], tuple(notes)


def answer_all(
    bundle: Bundle, requests: Sequence[Request], origin: Origin, writer: TableWriter, log: Callable[..., None] | None
) -> AnswerCounts:
    """Answer `requests`, write a row for each item, and tell `log` of each request.

    Returns
    -------
    AnswerCounts
        Of the first items' scores.
    """
    scorer, counts = RecommendingScorer(bundle.files["model.onnx"]), AnswerCounts(bundle.signature)
    for start in range(0, len(requests), _AT_ONCE):
        part = requests[start : start + _AT_ONCE]
        answers = scorer.recommend(part)
        numbers = range(start, start + len(part))
        ids = [f"{origin.request_id}/{number}" if number else origin.request_id for number in numbers]
        writer.write(_rows(part, answers, ids, origin))
        counts.add(Answer(prediction=np.array([one.scores[0] if one.scores else 0.0 for one in answers])))
        if log is not None:
            inputs: dict[str, list[Any]] = {
                "user": [one.user for one in part],
                "history": [list(one.history) for one in part],
                "k": [one.k for one in part],
            }
            scores = [dict(zip(one.items, one.scores)) for one in answers]
            first = [one.items[0] if one.items else None for one in answers]
            answered = {"label": first, "probabilities": scores}
            log(first=start, inputs=inputs, answers=answered, entity_ids=[one.user for one in part])
    return counts


def _rows(requests: Sequence[Request], answers: Sequence[Recommendation], ids: Sequence[str], origin: Origin) -> dict[str, list[Any]]:
    each = [(request, answer, name, rank) for request, answer, name in zip(requests, answers, ids) for rank in range(len(answer.items))]
    return {
        "user": [request.user for request, _, _, _ in each],
        "rank": [rank + 1 for _, _, _, rank in each],
        "item": [answer.items[rank] for _, answer, _, rank in each],
        "title": [answer.titles[rank] for _, answer, _, rank in each],
        "score": [answer.scores[rank] for _, answer, _, rank in each],
        "because": [answer.because[rank] for _, answer, _, rank in each],
        "prediction_id": [name for _, _, name, _ in each],
        "model": [origin.model] * len(each),
        "version": [origin.version] * len(each),
        "digest": [origin.digest] * len(each),
    }
