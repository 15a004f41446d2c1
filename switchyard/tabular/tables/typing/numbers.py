"""Numbers in text: `parse_numbers` reads them, `number_text` writes them back as category labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2**53
"""Beyond this, float64 no longer holds every whole number."""
_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$|^(?i:[+-]?(?:inf|infinity))$"
_THOUSANDS = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?$"
_DECIMAL_COMMA = r"^[+-]?[0-9]+,[0-9]+$"


@dataclass(frozen=True)
class Parsed:
    """What came of a try to read text as numbers."""

    values: np.ndarray
    """float64, NaN where the text is no number."""
    good: np.ndarray
    """bool, where it is one."""
    style: str = ""
    """How the numbers are written when not plainly, for people."""


def parse_numbers(texts: pa.Array) -> Parsed:
    """Read each of `texts` (no nulls) as a number: plain, else with a decimal comma or commas between thousands.

    Commas are read as decimal when any of them is not followed by three digits; else as thousands.
    """
    plain = pc.match_substring_regex(texts, _PLAIN)
    good, style, readable = plain, "", texts
    if not pc.all(plain).as_py():
        # Both tests would take "1,234"; one look at the whole column decides.
        decimal = pc.match_substring_regex(texts, _DECIMAL_COMMA)
        thousands = pc.match_substring_regex(texts, _THOUSANDS)
        only_decimal = pc.any(pc.and_not(decimal, thousands)).as_py()
        if only_decimal and not pc.any(pc.and_not(thousands, decimal)).as_py():
            good, style = pc.or_(plain, decimal), "written with a decimal comma"
            readable = pc.replace_substring(texts, ",", ".")
        elif not only_decimal and pc.any(thousands).as_py():
            good, style = pc.or_(plain, thousands), "written with commas between thousands"
            readable = pc.replace_substring(texts, ",", "")
    values = pc.cast(pc.if_else(good, readable, None), pa.float64())
    return Parsed(values.to_numpy(zero_copy_only=False), good.to_numpy(zero_copy_only=False), style)


def whole(values: np.ndarray) -> bool:
    """Whether all finite of `values` are whole numbers, and there are any."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (finite == np.floor(finite)).all())


def number_text(values: np.ndarray) -> np.ndarray:
    """Numbers as category labels, object array: "1" for 1.0, the shortest exact form else, None where missing."""
    distinct, codes = np.unique(values, return_inverse=True)
    labels = np.array([_label(value) for value in distinct.tolist()], dtype=object)
    return labels[codes] if labels.size else np.empty(0, dtype=object)


def _label(value: float) -> str | None:
    if value != value:
        return None
    return str(int(value)) if abs(value) < EXACT and value == int(value) else repr(value)
