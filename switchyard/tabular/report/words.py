"""Numbers and nouns in sentences for people."""

from __future__ import annotations


def count_of(number: int, noun: str) -> str:
    """`number` of what `noun` names: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def of_sample(of: int | None) -> str:
    """What follows a sentence of numbers of rows, where they are a sample of a table of `of` rows; nothing where they are all."""
    return "" if of is None else f" They are a uniform sample of a table of {of:,} rows."


def shown(value: float | None, digits: int = 4, form: str = "") -> str:
    """A number for people: `digits` significant ones, whole with separated thousands where it is larger; a dash for None.

    Parameters
    ----------
    value : float, int or None
    digits : int
    form : str
        A format of Python's to use instead: ".1%".
    """
    if value is None:
        return "-"
    if form:
        return format(value, form)
    if isinstance(value, int):
        return f"{value:,}"
    # From 10**15 on a float's whole digits are not known, and an 1e300 would fill the page.
    return f"{value:,.0f}" if 10**digits - 0.5 <= abs(value) < 1e15 else f"{value:,.{digits}g}"


def clipped(text: str, most: int = 60) -> str:
    """`text`, or the beginning of it where it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
