"""Column names that can be spoken of: `named` trims them and wants them distinct, `drop_nameless` deals with absent ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from switchyard.tabular.errors import InputError

UNNAMED = ""


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
        Which names were trimmed.

    Raises
    ------
    InputError
        When two columns share a name.
    """
    trimmed = tuple(" ".join(name.split()) if "\n" in name or "\r" in name else name.strip().strip("\ufeff") for name in names)
    changed = [f"{new!r} (was {old!r})" for old, new in zip(names, trimmed, strict=True) if new != old and new]
    notes = (f"blanks around column names removed: {_listed(changed)}",) if changed else ()
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


def drop_nameless(frame: pd.DataFrame, label: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out columns without a name that hold nothing of their own: a row counter or nothing at all.

    Raises
    ------
    InputError
        When a column without a name holds data.
    """
    notes: list[str] = []
    keep = []
    for place, name in enumerate(frame.columns):
        if name != UNNAMED:
            keep.append(place)
            continue
        values = frame.iloc[:, place]
        if values.isna().all():
            notes.append(f"column {place + 1} has no name and no values and is left out")
        elif _counts_rows(values):
            notes.append(f"column {place + 1} has no name, only numbers the rows and is left out")
        else:
            example = values.dropna().iloc[0]
            held = f"it holds {str(example)[:40]!r}, ..."
            raise InputError(f"{label}: column {place + 1} has no name in the header ({held}); give it one{_headless(list(frame.columns))}")
    return frame.iloc[:, keep], tuple(notes)


def _counts_rows(values: pd.Series) -> bool:
    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    return bool(numbers.notna().all() and numbers.iloc[0] in (0, 1) and (numbers.diff().iloc[1:] == 1).all())
