"""The read side: a window of the log as data frames, for monitoring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Row, and_, or_, select

from switchyard.predictionlog.blocks import block_ids, read_block
from switchyard.predictionlog.counts import window_conditions
from switchyard.predictionlog.database import blocks, predictions
from switchyard.predictionlog.labels import current_labels
from switchyard.predictionlog.records import INPUT, PROBABILITY

if TYPE_CHECKING:
    import pandas as pd

# The golden ratio of the modulus: multiples of it fall evenly (Knuth, *The Art of Computer Programming* 3, 1998, 6.4), and
# products with any id that a table will hold stay within 64 bits.
_MULTIPLIER, _MODULUS = 2654435769, 2**32

_TIMES = ("time", "event_time", "actual_time")


def read_window(
    engine: Engine,
    since: datetime,
    until: datetime,
    model: str | None = None,
    chunk: int = 10_000,
    role: str | tuple[str, ...] | None = "live",
    digest: str | None = None,
    share: float = 1.0,
    absent: Any = None,
    spread: bool = True,
) -> Iterator[pd.DataFrame]:
    """The predictions made from `since` up to and without `until`, oldest first, with the label that holds for each.

    Parameters
    ----------
    engine : Engine
    since, until : datetime
        Without a zone: UTC.
    model : str, optional
        Name of the model; all by default.
    chunk : int
        Rows of a frame at most: bounds memory, whatever the window's size.
    role : str, tuple of str or None
        live, shadow or batch, some of them, or None for all.
    digest : str, optional
        Of the bundle that answered; all by default.
    share : float
        Above 0 up to 1: of the predictions, spread evenly over the window and the same at every reading. Only these
        leave the database.
    absent : Any
        What stands where a row's request or answer did not hold a column or a class that another's did; a null that
        was sent is None always.
    spread : bool
        False: `inputs` and `probabilities` stay mappings, one column each, as suits answers of which each names other items.

    Yields
    ------
    DataFrame
        One row for each prediction: the columns of the table `predictions` without `id`, but `input.<column>` instead
        of `inputs` and `probability.<class>` instead of `probabilities`; `actual`, the label as text or None, and
        `actual_time`, when it was received. Times in UTC. No frame where the window is empty.
    """
    between = partial(_rows, engine, model=model, chunk=chunk, role=role, digest=digest, share=share, absent=absent, spread=spread)
    stored = block_ids(engine, window_conditions(since, until, model, role, digest, blocks))
    for moment, group in groupby(stored, key=lambda found: found[0]):
        yield from between(since, moment)
        for _, identity in group:
            with engine.connect() as connection:
                for data in read_block(connection, identity, share, chunk):
                    yield _with_labels(data if spread else _gathered(data), data["prediction_id"], connection)
        since = moment
    yield from between(since, until)


def _rows(
    engine: Engine,
    since: datetime,
    until: datetime,
    model: str | None,
    chunk: int,
    role: str | tuple[str, ...] | None,
    digest: str | None,
    share: float,
    absent: Any,
    spread: bool,
) -> Iterator[pd.DataFrame]:
    """As `read_window`, of the predictions that are rows of the table `predictions`."""
    columns = predictions.c
    conditions = window_conditions(since, until, model, role, digest)
    if share < 1:
        conditions.append((columns.id * _MULTIPLIER) % _MODULUS < int(share * _MODULUS))
    query = select(predictions).where(*conditions).order_by(columns.time, columns.id).limit(chunk)
    last: Row[Any] | None = None
    while True:
        # A transaction for each chunk: a long reading does not keep the database from writing or cleaning up.
        with engine.connect() as connection:
            following = query
            if last is not None:
                following = query.where(or_(columns.time > last.time, and_(columns.time == last.time, columns.id > last.id)))
            rows = connection.execute(following).all()
            if not rows:
                return
            frame = _with_labels(_expand(rows, absent, spread), [row.prediction_id for row in rows], connection)
        last = rows[-1]
        yield frame
        if len(rows) < chunk:
            return


def _with_labels(data: dict[str, list[Any]], ids: Sequence[str], connection: Connection) -> pd.DataFrame:
    import pandas as pd

    labels = current_labels(connection, set(ids))
    held = [labels.get(identity, (None, None)) for identity in ids]
    data["actual"], data["actual_time"] = [value for value, _ in held], [received for _, received in held]
    frame = pd.DataFrame(data)
    for name in _TIMES:
        frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def _gathered(data: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Columns whose inputs and probabilities are mappings, one column each."""
    found = {name: values for name, values in data.items() if not name.startswith((INPUT, PROBABILITY))}
    for prefix, attribute in ((PROBABILITY, "probabilities"), (INPUT, "inputs")):
        parts = {name.removeprefix(prefix): values for name, values in data.items() if name.startswith(prefix)}
        found[attribute] = [dict(zip(parts, row)) for row in zip(*parts.values())] if parts else [{} for _ in data["row"]]
    return found


def _expand(rows: Sequence[Row[Any]], absent: Any, spread: bool) -> dict[str, list[Any]]:
    """Columns by name. Rows of versions with other inputs or classes have `absent` there."""
    plain = [column.name for column in predictions.columns if column.name not in ("id", "inputs", "probabilities")]
    data: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in plain}
    for prefix, attribute in ((PROBABILITY, "probabilities"), (INPUT, "inputs")):
        mappings = [getattr(row, attribute) or {} for row in rows]
        if not spread:
            data[attribute] = mappings
            continue
        for name in dict.fromkeys(name for mapping in mappings for name in mapping):
            data[prefix + name] = [mapping.get(name, absent) for mapping in mappings]
    return data
