"""The read side: a window of the log as data frames, for monitoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Row, and_, or_, select

from switchyard.predictionlog.counts import window_conditions
from switchyard.predictionlog.database import predictions
from switchyard.predictionlog.labels import current_labels

if TYPE_CHECKING:
    import pandas as pd

INPUT, PROBABILITY = "input.", "probability."
"""What the names of input columns and of class probabilities begin with in the frames."""

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
    import pandas as pd

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
            labels = current_labels(connection, {row.prediction_id for row in rows})
        if not rows:
            return
        last = rows[-1]
        frame = pd.DataFrame(_expand(rows, labels, absent, spread))
        for name in _TIMES:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        yield frame
        if len(rows) < chunk:
            return


def _expand(rows: Sequence[Row[Any]], labels: dict[str, tuple[str, datetime]], absent: Any, spread: bool) -> dict[str, list[Any]]:
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
    held = [labels.get(row.prediction_id, (None, None)) for row in rows]
    data["actual"], data["actual_time"] = [value for value, _ in held], [received for _, received in held]
    return data
