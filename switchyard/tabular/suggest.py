"""`did_you_mean`: the way out of a misspelt name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """The end of an error message about the unknown `name`: the closest of `options`, else all of them if few.

    Parameters
    ----------
    name : str
        What the user wrote.
    options : iterable of str
        What there is, in the order to list it in.

    Returns
    -------
    str
        "; did you mean 'x'?", "; there are: a, b, c", or "" when there is nothing to say.
    """
    options = list(options)
    folded: dict[str, str] = {}
    for option in options:
        folded.setdefault(_fold(option), option)
    close = difflib.get_close_matches(_fold(name), list(folded), n=3, cutoff=0.6)
    if close:
        return f"; did you mean {' or '.join(repr(folded[match]) for match in close)}?"
    if not options:
        return ""
    shown = ", ".join(options[:12])
    return f"; there are: {shown}{f' and {len(options) - 12} more' if len(options) > 12 else ''}"


def _fold(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name
