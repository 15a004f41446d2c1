"""A table of who took what, or a part of it, as a window: each user of it is asked for once, with the version in production."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from switchyard.bundle import Bundle
from switchyard.bundle.recommending import RecommendingScorer
from switchyard.bundle.requests import Request
from switchyard.monitoring.look import TICK, Look, in_utc, span_of
from switchyard.monitoring.recommending.catalogue import Catalogue
from switchyard.monitoring.recommending.hits import ranks_of
from switchyard.monitoring.recommending.shown import TAKEN
from switchyard.monitoring.reference import Reference
from switchyard.monitoring.table_window import between
from switchyard.monitoring.window import Window, WindowFacts
from switchyard.tabular.config.problem import Data
from switchyard.tabular.errors import InputError
from switchyard.tabular.recommendation.interactions import Interactions, read_interactions
from switchyard.tabular.recommendation.measures import K
from switchyard.tabular.recommendation.roles import Roles, role_in

_LATEST = 300


@dataclass(frozen=True)
class _Visitor:
    """A user of the window: what goes with the request, and what was taken."""

    user: str
    history: tuple[str, ...]
    label: str | None
    """The first item that was taken next and can be asked for; None where there is none."""
    taken: tuple[str, ...]


def window_of_interactions(
    raw: pd.DataFrame, bundle: Bundle, model: str, version: str, reference: Reference, look: Look, most_rows: int, revision: str = ""
) -> Window:
    """Ask the version in production for each user of a table, or of its last part.

    A user's history is what it took in the table before the window, after what the version knows of it; the label is the first item
    of the window that is new to it. A user of whom nothing is known is asked for with the first half of what it took, as on the
    holdout. What the version has learnt from is no label: by dates, and without them whatever a user took that it knows.

    Parameters
    ----------
    raw : DataFrame
        As a source delivers it, with the columns of users and items that the training's had.
    bundle : Bundle
        The version's.
    reference : Reference
        The version's.
    look : Look
        A number of rows means the last interactions; times need a time column.
    revision : str
        Of the table's content.

    Raises
    ------
    InputError
        Times are asked for and the table has none, a column is missing, or nothing is in the window.
    """
    item = reference.facts.target
    log = _read(raw, reference.facts.problem.data, look)
    moments = pd.Series(pd.to_datetime(log.times, unit="D", utc=True).round("ms")) if log.dated else None
    at = _asked(log, moments, look)
    visitors = _visitors(log, at, _learnt(log, bundle.signature.trained_until), reference.catalogue)
    some = visitors
    if len(visitors) > most_rows:
        drawn = np.random.default_rng(0).choice(len(visitors), most_rows, replace=False)
        some = [visitors[place] for place in np.sort(drawn)]
    labelled = sum(one.label is not None for one in visitors)
    first, last = int(at.min()) + 1, int(at.max()) + 1
    if moments is None:
        since = until = datetime.now(UTC)
    else:
        since, until = look.since or moments[at].min().to_pydatetime(), look.until or moments[at].max().to_pydatetime() + TICK
    return Window(
        WindowFacts(
            model=model,
            version=version,
            digest=reference.facts.digest,
            since=in_utc(since),
            until=in_utc(until),
            source=f"{look.source}, rows {first:,} to {last:,}" if moments is None else look.source,
            identity=f"table {revision or _digest(log)} {len(at)} {first} {last}",
            rows=len(visitors),
            looked_at=len(some),
            labelled=labelled,
            received=labelled,
            of_production=False,
            timed=log.dated,
        ),
        pd.DataFrame({item: [one.taken[-1] for one in some]}, dtype=object),
        _answers(bundle, some),
    )


def _read(raw: pd.DataFrame, data: Data, look: Look) -> Interactions:
    names = list(map(str, raw.columns))
    frame = raw.set_axis(names, axis=1).reset_index(drop=True)
    time = data.time_column if data.time_column in names else None
    user, item = (str(role_in(names, look.source, role, said)) for role, said in (("user", data.user), ("item", data.item)))
    log, _ = read_interactions(frame, Roles(user, item, time), look.source, to_learn=False)
    if not log.dated and (look.since or look.until or isinstance(look.window and span_of(look.window), timedelta)):
        raise InputError(f"{look.source} has no time column to go by; use --window ROWS, or set data.time_column")
    return log


def _asked(log: Interactions, moments: pd.Series | None, look: Look) -> np.ndarray:
    """Places of the rows in the window, in the order of time."""
    at = np.arange(len(log))
    if moments is not None and len(at):
        at = between(at, moments, look)
    if look.window and isinstance(rows := span_of(look.window), int):
        at = at[-rows:]
    if len(at) == 0:
        raise InputError(f"{look.source} has no rows in this window")
    return at


def _learnt(log: Interactions, trained_until: str | None) -> np.ndarray:
    """Which rows the version may have learnt from, bool of shape (n,)."""
    if not log.dated or trained_until is None:
        return np.ones(len(log), dtype=bool)
    until = pd.Timestamp(trained_until)
    seconds = (until if until.tzinfo else until.tz_localize("UTC")).timestamp()
    # Days are fractions: a moment may be off by less than a second.
    return log.times * 86_400 < seconds + 0.5


def _visitors(log: Interactions, at: np.ndarray, learnt: np.ndarray, catalogue: Catalogue | None) -> list[_Visitor]:
    assert catalogue is not None
    strange = np.array(catalogue.strangers(log.user_ids.tolist()), dtype=bool)
    inside = np.zeros(len(log), dtype=bool)
    inside[at] = True
    order = np.argsort(log.users, kind="stable")
    bounds = np.searchsorted(log.users[order], np.arange(log.n_users + 1))
    items, found = log.item_ids.astype(str), []
    for user in pd.unique(log.users[at]):
        rows = order[bounds[user] : bounds[user + 1]]
        now = rows[inside[rows]]
        before = rows[rows < now[0]]
        taken = tuple(items[log.items[now]].tolist())
        history: Sequence[str] = items[log.items[before]].tolist()
        if strange[user]:
            distinct = list(dict.fromkeys(taken))
            half = 0 if len(before) else len(distinct) // 2
            history, later = [*history, *distinct[:half]], distinct[half:]
        else:
            # What it learnt from without dates is unknown, but for users whom it has never met.
            history = [*history, *items[log.items[now[learnt[now]]]].tolist()]
            later = items[log.items[now[~learnt[now]]]].tolist()
        label = next((name for name in later if name not in set(history)), None)
        found.append(_Visitor(str(log.user_ids[user]), tuple(history[-_LATEST:]), label, taken))
    return found


def _answers(bundle: Bundle, visitors: Sequence[_Visitor]) -> pd.DataFrame:
    """As `switchyard.monitoring.recommending.shown.shown_in` has them, and `TAKEN`."""
    requests = [Request(user=one.user, history=one.history, k=K) for one in visitors]
    answered = RecommendingScorer(bundle.files["model.onnx"]).recommend(requests)
    frame = pd.DataFrame(
        {
            "actual": pd.Series([one.label for one in visitors], dtype=object),
            "user": [one.user for one in visitors],
            "label": [one.items[0] if one.items else None for one in answered],
            "shown": [list(one.items) for one in answered],
            "history": [list(one.history) for one in visitors],
            "k": K,
            TAKEN: [list(one.taken) for one in visitors],
        }
    )
    return frame.assign(rank=ranks_of(frame))


def _digest(log: Interactions) -> str:
    content = hashlib.sha256()
    for part in (log.users, log.items, log.times):
        content.update(np.ascontiguousarray(part).tobytes())
    content.update("\0".join((*log.user_ids, *log.item_ids)).encode())
    return content.hexdigest()
