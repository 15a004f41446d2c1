"""`Surroundings`: what the rest of the table, and the config, say of how one column is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from switchyard.bundle.reading import MISSING_WORDS
from switchyard.tabular.config.problem import ColumnOverride
from switchyard.tabular.tables.typing.dates import date_patterns
from switchyard.tabular.tables.typing.numbers import style_of
from switchyard.tabular.tables.typing.values import arrow_of

_ROWS = 2_000
_MOSTLY = 0.9


@dataclass(frozen=True)
class Surroundings:
    """What is known of a column beside its own values."""

    commas: tuple[str, ...] = ()
    """Columns of the table whose numbers are certainly written with a decimal comma."""
    marks: frozenset[str] = frozenset()
    """Words that stand for no value in columns of numbers: the table's own marks for that."""
    decimal: str | None = None
    """The decimal mark that the config gives."""
    missing: tuple[str, ...] = MISSING_WORDS
    """Words that count as missing."""
    settled: bool = False
    """Whether the config says which do."""
    format: str | None = None
    """How dates are written, as of strptime, where the config says it."""
    unit: str | None = None
    """What the config says stands beside the numbers."""

    def of(self, override: ColumnOverride | None) -> Surroundings:
        """These, and what the config says of one column."""
        if override is None:
            return self
        around = replace(self, decimal=override.decimal, format=override.format, unit=override.unit)
        return around if override.missing is None else replace(around, missing=override.missing, settled=True)

    def decimal_for(self, name: str) -> tuple[str | None, str | None]:
        """The decimal mark that is known for column `name`, and the other column that shows it; None where it is not."""
        if self.decimal is not None:
            return self.decimal, None
        others = [other for other in self.commas if other != name]
        return (",", others[0]) if others else (None, None)


NOTHING = Surroundings()


def surroundings_of(frame: pd.DataFrame) -> Surroundings:
    """What the columns of `frame` say of each other; a look at the first rows."""
    commas, marks = [], set()
    head = frame.head(_ROWS)
    for name in head.columns:
        dtype = head[name].dtype
        if not isinstance(dtype, (pd.ArrowDtype, pd.StringDtype)) and dtype.kind not in "OU":
            continue
        array = arrow_of(head[name])
        if not pa.types.is_string(array.type) or array.null_count == len(array):
            continue
        texts = pc.utf8_trim_whitespace(pc.unique(array.drop_null()))
        named = pc.is_in(texts, pa.array(MISSING_WORDS))
        others = texts.filter(pc.invert(named))
        if len(others) == 0 or not _has_digit(others):
            continue
        written = style_of(others)
        numbers = written.good.mean() >= _MOSTLY
        # A mark that could be the other one is no witness.
        if numbers and written.style.decimal == "," and not written.doubt:
            commas.append(str(name))
        if numbers or date_patterns(others, _MOSTLY, np.ones(len(others))) is not None:
            marks.update(texts.filter(named).to_pylist())
    return Surroundings(tuple(commas), frozenset(marks))


def _has_digit(texts: pa.Array) -> bool:
    return bool(pc.mean(pc.cast(pc.match_substring_regex(texts, "[0-9]"), pa.float64())).as_py() >= _MOSTLY)
