"""`Block`: consecutive predictions of a large table, kept by the thousand in one row of the database, as columns.

A row for each prediction costs eighty microseconds and a kilobyte, mostly JSON and indexes, which nobody asks of a table of
millions. A block costs a tenth of it and is read as if it were those rows. Writing and reading one needs pyarrow, which
serving has not: what services do with the log (prune it, give labels to requests) needs no look into a block.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, func, select

from switchyard.predictionlog.database import blocks, insert_new
from switchyard.predictionlog.records import BATCH, INPUT, PROBABILITY, moment_of, prediction_id

if TYPE_CHECKING:
    import pyarrow as pa

ANSWERS = ("label", "prediction", "lower", "upper")
_MOST_BYTES = 8_000_000
"""Of a block: MariaDB takes 16 MB at once."""
# The golden ratio of the modulus, as in `window`: multiples of it fall evenly.
_MULTIPLIER, _MODULUS = 2654435769, 2**32
_PART = 500


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a scored table."""

    first: int
    """Number of the first, counted from 0."""
    columns: Mapping[str, pa.Array]
    """`input.<column>`, `probability.<class>`, `label`, `prediction`, `lower`, `upper`, those that there are; moments as timestamps."""
    entity_ids: Sequence[str | None] | None = None
    event_times: Sequence[float | None] | None = None
    """In epoch seconds; the moment of scoring where None."""

    @property
    def size(self) -> int:
        """Rows."""
        return len(next(iter(self.columns.values())))

    def slice(self, start: int, size: int) -> Block:
        """`size` rows from row `start` of the block on."""
        part = slice(start, start + size)
        columns = {name: array.slice(start, size) for name, array in self.columns.items()}
        entities = None if self.entity_ids is None else self.entity_ids[part]
        return Block(self.first + start, columns, entities, None if self.event_times is None else self.event_times[part])

    def as_rows(self) -> dict[str, Any]:
        """`first`, `inputs`, `answers`, `entity_ids` and `event_times` as `log_batch` takes them: lists of JSON values."""
        values = {name: json_values(array) for name, array in self.columns.items()}
        answers: dict[str, list[Any]] = {name: values[name] for name in ANSWERS if name in values}
        classes = {name.removeprefix(PROBABILITY): values[name] for name in values if name.startswith(PROBABILITY)}
        if classes:
            answers["probabilities"] = [dict(zip(classes, row)) for row in zip(*classes.values())]
        inputs = {name.removeprefix(INPUT): values[name] for name in values if name.startswith(INPUT)}
        kept = {"entity_ids": self.entity_ids, "event_times": self.event_times}
        return {"first": self.first, "inputs": inputs, "answers": answers, **kept}


def json_values(array: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The column as JSON values: null where missing, moments in ISO 8601 to the microsecond."""
    import pyarrow as pa

    if not pa.types.is_timestamp(array.type):
        return array.to_pylist()
    stamps = array.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False).astype(str).tolist()
    return [None if stamp == "NaT" else stamp for stamp in stamps]


def insert_block(connection: Connection, engine: Engine, block: Block, request_id: str, moment: float, origin: Mapping[str, str]) -> None:
    """Add a block of the table `request_id`; one that begins at the same row is left as it is."""
    content = _packed(block.columns)
    if len(content) > _MOST_BYTES and block.size > 1:
        half = block.size // 2
        for start in (0, half):
            insert_block(connection, engine, block.slice(start, half if not start else block.size - half), request_id, moment, origin)
        return
    row = {
        "request_id": request_id,
        "first": block.first,
        "rows": block.size,
        "role": BATCH,
        "time": moment_of(moment),
        **{name: origin[name] for name in ("model", "version", "digest")},
        "content": content,
        **_keys(block, moment),
    }
    connection.execute(insert_new(engine, blocks, ("request_id", "first")), row)


def rows_logged(connection: Connection, request_id: str) -> int:
    """How many rows of a table are there in blocks: those from the first on, since blocks are written in order."""
    return connection.scalar(select(func.max(blocks.c.first + blocks.c.rows)).where(blocks.c.request_id == request_id)) or 0


def event_moments(block: Block, moment: float) -> list[datetime]:
    """When each row's event was, UTC without a zone."""
    scored = moment_of(moment)
    return [scored if event is None else moment_of(event) for event in block.event_times or [None] * block.size]


def known_in(connection: Connection, ids: Collection[str]) -> set[str]:
    """Which of these prediction ids are of rows in blocks."""
    named = {name: _number_in(name) for name in ids}
    requests, ends = sorted({request for request, _ in named.values()}), {}
    for start in range(0, len(requests), _PART):
        query = select(blocks.c.request_id, func.max(blocks.c.first + blocks.c.rows)).group_by(blocks.c.request_id)
        ends.update(dict(connection.execute(query.where(blocks.c.request_id.in_(requests[start : start + _PART]))).tuples().all()))
    return {name for name, (request, number) in named.items() if 0 <= number < ends.get(request, 0)}


def events_of(connection: Connection, entities: Collection[str], since: datetime, until: datetime) -> Iterator[tuple[str, datetime, str]]:
    """(entity, event time, prediction id) of the rows in blocks that are about one of `entities`, with events of a span."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = blocks.c
    query = select(columns.id).where(columns.first_event <= until, columns.last_event >= since).order_by(columns.id)
    wanted = pa.array(sorted(entities), pa.string())
    for identity in connection.scalars(query).all() if len(wanted) else ():
        request, first, keys = connection.execute(
            select(columns.request_id, columns.first, columns.entities).where(columns.id == identity)
        ).one()
        table = _unpacked(keys)
        at = pc.indices_nonzero(pc.is_in(table["entity_id"], value_set=wanted))
        for row, entity, moment in zip(at.to_pylist(), table["entity_id"].take(at).to_pylist(), table["event_time"].take(at).to_pylist()):
            yield entity, moment, prediction_id(request, first + row)


def block_ids(engine: Engine, conditions: Sequence[Any]) -> list[tuple[datetime, int]]:
    """(time, id) of the blocks for which `conditions` hold, oldest first."""
    query = select(blocks.c.time, blocks.c.id).where(*conditions).order_by(blocks.c.time, blocks.c.request_id, blocks.c.first)
    with engine.connect() as connection:
        return [(moment, identity) for moment, identity in connection.execute(query)]


def read_block(connection: Connection, identity: int, share: float, chunk: int) -> Iterator[dict[str, list[Any]]]:
    """Rows of one block as lists by column name, as `read_window` has them but for the labels; `share` of them, evenly spread."""
    import numpy as np
    import pyarrow as pa

    found = connection.execute(select(blocks).where(blocks.c.id == identity)).one_or_none()
    if found is None:  # Pruned since its id was read.
        return
    at = np.arange(found.rows, dtype=np.uint64)
    if share < 1:
        at = at[((at + np.uint64(found.first)) * np.uint64(_MULTIPLIER)) % np.uint64(_MODULUS) < int(share * _MODULUS)]
    if not len(at):
        return
    content, keys = _unpacked(found.content), _unpacked(found.entities) if found.entities is not None else None
    for start in range(0, len(at), chunk):
        part = pa.array(at[start : start + chunk])
        numbers, size = [found.first + place for place in part.to_pylist()], len(part)
        same = {name: [getattr(found, name)] * size for name in ("role", "request_id", "time", "model", "version", "digest")}
        yield {
            "prediction_id": [prediction_id(found.request_id, number) for number in numbers],
            "row": numbers,
            **same,
            "entity_id": keys["entity_id"].take(part).to_pylist() if keys is not None else [None] * size,
            "event_time": keys["event_time"].take(part).to_pylist() if keys is not None else same["time"],
            **{name: [None] * size for name in ANSWERS if name not in content.column_names},
            **{name: json_values(content[name].take(part)) for name in content.column_names},
        }


def _number_in(name: str) -> tuple[str, int]:
    """The request and the row's number that a prediction id names; -1 where it names none."""
    request, slash, number = name.partition("/")
    if not slash:
        return request, 0
    return request, int(number) if number.isdecimal() and len(number) < 12 and not number.startswith("0") else -1


def _keys(block: Block, moment: float) -> dict[str, Any]:
    """What a block holds by which labels find their predictions."""
    import pyarrow as pa

    if block.entity_ids is None and block.event_times is None:
        return {"first_event": None, "last_event": None, "entities": None}
    events = event_moments(block, moment)
    entities = block.entity_ids if block.entity_ids is not None else [None] * block.size
    packed = _packed({"entity_id": pa.array(entities, pa.string()), "event_time": pa.array(events, pa.timestamp("us"))})
    span = (min(events), max(events)) if block.entity_ids is not None else (None, None)
    return {"first_event": span[0], "last_event": span[1], "entities": packed}


def _packed(columns: Mapping[str, Any]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), sink, compression="zstd", write_statistics=False)
    return sink.getvalue()


def _unpacked(content: bytes) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(io.BytesIO(content))
