"""`with_labels`: the interactions that a recommender is trained on again: those of its source, and what users took since by the log.

A label is what a user took (`switchyard.tabular.tasks.recommendation`), so a labelled prediction whose user is known is an
interaction, of the moment of the request. Histories of requests are none: nobody knows when they were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from switchyard.monitoring.retraining.labelled import labelled_frames
from switchyard.monitoring.retraining.rows import TrainingRows
from switchyard.tabular.config.problem import Data, Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.interactions import Interactions
from switchyard.tabular.report.words import count_of

_DAY_MS = 86_400_000
_SAME = 1.0
"""Days by which the source may date an interaction otherwise than the log."""


@dataclass(frozen=True)
class Taken:
    """What users took by the labels of the log.

    Attributes
    ----------
    rows : DataFrame with the columns user, item (str) and day (float64, days since 1970)
        Oldest first; a user's same item once.
    nameless : int
        Labelled predictions that name no user: nothing is learnt from them.
    """

    rows: pd.DataFrame
    nameless: int = 0


def taken_since(engine: Engine, model: str) -> Taken:
    """All labels of `model` in the prediction log."""
    parts = [pd.DataFrame({"user": [], "item": [], "day": []}).astype({"user": object, "item": object})]
    for frame in labelled_frames(engine, model):
        users = [(inputs or {}).get("user") for inputs in frame["inputs"]]
        named = [str(user) if user not in (None, "") else entity for user, entity in zip(users, frame["entity_id"])]
        days = frame["event_time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / (_DAY_MS * 1e6)
        parts.append(pd.DataFrame({"user": named, "item": frame["actual"].astype(str), "day": days}))
    rows = pd.concat(parts, ignore_index=True)
    there = rows["user"].notna()
    kept = rows[there].sort_values("day", kind="stable").drop_duplicates(["user", "item"]).reset_index(drop=True)
    return Taken(kept, int((~there).sum()))


def with_labels(log: Interactions, taken: Taken, problem: Problem, source: str, window_days: float | None) -> TrainingRows:
    """Old and new interactions in one frame, in the order of time, and the problem to train on them.

    Parameters
    ----------
    log : Interactions
        Of the model's source, as it is now.
    taken : Taken
        What the source has by now (the same user and item, up to a day before the request or later) is left out.
    problem : Problem
        Settled for `log`.
    source : str
        What to call the source.
    window_days : float or None
        Keep the rows of the last so many days; all where None.

    Raises
    ------
    InputError
        The source's column of time holds numbers that are no moments, or a window is asked for without moments.
    """
    data = problem.data
    _check_times(log, data, window_days)
    fresh = taken.rows[~_there(log, taken.rows)]
    assert data.user and data.item
    columns: dict[str, np.ndarray] = {
        data.user: np.append(log.user_ids[log.users], fresh["user"]),
        data.item: np.append(log.item_ids[log.items], fresh["item"]),
    }
    if data.weight:
        columns[data.weight] = np.append(log.weights, np.full(len(fresh), np.median(log.weights)))
    days, kept = np.append(log.times, fresh["day"]), np.ones(len(log) + len(fresh), dtype=bool)
    if data.time_column not in (None, "@row"):
        columns[str(data.time_column)] = pd.to_datetime((days * _DAY_MS).round(), unit="ms").to_numpy()
        kept = days >= days.max() - window_days if window_days is not None else kept
    last = f" until {pd.Timestamp(fresh['day'].max(), unit='D'):%Y-%m-%d}" if len(fresh) else ""
    within = f", of the last {window_days:g} days" if window_days is not None else ""
    label = f"{source} and {count_of(len(fresh), 'labelled prediction')}{last}{within}"
    notes = (
        [f"{count_of(taken.nameless, 'labelled prediction')} without a user left out: send `user`, or x-entity-id"]
        if taken.nameless
        else []
    )
    if data.weight and len(fresh):
        notes.append(f"the new rows have the median {data.weight!r} of the old ones, {np.median(log.weights):g}")
    old = int(kept[: len(log)].sum())
    return TrainingRows(pd.DataFrame(columns)[kept].reset_index(drop=True), problem, old, int(kept.sum()) - old, label, tuple(notes))


def _check_times(log: Interactions, data: Data, window_days: float | None) -> None:
    dated = data.time_column not in (None, "@row")
    if dated and not log.dated:
        raise InputError(f"time column {data.time_column!r} holds numbers, and the prediction log keeps moments; make it a date to retrain")
    if window_days is not None and not dated:
        raise InputError("retraining.window_days needs the rows' dates: set data.time_column to a column of dates, or leave it out")


def _there(log: Interactions, rows: pd.DataFrame) -> np.ndarray:
    """Which of `rows` the source has by now, bool of shape (n,)."""
    latest = pd.Series(
        log.times if log.dated else np.inf, index=pd.MultiIndex.from_arrays([log.user_ids[log.users], log.item_ids[log.items]])
    )
    latest = latest.groupby(level=[0, 1]).max()
    found = latest.reindex(pd.MultiIndex.from_frame(rows[["user", "item"]])).to_numpy()
    return np.nan_to_num(found, nan=-np.inf) >= rows["day"].to_numpy() - _SAME
