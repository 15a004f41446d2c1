"""`harmless`: names and values for pages that other libraries make and in which not every place escapes.

fg-data-profiling writes a column's name as it is into its page, Great Expectations into its data docs; matplotlib takes what stands
between dollars for a formula. Escaped once they would show `&lt;` where the library does escape, so what could be markup is replaced
by a character that looks like it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

_ALIKE = str.maketrans(
    {
        "<": "\u2039",
        ">": "\u203a",
        "&": "\uff06",
        '"': "\u201d",
        "'": "\u2019",
        "`": "\u2018",
        "$": "\uff04",
        "\\": "\uff3c",
        "{": "\uff5b",
        "}": "\uff5d",
    }
)


def harmless(text: str) -> str:
    """`text` without characters that mean something in HTML, JavaScript, templates or formulas."""
    return text.translate(_ALIKE)


def harmless_all(value: Any) -> Any:
    """JSON-like `value` with every text and key in it harmless."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, dict):
        return {harmless_all(key): harmless_all(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [harmless_all(inner) for inner in value]
    return value


def harmless_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with harmless column names, still each of its own, and harmless texts."""
    names: dict[str, None] = {}
    for name in frame.columns:
        alike, number = harmless(name), 1
        while alike in names:
            number += 1
            alike = f"{harmless(name)} ({number})"
        names[alike] = None
    shown = frame.set_axis(list(names), axis=1)
    texts = {name: _harmless_texts(shown[name]) for name in shown.columns if shown[name].dtype == object}
    return shown.assign(**texts) if texts else shown


def _harmless_texts(values: pd.Series) -> pd.Series:
    # Each distinct text once: a column of a million rows has few.
    return values.map({text: harmless(text) for text in values.dropna().unique()})
