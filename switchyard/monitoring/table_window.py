"""A table, or a part of it, as a window: scored with the version in production."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from switchyard.bundle import Scorer, Signature
from switchyard.monitoring.answers import answer_columns
from switchyard.monitoring.known import conformed, known_labels
from switchyard.monitoring.look import TICK, Look, in_utc, span_of
from switchyard.monitoring.reference import ReferenceFacts
from switchyard.monitoring.window import Window, WindowFacts
from switchyard.tabular.config.problem import Data
from switchyard.tabular.errors import InputError
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.tables.reading.sources import RawTable, read_source
from switchyard.tabular.tables.reading.sql import is_database
from switchyard.tabular.tables.typing.values import values_in


def read_table(location: str, training: Data) -> RawTable:
    """The table at `location`, read as the training's was; the training's query is for databases alone."""
    query = training.query if is_database(location) else None
    return read_source(training.model_copy(update={"source": location, "query": query}))


def window_of_table(
    raw: pd.DataFrame, scorer: Scorer, model: str, version: str, reference: ReferenceFacts, look: Look, most_rows: int, revision: str = ""
) -> Window:
    """Score a table, or its last part, with the version in production.

    Parameters
    ----------
    raw : DataFrame
        As a source delivers it. Its target, where it has one, is the labels.
    scorer : Scorer
        Of the version's bundle.
    look : Look
        A number of rows means the last ones; times need a time column.
    revision : str
        Of the table's content.

    Raises
    ------
    InputError
        Times are asked for and the table has none, or a column of the model is missing.
    """
    time = reference.problem.data.time_column
    moments = _moments(raw, time, scorer.signature) if time and time != "@row" else None
    at = _rows_of(look, len(raw), moments)
    counted = len(at)
    target = reference.target
    has_labels = target in raw.columns
    labelled = int(raw[target].iloc[at].notna().sum()) if has_labels else 0
    if counted > most_rows:
        at = at[np.sort(np.random.default_rng(0).choice(counted, most_rows, replace=False))]
    part = raw.iloc[at].reset_index(drop=True)
    frame, absent = conformed(part.drop(columns=target, errors="ignore"), reference, strict=True)
    answers = answer_columns(predict_served(scorer, frame), reference.classes)
    actual, unreadable = known_labels(part[target] if has_labels else pd.Series([None] * len(part), dtype=object), reference, logged=False)
    answers.insert(0, "actual", actual)
    if moments is not None:
        chosen = moments.iloc[at]
        since, until = look.since or chosen.min().to_pydatetime(), look.until or chosen.max().to_pydatetime() + TICK
    else:
        since = until = datetime.now(UTC)
    first, last = (int(at.min()) + 1, int(at.max()) + 1)
    return Window(
        WindowFacts(
            model=model,
            version=version,
            digest=reference.digest,
            since=in_utc(since),
            until=in_utc(until),
            source=f"{look.source}, rows {first:,} to {last:,}" if moments is None else look.source,
            identity=f"table {revision or _digest(part)} {counted} {first} {last}",
            rows=counted,
            looked_at=len(part),
            labelled=labelled,
            received=labelled,
            unreadable=unreadable,
            absent=absent,
            of_production=False,
            timed=moments is not None,
        ),
        frame,
        answers,
    )


def _rows_of(look: Look, size: int, moments: pd.Series | None) -> np.ndarray:
    """Positions of the rows that are looked at, of a table of `size`: in order of their moments, where it has any."""
    if moments is None and (look.since or look.until or isinstance(look.window and span_of(look.window), timedelta)):
        raise InputError(f"{look.source} has no time column to go by; use --window ROWS, or set data.time_column")
    at = np.arange(size)
    if moments is not None:
        at = between(at[np.argsort(moments.to_numpy(), kind="stable")], moments, look)
    if look.window and isinstance(rows := span_of(look.window), int):
        at = at[-rows:]
    if len(at) == 0:
        raise InputError(f"{look.source} has no rows in this window")
    return at


def _moments(raw: pd.DataFrame, name: str, signature: Signature) -> pd.Series | None:
    if name not in raw.columns:
        return None
    moments = pd.Series(values_in(raw[name], signature.moments_in(name)).values).dt.tz_localize("UTC")
    return moments if moments.notna().all() else None


def between(at: np.ndarray, moments: pd.Series, look: Look) -> np.ndarray:
    """Those of the places `at` whose moments, in UTC, are within what `look` says of times."""
    until = pd.Timestamp(in_utc(look.until)) if look.until else None
    since = pd.Timestamp(in_utc(look.since)) if look.since else None
    if look.window and isinstance(span := span_of(look.window), timedelta):
        since = (until or moments.max() + TICK) - span
    values = moments.iloc[at]
    kept = np.ones(len(at), dtype=bool)
    if since is not None:
        kept &= (values >= since).to_numpy()
    if until is not None:
        kept &= (values < until).to_numpy()
    return at[kept]


def _digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(frame.astype(str), index=False).to_numpy().tobytes()).hexdigest()
