"""Labels: what really happened, joined to predictions by prediction id, or by entity and time."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, select, update

from switchyard.predictionlog.database import as_utc, labels, now, predictions

WITHIN = timedelta(days=1)
_CHUNK = 500


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
        and not earlier by more than this. An equal time is always the latest such.

    Returns
    -------
    LabelCounts
    """
    counts, stream = LabelCounts(), iter(given)
    while chunk := list(islice(stream, _CHUNK)):
        with engine.begin() as connection:
            _add_chunk(connection, chunk, source, within, counts)
    return counts


def _add_chunk(connection: Connection, chunk: Sequence[Label], source: str, within: timedelta, counts: LabelCounts) -> None:
    found = _predictions_of_entities(connection, {str(label.entity_id) for label in chunk if label.prediction_id is None})
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


Events = dict[str, list[tuple[datetime, str]]]


def _predictions_of_entities(connection: Connection, entities: Collection[str]) -> Events:
    """Event times and ids of the predictions of each entity, oldest first."""
    columns = predictions.c
    query = select(columns.entity_id, columns.event_time, columns.prediction_id).order_by(columns.event_time, columns.id)
    found: Events = {}
    for part in _parts(entities):
        for entity, moment, identity in connection.execute(query.where(columns.entity_id.in_(part))):
            found.setdefault(entity, []).append((moment, identity))
    return found


def _targets(label: Label, found: Events, within: timedelta) -> list[str]:
    """Ids of the predictions that `label` is about: more than one where an entity was scored again for one event."""
    if label.prediction_id is not None:
        return [label.prediction_id]
    assert label.event_time is not None
    until = as_utc(label.event_time)
    before = [(moment, identity) for moment, identity in found.get(str(label.entity_id), ()) if until - within <= moment <= until]
    return sorted({identity for moment, identity in before if moment == before[-1][0]})


def _known(connection: Connection, ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in _parts(ids):
        found.update(connection.scalars(select(predictions.c.prediction_id).where(predictions.c.prediction_id.in_(part))))
    return found


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


def match_pending(connection: Connection, entities: Collection[str], within: timedelta = WITHIN) -> int:
    """Give labels that came before their predictions, by entity and time, to predictions now there; how many."""
    columns, matched = labels.c, 0
    for part in _parts(entities):
        waiting = connection.execute(select(labels).where(columns.prediction_id.is_(None), columns.entity_id.in_(part))).all()
        if not waiting:
            continue
        found = _predictions_of_entities(connection, {row.entity_id for row in waiting})
        for row in waiting:
            label = Label(row.value, entity_id=row.entity_id, event_time=row.event_time)
            ids = _targets(label, found, within)
            if not ids:
                continue
            connection.execute(update(labels).where(columns.id == row.id).values(prediction_id=ids[0]))
            if ids[1:]:
                connection.execute(labels.insert(), [_row(label, target, row.source) for target in ids[1:]])
            matched += 1
    return matched


def _parts(values: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(values)
    for first in range(0, len(ordered), _CHUNK):
        yield ordered[first : first + _CHUNK]
