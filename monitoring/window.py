"""The `Window`: predictions that were made in production, with the labels that have come for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from bundle import Scorer
from monitoring.answers import LABEL, LOWER, PREDICTION, PROBABILITY, UPPER, answer_columns, predictions_in
from monitoring.look import Look, span_of
from monitoring.reference import ReferenceFacts
from predictionlog import count_labels, count_versions, newest_prediction, read_window, span_of_last
from tabular.errors import InputError
from tabular.evaluation.predictions import Predictions
from tabular.evaluation.served import predict_served
from tabular.html import page, table
from tabular.inference import conform
from tabular.schema import Schema
from tabular.storable import Fact, Storable
from tabular.table import read_frame, write_frame

if TYPE_CHECKING:
    from sqlalchemy import Engine

_INPUT = "input."
_TICK = timedelta(microseconds=1)


class WindowFacts(BaseModel):
    """Everything about a window but its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: str
    digest: str
    since: datetime
    until: datetime
    source: str
    """The prediction log, or a table, in words."""
    identity: str
    """Equal for a repeated look at the same window."""
    rows: int
    """Predictions of this version, counted exactly."""
    looked_at: int
    """Of them, the rows of this object: all, or a sample."""
    others: dict[str, int] = {}
    """Predictions of other versions in the same time: version -> rows. They are left out."""
    labelled: int = 0
    received: int = 0
    repeated: int = 0
    corrected: int = 0
    late: int = 0
    """Labels, counted exactly over all rows; `predictionlog.Arrivals` says what each is."""
    unreadable: int = 0
    """Labels, among the rows looked at, that are no class of the model, or no number."""
    absent: tuple[str, ...] = ()
    """Columns of the model that the window does not have."""
    timed: bool = True
    """False where rows have no time: `since` and `until` are when they were first looked at."""


@dataclass(frozen=True)
class Window(Storable):
    """Rows in canonical types, and the answers they got."""

    facts_: WindowFacts
    rows: pd.DataFrame
    """Columns of the model and of slices that are there."""
    answers: pd.DataFrame
    """Columns as of `monitoring.answers`, and `actual`: the label that holds, None or NaN where none has come."""

    def predictions(self, classes: tuple[str, ...], at: np.ndarray | None = None) -> Predictions:
        """The answers, of all rows or of those `at` these positions."""
        return predictions_in(self.answers if at is None else self.answers.iloc[at], classes)

    @property
    def labelled(self) -> np.ndarray:
        """Positions of the rows with a label."""
        return np.flatnonzero(self.answers["actual"].notna().to_numpy())

    def write(self, folder: Path) -> None:
        (folder / "window.json").write_text(self.facts_.model_dump_json(indent=1), encoding="utf-8")
        write_frame(self.rows, folder / "rows.parquet")
        write_frame(self.answers, folder / "answers.parquet")

    @classmethod
    def read(cls, folder: Path) -> Self:
        facts = WindowFacts.model_validate_json((folder / "window.json").read_text(encoding="utf-8"))
        return cls(facts, read_frame(folder / "rows.parquet"), read_frame(folder / "answers.parquet"))

    def facts(self) -> dict[str, Fact]:
        facts = self.facts_
        return {"version": facts.version, "rows": facts.rows, "looked_at": facts.looked_at, "labelled": facts.labelled}

    def html(self) -> str:
        facts = self.facts_
        counts = [
            ("predictions", facts.rows),
            ("looked at", facts.looked_at),
            ("with a label", facts.labelled),
            ("labels received", facts.received),
            ("labels that repeated the one before", facts.repeated),
            ("labels that corrected the one before (the last holds)", facts.corrected),
            ("predictions whose first label came after the window's end", facts.late),
            ("labels looked at that the model does not know", facts.unreadable),
            *((f"predictions of version {version}, left out", rows) for version, rows in facts.others.items()),
        ]
        absent = [("Columns that the window does not have", ", ".join(facts.absent))] if facts.absent else []
        return page(f"Window of {facts.model} version {facts.version}", [("Counts", table(("what", "number"), counts)), *absent], in_words(facts))


def in_words(facts: WindowFacts) -> str:
    """Which window it is, for people."""
    if not facts.timed:
        return facts.source
    return f"{facts.source}, {facts.since:%Y-%m-%d %H:%M:%S} up to {facts.until:%Y-%m-%d %H:%M:%S} UTC"


def window_of_log(
    engine: Engine, model: str, version: str, reference: ReferenceFacts, look: Look, default: str, most_rows: int
) -> Window:
    """Read a window of the prediction log.

    Parameters
    ----------
    engine : Engine
        Of the log.
    model, version : str
        In production. Rows that another version answered are counted and left out.
    reference : ReferenceFacts
        Of that version.
    look : Look
    default : str
        The window where `look` names no beginning.
    most_rows : int
        Rows looked at. A larger window is sampled by the database, evenly over time; counts stay exact.
    """
    digest = reference.digest
    since, until = _bounds(engine, model, digest, look, default)
    versions = count_versions(engine, since, until, model)
    rows = sum(count for (_, found), count in versions.items() if found == digest)
    others = {label: count for (label, found), count in sorted(versions.items()) if found != digest}
    share = min(1.0, most_rows / rows) if rows else 1.0
    parts = [_compact(part) for part in read_window(engine, since, until, model=model, digest=digest, share=share)]
    raw = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    arrivals = count_labels(engine, since, until, model, digest)
    inputs = {name.removeprefix(_INPUT): raw[name] for name in raw.columns if name.startswith(_INPUT)}
    frame, absent = _conformed(pd.DataFrame(inputs, index=raw.index), reference)
    answers, unreadable = _logged_answers(raw, reference)
    return Window(
        WindowFacts(
            model=model,
            version=version,
            digest=digest,
            since=_zoned(since),
            until=_zoned(until),
            source="prediction log",
            identity=f"log {_zoned(since).isoformat()} {_zoned(until).isoformat()}",
            rows=rows,
            looked_at=len(raw),
            others=others,
            unreadable=unreadable,
            absent=absent,
            **vars(arrivals),
        ),
        frame,
        answers,
    )


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
    moments = _moments(raw, time) if time and time != "@row" else None
    if moments is None and (look.since or look.until or isinstance(look.window and span_of(look.window), timedelta)):
        raise InputError(f"{look.source} has no time column to go by; use --window ROWS, or set data.time_column")
    at = np.arange(len(raw))
    if moments is not None:
        at = at[np.argsort(moments.to_numpy(), kind="stable")]
        at = _between(at, moments, look)
    if look.window and isinstance(rows := span_of(look.window), int):
        at = at[-rows:]
    if len(at) == 0:
        raise InputError(f"{look.source} has no rows in this window")
    counted = len(at)
    target = reference.target
    has_labels = target in raw.columns
    labelled = int(raw[target].iloc[at].notna().sum()) if has_labels else 0
    if counted > most_rows:
        at = at[np.sort(np.random.default_rng(0).choice(counted, most_rows, replace=False))]
    part = raw.iloc[at].reset_index(drop=True)
    frame, absent = _conformed(part.drop(columns=target, errors="ignore"), reference, strict=True)
    answers = answer_columns(predict_served(scorer, frame), reference.classes)
    actual, unreadable = _actual(part[target] if has_labels else pd.Series([None] * len(part), dtype=object), reference)
    answers.insert(0, "actual", actual)
    if moments is not None:
        chosen = moments.iloc[at]
        since, until = look.since or chosen.min().to_pydatetime(), look.until or chosen.max().to_pydatetime() + _TICK
    else:
        since = until = datetime.now(UTC)
    first, last = (int(at.min()) + 1, int(at.max()) + 1)
    return Window(
        WindowFacts(
            model=model,
            version=version,
            digest=reference.digest,
            since=_zoned(since),
            until=_zoned(until),
            source=f"{look.source}, rows {first:,} to {last:,}" if moments is None else look.source,
            identity=f"table {revision or _digest(part)} {counted} {first} {last}",
            rows=counted,
            looked_at=len(part),
            labelled=labelled,
            received=labelled,
            unreadable=unreadable,
            absent=absent,
            timed=moments is not None,
        ),
        frame,
        answers,
    )


def _bounds(engine: Engine, model: str, digest: str, look: Look, default: str) -> tuple[datetime, datetime]:
    newest = newest_prediction(engine, model, digest)
    if newest is None and (look.since is None or look.until is None):
        raise InputError(
            f"the prediction log has no prediction of the version of {model!r} that is in production;"
            " send some to the endpoint, or monitor a table with --data FILE"
        )
    if look.since is not None:
        return look.since, look.until or newest + _TICK
    span = span_of(look.window or default)
    if isinstance(span, timedelta):
        until = look.until or newest + _TICK
        return until - span, until
    if look.until is not None:
        raise InputError("--window ROWS takes the newest predictions; with --until give a time, as in --window 7d, or --since")
    found = span_of_last(engine, span, model, digest)
    return found if found else (newest, newest + _TICK)


def _compact(part: pd.DataFrame) -> pd.DataFrame:
    """Only what is looked at, so that a window of many rows stays small."""
    answers = (LABEL, PREDICTION, LOWER, UPPER, "actual")
    return part[[name for name in part.columns if name.startswith((_INPUT, PROBABILITY)) or name in answers]]


def _conformed(raw: pd.DataFrame, reference: ReferenceFacts, strict: bool = False) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The model's columns in canonical types, and the names of those that are not there."""
    features = [column for column in reference.columns.columns if column.name != reference.target]
    there = [column for column in features if column.name in raw.columns or (strict and column.role == "feature")]
    if raw.empty:
        return pd.DataFrame({column.name: pd.Series(dtype="float64") for column in ()}), ()
    frame, _ = conform(raw, Schema(columns=tuple(there)))
    return frame, tuple(column.name for column in features if column.name not in frame)


def _logged_answers(raw: pd.DataFrame, reference: ReferenceFacts) -> tuple[pd.DataFrame, int]:
    if reference.classes:
        names = [f"{PROBABILITY}{label}" for label in reference.classes]
        columns: dict[str, Any] = {name: pd.to_numeric(raw[name]) if name in raw else np.empty(0) for name in names}
        columns[LABEL] = raw[LABEL] if LABEL in raw else np.empty(0, dtype=object)
    else:
        columns = {name: pd.to_numeric(raw[name]) for name in (PREDICTION, LOWER, UPPER) if name in raw}
        columns = columns or {PREDICTION: np.empty(0)}
    answers = pd.DataFrame(columns)
    actual, unreadable = _actual(raw["actual"] if "actual" in raw else pd.Series([], dtype=object), reference)
    answers.insert(0, "actual", actual)
    return answers, unreadable


def _actual(given: pd.Series, reference: ReferenceFacts) -> tuple[np.ndarray, int]:
    """Labels as the model's classes, or numbers; and how many are neither."""
    there = given.notna().to_numpy()
    if not reference.classes:
        values = pd.to_numeric(given, errors="coerce").to_numpy("float64")
        values = np.where(np.isfinite(values), values, np.nan)
        return values, int((there & np.isnan(values)).sum())
    from bundle.encoding import category

    classes = set(reference.classes)
    read: Sequence[str | None] = [category(value) if known else None for value, known in zip(given, there)]
    kept = np.array([label if label in classes else None for label in read], dtype=object)
    return kept, int(sum(known and label is None for known, label in zip(there, kept)))


def _moments(raw: pd.DataFrame, name: str) -> pd.Series | None:
    if name not in raw.columns:
        return None
    moments = pd.to_datetime(raw[name], errors="coerce", utc=True)
    return moments if moments.notna().all() else None


def _between(at: np.ndarray, moments: pd.Series, look: Look) -> np.ndarray:
    until = pd.Timestamp(_zoned(look.until)) if look.until else None
    since = pd.Timestamp(_zoned(look.since)) if look.since else None
    if look.window and isinstance(span := span_of(look.window), timedelta):
        since = (until or moments.max() + _TICK) - span
    values = moments.iloc[at]
    kept = np.ones(len(at), dtype=bool)
    if since is not None:
        kept &= (values >= since).to_numpy()
    if until is not None:
        kept &= (values < until).to_numpy()
    return at[kept]


def _digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(pd.util.hash_pandas_object(frame.astype(str), index=False).to_numpy().tobytes()).hexdigest()


def _zoned(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
