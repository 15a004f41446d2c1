"""Column names that can be spoken of: `named` trims them and wants them distinct, `left_out` deals with absent ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

import pandas as pd
import pyarrow as pa

from switchyard.tabular.errors import InputError

UNNAMED = ""
_INDEX = "__index_level_"
_BY_PANDAS = re.compile(r"Unnamed: \d+|__index_level_\d+__")

_FRACTION = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?|-\d+")
"""Names that years and numbered columns do not have."""


def named(names: Sequence[str], label: str, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Trim `names`; empty ones stay empty for the caller to judge by the column's content.

    Parameters
    ----------
    names : sequence of str
        As in the source.
    label, where : str
        The source, and where in it the names are ("line 1"), for messages.

    Returns
    -------
    names : tuple of str
    notes : tuple of str
        Which names were trimmed, and which look like values.

    Raises
    ------
    InputError
        When two columns share a name.
    """
    trimmed = tuple(" ".join(name.split()) if "\n" in name or "\r" in name else name.strip().strip("\ufeff") for name in names)
    changed = [f"{new!r} (was {old!r})" for old, new in zip(names, trimmed, strict=True) if new != old and new]
    notes: tuple[str, ...] = (f"blanks around column names removed: {_listed(changed)}",) if changed else ()
    if values := [name for name in trimmed if _FRACTION.fullmatch(name)]:
        notes += (f"columns are called {_listed([repr(name) for name in values])}: {NO_HEADER}",)
    twice = [name for name, count in Counter(trimmed).items() if count > 1 and name]
    if twice:
        places = [str(place + 1) for place, name in enumerate(trimmed) if name == twice[0]]
        shown = _listed([repr(name) for name in twice])
        count = "1 column name appears" if len(twice) == 1 else f"{len(twice)} column names appear"
        raise InputError(f"{label}, {where}: {count} twice: {shown} (columns {' and '.join(places)}); rename one{_headless(trimmed)}")
    return trimmed, notes


def _listed(items: list[str]) -> str:
    return ", ".join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _headless(names: Sequence[str]) -> str:
    return f" ({NO_HEADER})" if looks_like_data(names) else ""


NO_HEADER = "the first line looks like data: does the file lack its header line?"


def looks_like_data(names: Sequence[str]) -> bool:
    """Whether the header holds a number, as a file without a header does."""
    return any(name.replace(".", "", 1).lstrip("+-").isdigit() for name in names)


def left_out(names: Sequence[str], columns: Sequence[pa.Array], wanted: Collection[str]) -> dict[int, str]:
    """The columns that nobody named and that hold nothing of their own, by place, each with a sentence that says so.

    They are those without a name, and those that pandas named ("Unnamed: 0", "__index_level_0__"), which hold no value, or
    the row index that pandas stored.

    Parameters
    ----------
    names : sequence of str
    columns : sequence of Array
        Their values, or the first of them.
    wanted : collection of str
        Names that somebody asks for: such a column stays, whatever it holds.
    """
    found = {}
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        by_pandas = bool(_BY_PANDAS.fullmatch(name))
        if name in wanted or not (name == UNNAMED or by_pandas):
            continue
        what = f"column {name!r}" if by_pandas else f"column {place + 1} has no name,"
        if name.startswith(_INDEX):
            found[place] = f"{what} is the row index that pandas stored and is left out"
        elif column.null_count == len(column):
            if not by_pandas:
                found[place] = f"column {place + 1} has no name and no values and is left out"
        elif _counts_rows(column):
            found[place] = f"{what} only numbers the rows and is left out"
        elif place == 0 and _is_whole(column):
            found[place] = f"{what} holds whole numbers, as the row index that pandas stores does, and is left out"
    return found


def refuse_nameless(names: Sequence[str], columns: Sequence[pa.Array], label: str) -> None:
    """Raise an `InputError` about the first column that holds data and has no name."""
    if UNNAMED in names:
        place = list(names).index(UNNAMED)
        example = next((value.as_py() for value in columns[place] if value.is_valid), None)
        held = f"it holds {str(example)[:40]!r}, ..."
        raise InputError(f"{label}: column {place + 1} has no name in the header ({held}); give it one{_headless(names)}")


def drop_nameless(frame: pd.DataFrame, label: str, wanted: Collection[str] = ()) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """`frame` without the columns that `left_out` names, and their notes.

    Raises
    ------
    InputError
        When a column without a name holds data.
    """
    names = [str(name) for name in frame.columns]
    if not any(name == UNNAMED or _BY_PANDAS.fullmatch(name) for name in names):
        return frame, ()
    # Text of each value will do: only columns that nobody named are looked at.
    columns = [_texts(frame.iloc[:, place]) for place in range(len(names))]
    out = left_out(names, columns, wanted)
    keep = [place for place in range(len(names)) if place not in out]
    refuse_nameless([names[place] for place in keep], [columns[place] for place in keep], label)
    return frame.iloc[:, keep], tuple(out.values())


def _texts(values: pd.Series) -> pa.Array:
    return pa.array(values.astype(object).map(str).where(values.notna(), None), pa.string())


def _numbers(column: pa.Array) -> pd.Series:
    return pd.to_numeric(column.to_pandas().astype(object), errors="coerce")


def _counts_rows(column: pa.Array) -> bool:
    numbers = _numbers(column)
    return bool(numbers.notna().all() and numbers.iloc[0] in (0, 1) and (numbers.diff().iloc[1:] == 1).all())


def _is_whole(column: pa.Array) -> bool:
    numbers = _numbers(column)
    return bool(numbers.notna().all() and (numbers >= 0).all() and (numbers % 1 == 0).all())
