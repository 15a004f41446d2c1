"""`shown_in`: from rows of the prediction log to what was asked, shown and taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from switchyard.bundle.encoding import BadInput
from switchyard.bundle.requests import KEYS, Request
from switchyard.monitoring.recommending.hits import ranks_of

COLUMNS = ("actual", "user", "label", "shown", "history", "k", "rank")
TAKEN = "taken"
"""One more column where the window is a table: all that the user took in it, of which `actual` is one."""


def shown_in(raw: pd.DataFrame, item: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows and answers of a window of requests, in their order.

    Parameters
    ----------
    raw : DataFrame
        As `switchyard.predictionlog.read_window` yields it, inputs and probabilities whole.
    item : str
        What the training table called the column of items.

    Returns
    -------
    rows : DataFrame with the column `item`
        The latest item of the history that came with the request; None where there was none.
    answers : DataFrame with the columns `COLUMNS`
        `actual` is the label or None; `user` who asked or None; `label` the first item shown; `shown` and `history` lists; `k` what
        was asked for; `rank` the place of the label among what was shown, NaN where it was not.
    """
    if raw.empty:
        return pd.DataFrame({item: pd.Series(dtype=object)}), pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})
    requests = [_request(inputs) for inputs in raw["inputs"]]
    entities = raw["entity_id"].tolist()
    frame = pd.DataFrame(
        {
            "actual": raw["actual"].astype(object).where(raw["actual"].notna(), None),
            "user": [request.user or entity for request, entity in zip(requests, entities)],
            "label": raw["label"],
            # The log's databases keep the order of keys; the scores say it once more.
            "shown": [_best_first(scores) for scores in raw["probabilities"]],
            "history": [list(request.history) for request in requests],
            "k": [request.k for request in requests],
        }
    ).reset_index(drop=True)
    latest = np.array([request.history[-1] if request.history else None for request in requests], dtype=object)
    return pd.DataFrame({item: latest}), frame.assign(rank=ranks_of(frame))


def taken_in(answers: pd.DataFrame) -> pd.DataFrame:
    """What was taken, as columns user and item: by the labels, or by all rows of a table."""
    if TAKEN not in answers:
        return pd.DataFrame({"user": answers["user"], "item": answers["actual"]}).dropna(subset="item")
    each = answers[["user", TAKEN]].explode(TAKEN, ignore_index=True)
    return each.set_axis(["user", "item"], axis=1).dropna(subset="item")


def _request(inputs: Mapping[str, Any] | None) -> Request:
    try:
        return Request.of({name: value for name, value in (inputs or {}).items() if name in KEYS})
    except BadInput:
        # What an earlier version of the service let pass.
        return Request()


def _best_first(scores: Mapping[str, float] | None) -> list[str]:
    return sorted(scores or {}, key=lambda name: -(scores or {})[name])
