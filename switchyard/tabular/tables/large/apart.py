"""`set_apart`: what a sample has not, read once by the readings that the sample decided, counted, and written as a `Rest`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.large.rest import Rest, RestWriter
from switchyard.tabular.tables.large.sample import Sample
from switchyard.tabular.tables.progress import Progress
from switchyard.tabular.tables.reading.rows import Rows, frame_of
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.table import Table
from switchyard.tabular.tables.typing.values import values_in
from switchyard.tabular.tables.weights import check_weights

_TYPES = {"numeric": pa.float64(), "boolean": pa.float64(), "datetime": pa.timestamp("ns")}
_LEARNT_FROM = ("feature", "target", "weight", "time", "group")


@dataclass
class _Counts:
    """What one reading tells of a column exactly."""

    missing: int = 0
    minimum: float | None = None
    maximum: float | None = None
    unread: int = 0
    first_unread: int = 0
    """Number of the row, from 1 on."""

    def add(self, values: pd.Series, lost: np.ndarray, rows: np.ndarray) -> None:
        empty = values.isna()
        self.missing += int(empty.sum())
        if lost.any():
            self.first_unread = self.first_unread or int(rows[lost.argmax()])
            self.unread += int(lost.sum())
        if values.dtype == object or empty.all():
            return
        low, high = (moment.timestamp() if isinstance(moment, pd.Timestamp) else float(moment) for moment in (values.min(), values.max()))
        self.minimum = low if self.minimum is None else min(self.minimum, low)
        self.maximum = high if self.maximum is None else max(self.maximum, high)


@dataclass
class _Apart:
    """The rest as it is read: what is written, what is counted, what is left out."""

    table: Table
    regression: bool
    writer: RestWriter = field(default_factory=RestWriter)
    unlabelled: int = 0
    unknown: dict[str, int] = field(default_factory=dict)
    """Classes that the sample has no row of."""

    def __post_init__(self) -> None:
        self.columns = [column for column in self.table.schema.columns if column.role in _LEARNT_FROM and column.reading is not None]
        self.counts = {column.name: _Counts() for column in self.columns}
        self.types = pa.schema([(column.name, _TYPES.get(column.kind, pa.string())) for column in self.columns])
        self.classes = set(self.table.schema.target.categories)

    def add(self, frame: pd.DataFrame, rows: np.ndarray) -> None:
        """Rows as they were read, and their numbers in the table from 1 on."""
        found = {column.name: values_in(frame[column.name], column.reading) for column in self.columns if column.reading}
        made = pd.DataFrame({name: values.values for name, values in found.items()})
        weight, target = self.table.schema.weight, made[self.table.schema.target.name]
        if weight is not None:
            check_weights(made[weight.name].to_numpy("float64"), frame[weight.name], weight.name, rows)
        counted = made[weight.name].to_numpy("float64") > 0 if weight is not None else np.ones(len(made), dtype=bool)
        labelled = target.notna().to_numpy()
        self.unlabelled += int((counted & ~labelled).sum())
        kept = counted & labelled
        if not self.regression:
            strange = kept & ~target.isin(self.classes).to_numpy()
            for label, count in target[strange].value_counts().items():
                self.unknown[str(label)] = self.unknown.get(str(label), 0) + int(count)
            kept &= ~strange
        if not kept.any():
            return
        made = made[kept]
        for name, values in found.items():
            self.counts[name].add(made[name], (values.wrong | values.beyond)[kept], rows[kept])
        self.writer.write(made, self.types)

    def schema(self, rest: Rest) -> Schema:
        """The table's schema, with what was counted of all rows."""
        at_hand = len(self.table.frame)
        return Schema(
            columns=tuple(self._of_all(column, at_hand, rest.rows) for column in self.table.schema.columns), of=at_hand + rest.rows
        )

    def _of_all(self, column: Column, at_hand: int, rest: int) -> Column:
        counts = self.counts.get(column.name)
        if counts is None:
            return column
        lows = [value for value in (column.minimum, counts.minimum) if value is not None]
        highs = [value for value in (column.maximum, counts.maximum) if value is not None]
        return column.model_copy(
            update={
                "missing": (round(column.missing * at_hand) + counts.missing) / (at_hand + rest),
                "minimum": min(lows) if lows else None,
                "maximum": max(highs) if highs else None,
            }
        )

    def notes(self) -> list[str]:
        said = []
        if self.unlabelled:
            said.append(f"{count_of(self.unlabelled, 'row')} of the rest without a label are left out")
        for label, count in sorted(self.unknown.items()):
            said.append(f"class {label!r} has {count_of(count, 'row')}, none of them in the sample: left out (a larger training.in_memory)")
        for name, counts in self.counts.items():
            if counts.unread:
                said.append(
                    f"{name!r}: {count_of(counts.unread, 'value')} of the rest cannot be read as the sample's are, and count as missing "
                    f"(the first in row {counts.first_unread:,})"
                )
        return said


def set_apart(rows: Rows, sample: Sample, table: Table, regression: bool) -> tuple[Table, Rest, tuple[str, ...]]:
    """Read `rows` once more and put what `sample` has not aside.

    Parameters
    ----------
    rows : Rows
        The whole table.
    sample : Sample
        Of it.
    table : Table
        What the sample was resolved to.
    regression : bool
        Else rows of classes that the sample has not are left out, and said.

    Returns
    -------
    table : Table
        Its schema has missing shares, minima and maxima of all rows, and how many they are.
    rest : Rest
    notes : tuple of str

    Raises
    ------
    InputError
        A weight of the rest is none, or the table changed while it was read.
    """
    apart, progress, first = _Apart(table, regression), Progress("typed", sample.of), 0
    for batch in rows.read():
        numbers = np.arange(first, first + batch.num_rows)
        low, high = np.searchsorted(sample.numbers, (first, first + batch.num_rows))
        other = np.ones(batch.num_rows, dtype=bool)
        other[sample.numbers[low:high] - first] = False
        first += batch.num_rows
        if other.any():
            frame = frame_of(rows, [batch.filter(pa.array(other))])
            apart.add(frame, numbers[other] + 1)
        progress.at(first)
    if first != sample.of:
        raise InputError(f"{rows.label} had {sample.of:,} rows at first and {first:,} at second sight; train when nobody writes to it")
    rest = apart.writer.close()
    return replace(table, schema=apart.schema(rest)), rest, tuple(apart.notes())
