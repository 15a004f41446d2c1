"""Labels: what really happened, joined to predictions by prediction id, or by entity and time."""

from __future__ import annotations

import uuid
from bisect import insort
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, Row, or_, select, update

from switchyard.predictionlog.blocks import events_of, known_in
from switchyard.predictionlog.database import as_utc, labels, now, predictions
from switchyard.predictionlog.records import BATCH, Rows

WITHIN = timedelta(days=1)
_CHUNK = 500
_LABELS = 5_000
"""Joined at once: each time, the keys of the blocks are gone through."""


@dataclass(frozen=True)
class Label:
    """One label. It names a prediction by its id, or an entity and a time."""

    value: str
    """The class, or the number as text."""
    prediction_id: str | None = None
    entity_id: str | None = None
    event_time: datetime | None = None
    """Without a zone: UTC."""

    def __post_init__(self) -> None:
        if self.prediction_id is None and (self.entity_id is None or self.event_time is None):
            raise ValueError("a label needs a prediction id, or an entity id and a time")


@dataclass
class LabelCounts:
    """What became of the labels; the four add up to the labels given."""

    matched: int = 0
    """The prediction is there and had no label."""
    unmatched: int = 0
    """No prediction yet; the label is kept and takes hold when the prediction arrives."""
    duplicate: int = 0
    """The same label is there already; not kept again."""
    corrected: int = 0
    """The prediction had another label; both are kept, the new one holds."""


def add_labels(engine: Engine, given: Iterable[Label], source: str = "bulk", within: timedelta = WITHIN) -> LabelCounts:
    """Add labels in bulk.

    Parameters
    ----------
    engine : Engine
    given : iterable of Label
        Streamed; where one prediction is named twice, the later label holds.
    source : str
        Where they come from; kept with each.
    within : timedelta
        A label by entity and time belongs to the entity's latest prediction whose event time is not after the label's
        and not earlier by more than this. An equal time is always the latest such. Of predictions of requests and of
        whole tables each have a latest one, and both get the label: neither takes it from the other.

    Returns
    -------
    LabelCounts
    """
    counts, stream = LabelCounts(), iter(given)
    while chunk := list(islice(stream, _LABELS)):
        with engine.begin() as connection:
            _add_chunk(connection, chunk, source, within, counts)
    return counts


def _add_chunk(connection: Connection, chunk: Sequence[Label], source: str, within: timedelta, counts: LabelCounts) -> None:
    found = _predictions_of_entities(connection, {str(label.entity_id) for label in chunk if label.prediction_id is None})
    moments = [as_utc(label.event_time) for label in chunk if label.prediction_id is None and label.event_time is not None]
    _add_blocks(connection, found, {str(label.entity_id) for label in chunk if label.prediction_id is None}, moments, within)
    targets = [_targets(label, found, within) for label in chunk]
    wanted = {target for ids in targets for target in ids}
    known = _known(connection, wanted)
    current = {target: value for target, (value, _) in current_labels(connection, wanted).items()}
    pending = _pending(connection, {str(label.entity_id) for label in chunk if label.prediction_id is None})
    rows = []
    for label, ids in zip(chunk, targets):
        held = {current.get(target) for target in ids} if ids else {pending.get(_key(label))}
        if held == {label.value}:
            counts.duplicate += 1
            continue
        if not ids or not known.issuperset(ids):
            counts.unmatched += 1
        elif held <= {None, label.value}:
            counts.matched += 1
        else:
            counts.corrected += 1
        for target in ids or (None,):
            if target is not None and current.get(target) == label.value:
                continue
            rows.append(_row(label, target, source))
            if target is None:
                pending[_key(label)] = label.value
            else:
                current[target] = label.value
    if rows:
        connection.execute(labels.insert(), rows)


def _row(label: Label, target: str | None, source: str) -> dict[str, Any]:
    event_time = None if label.event_time is None else as_utc(label.event_time)
    identity = {"label_id": uuid.uuid4().hex, "received": now(), "source": source}
    return {"prediction_id": target, "entity_id": label.entity_id, "event_time": event_time, "value": label.value, **identity}


def _key(label: Label) -> tuple[Any, Any]:
    return label.entity_id, None if label.event_time is None else as_utc(label.event_time)


Events = dict[str, list[tuple[datetime, str, bool]]]


def _predictions_of_entities(connection: Connection, entities: Collection[str]) -> Events:
    """Event times and ids of the predictions of each entity, and whether a table was scored; oldest first."""
    columns = predictions.c
    query = select(columns.entity_id, columns.event_time, columns.prediction_id, columns.role).order_by(columns.event_time, columns.id)
    found: Events = {}
    for part in _parts(entities):
        for entity, moment, identity, role in connection.execute(query.where(columns.entity_id.in_(part))):
            found.setdefault(entity, []).append((moment, identity, role == BATCH))
    return found


def _add_blocks(connection: Connection, found: Events, entities: Collection[str], moments: Sequence[datetime], within: timedelta) -> None:
    """Add to `found` the predictions in blocks that labels of these moments may be about."""
    if not moments:
        return
    _add(found, events_of(connection, entities, min(moments) - within, max(moments)))


def _add(found: Events, events: Iterable[tuple[str, datetime, str]]) -> None:
    for entity, moment, identity in events:
        insort(found.setdefault(entity, []), (moment, identity, True), key=itemgetter(0))


def _targets(label: Label, found: Events, within: timedelta) -> list[str]:
    """Ids of the predictions that `label` is about: several where an entity was scored again for one event, or in a table too."""
    if label.prediction_id is not None:
        return [label.prediction_id]
    assert label.event_time is not None
    until = as_utc(label.event_time)
    before = [event for event in found.get(str(label.entity_id), ()) if until - within <= event[0] <= until]
    latest = {batch: moment for moment, _, batch in before}
    return sorted({identity for moment, identity, batch in before if moment == latest[batch]})


def _known(connection: Connection, ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in _parts(ids):
        found.update(connection.scalars(select(predictions.c.prediction_id).where(predictions.c.prediction_id.in_(part))))
    return found | known_in(connection, set(ids) - found)


def current_labels(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, datetime]]:
    """The label that holds for each prediction, and when it was received; predictions without one are left out."""
    columns, found = labels.c, {}
    query = select(columns.prediction_id, columns.value, columns.received).order_by(columns.received, columns.id)
    for part in _parts(ids):
        for identity, value, received in connection.execute(query.where(columns.prediction_id.in_(part))):
            found[identity] = (value, received)
    return found


def _pending(connection: Connection, entities: Collection[str]) -> dict[tuple[Any, Any], str]:
    columns, found = labels.c, {}
    query = select(columns.entity_id, columns.event_time, columns.value).where(columns.prediction_id.is_(None)).order_by(columns.id)
    for part in _parts(entities):
        for entity, moment, value in connection.execute(query.where(columns.entity_id.in_(part))):
            found[entity, moment] = value
    return found


def match_pending(connection: Connection, given: Rows, within: timedelta = WITHIN, of_block: bool = False) -> int:
    """Give labels that came before their predictions, by entity and time, to predictions now there; how many.

    `given` are the rows of predictions that were just added. A label that found a request's prediction has not found that of
    a table which is scored later, nor the other way round. Of predictions in blocks only the given ones are looked at, where
    `of_block` says that they are such: others took what waited for them when they were added.
    """
    entities = {row["entity_id"] for row in given} - {None}
    if not entities or connection.scalar(select(labels.c.id).where(labels.c.entity_id.is_not(None)).limit(1)) is None:
        return 0
    columns, moments = labels.c, [row["event_time"] for row in given]
    about = or_(columns.prediction_id.is_(None), columns.event_time.between(min(moments), max(moments) + within))
    matched, query = 0, select(labels).where(about).order_by(columns.received, columns.id)
    for part in _parts(entities):
        events: dict[tuple[Any, Any], list[Row[Any]]] = {}
        for row in connection.execute(query.where(columns.entity_id.in_(part))):
            events.setdefault((row.entity_id, row.event_time), []).append(row)
        found = _predictions_of_entities(connection, {entity for entity, _ in events})
        if of_block:
            asked = {entity for entity, _ in events}
            _add(found, ((row["entity_id"], row["event_time"], row["prediction_id"]) for row in given if row["entity_id"] in asked))
        batch = {identity: kind for of_entity in found.values() for _, identity, kind in of_entity}
        held = {row.prediction_id for rows in events.values() for row in rows} - {None}
        batch.update(dict.fromkeys(known_in(connection, held - batch.keys()), True))
        for rows in events.values():
            taken = {batch.get(row.prediction_id) for row in rows if row.prediction_id is not None}
            label = Label(rows[-1].value, entity_id=rows[-1].entity_id, event_time=rows[-1].event_time)
            ids = [identity for identity in _targets(label, found, within) if batch[identity] not in taken]
            matched += _give(connection, rows, ids) if ids else 0
    return matched


def _give(connection: Connection, rows: Sequence[Row[Any]], ids: Sequence[str]) -> int:
    """Labels of one event, oldest first, to the predictions `ids`: those that wait, or a copy of the one that holds; how many."""
    waiting = [row for row in rows if row.prediction_id is None]
    copies = []
    for row in waiting or rows[-1:]:
        if row.prediction_id is None:
            connection.execute(update(labels).where(labels.c.id == row.id).values(prediction_id=ids[0]))
        label = Label(row.value, entity_id=row.entity_id, event_time=row.event_time)
        for target in ids[1:] if row.prediction_id is None else ids:
            copies.append({**_row(label, target, row.source), "received": row.received})
    if copies:
        connection.execute(labels.insert(), copies)
    return len(waiting) or 1


def _parts(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for first in range(0, len(ordered), _CHUNK):
        yield ordered[first : first + _CHUNK]
