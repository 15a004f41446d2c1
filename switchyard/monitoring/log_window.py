"""A window of the prediction log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from switchyard.monitoring.answers import DISTANCE, LABEL, LOWER, PREDICTION, UPPER
from switchyard.monitoring.known import conformed, known_labels
from switchyard.monitoring.look import TICK, Look, in_utc, span_of
from switchyard.monitoring.recommending.shown import shown_in
from switchyard.monitoring.reference import ReferenceFacts
from switchyard.monitoring.window import Window, WindowFacts
from switchyard.predictionlog import count_labels, count_versions, newest_prediction, read_window, span_of_last
from switchyard.predictionlog.records import BATCH, INPUT, PROBABILITY
from switchyard.tabular.errors import InputError
from switchyard.tabular.tasks import kind_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

Of = Literal["requests", "tables"]
_ROLES: dict[Of, str] = {"requests": "live", "tables": BATCH}
_OF_REQUESTS = ("inputs", "probabilities", "label", "entity_id", "actual")
_SOURCES: dict[Of, str] = {"requests": "prediction log", "tables": "prediction log, scored tables"}


def window_of_log(
    engine: Engine,
    model: str,
    version: str,
    reference: ReferenceFacts,
    look: Look,
    default: str,
    most_rows: int,
    of: Literal["auto", "requests", "tables"] = "auto",
    enough: int = 1,
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
    of : str
        Whose predictions, where `look` does not say.
    enough : int
        With auto: so many requests are looked at though tables have more.

    Raises
    ------
    InputError
        The log has no such prediction of the version.
    """
    digest = reference.digest
    kind = _chosen(engine, model, digest, look, default, look.of or of, enough)
    role = _ROLES[kind]
    since, until = _bounds(engine, model, digest, look, default, kind)
    versions = count_versions(engine, since, until, model, role)
    rows = sum(count for (_, found), count in versions.items() if found == digest)
    others = {label: count for (label, found), count in sorted(versions.items()) if found != digest}
    other: Of = "tables" if kind == "requests" else "requests"
    elsewhere = sum(count_versions(engine, since, until, model, _ROLES[other]).values())
    share = min(1.0, most_rows / rows) if rows else 1.0
    columns = kind_of(reference.problem.task).columns
    logged = read_window(engine, since, until, model=model, role=role, digest=digest, share=share, spread=columns)
    absent: tuple[str, ...] = ()
    unreadable = 0
    if columns:
        raw = _together([_compact(part) for part in logged])
        inputs = {name.removeprefix(INPUT): raw[name] for name in raw.columns if name.startswith(INPUT)}
        frame, absent = conformed(pd.DataFrame(inputs, index=raw.index), reference)
        answers, unreadable = _logged_answers(raw, reference)
    else:
        # Any item may be a label: whether the version knows it is a share that is watched, and no fault.
        frame, answers = shown_in(_together([part[list(_OF_REQUESTS)] for part in logged]), reference.target)
    arrivals = count_labels(engine, since, until, model, digest, role)
    return Window(
        WindowFacts(
            model=model,
            version=version,
            digest=digest,
            since=in_utc(since),
            until=in_utc(until),
            source=_SOURCES[kind],
            identity=f"log {in_utc(since).isoformat()} {in_utc(until).isoformat()}",
            rows=rows,
            looked_at=len(answers),
            others=others,
            of=kind,
            batch=elsewhere if kind == "requests" else 0,
            requests=elsewhere if kind == "tables" else 0,
            unreadable=unreadable,
            absent=absent,
            **vars(arrivals),
        ),
        frame,
        answers,
    )


def _chosen(
    engine: Engine, model: str, digest: str, look: Look, default: str, of: Literal["auto", "requests", "tables"], enough: int
) -> Of:
    """Whose predictions are looked at: with auto, those of tables where the window has too few requests, and fewer than of tables."""
    if of != "auto":
        return of
    kinds: tuple[Of, ...] = ("requests", "tables")
    there = [kind for kind in kinds if newest_prediction(engine, model, digest, _ROLES[kind]) is not None]
    if len(there) < 2:
        return there[0] if there else "requests"
    requests, tables = (
        count_versions(engine, *_bounds(engine, model, digest, look, default, kind), model, _ROLES[kind]).items() for kind in kinds
    )
    asked, scored = (sum(rows for (_, found), rows in counted if found == digest) for counted in (requests, tables))
    return "requests" if asked >= min(enough, scored) else "tables"


def _bounds(engine: Engine, model: str, digest: str, look: Look, default: str, kind: Of) -> tuple[datetime, datetime]:
    role = _ROLES[kind]
    newest = newest_prediction(engine, model, digest, role)
    if newest is None and (look.since is None or look.until is None):
        what = "prediction" if kind == "requests" else "prediction of a table"
        raise InputError(
            f"the prediction log has no {what} of the version of {model!r} that is in production;"
            " send some to the endpoint, score a table (--pipeline inference), or monitor a table with --data FILE"
        )
    if look.since is not None:
        return look.since, look.until or newest + TICK
    span = span_of(look.window or default)
    if isinstance(span, timedelta):
        until = look.until or newest + TICK
        return until - span, until
    if look.until is not None:
        raise InputError("--window ROWS takes the newest predictions; with --until give a time, as in --window 7d, or --since")
    found = span_of_last(engine, span, model, digest, role)
    return found if found else (newest, newest + TICK)


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _compact(part: pd.DataFrame) -> pd.DataFrame:
    """Only what is looked at, so that a window of many rows stays small."""
    answers = (LABEL, PREDICTION, LOWER, UPPER, "actual")
    return part[[name for name in part.columns if name.startswith((INPUT, PROBABILITY)) or name in answers]]


def _logged_answers(raw: pd.DataFrame, reference: ReferenceFacts) -> tuple[pd.DataFrame, int]:
    if reference.classes:
        names = [f"{PROBABILITY}{label}" for label in reference.classes]
        columns: dict[str, Any] = {name: pd.to_numeric(raw[name]) if name in raw else np.empty(0) for name in names}
        columns[LABEL] = raw[LABEL] if LABEL in raw else np.empty(0, dtype=object)
        if reference.unlike is not None:
            # The log keeps a distance where a regression has its prediction.
            columns[DISTANCE] = pd.to_numeric(raw[PREDICTION]) if PREDICTION in raw else np.empty(0)
    else:
        columns = {name: pd.to_numeric(raw[name]) for name in (PREDICTION, LOWER, UPPER) if name in raw}
        columns = columns or {PREDICTION: np.empty(0)}
    answers = pd.DataFrame(columns)
    actual, unreadable = known_labels(raw["actual"] if "actual" in raw else pd.Series([], dtype=object), reference)
    answers.insert(0, "actual", actual)
    return answers, unreadable
