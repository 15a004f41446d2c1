"""`prose`: whether words that hardly repeat are texts, of which the words tell something, or names of things."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from switchyard.bundle.texts import words_of

_LONG = 8
"""Words on average from which it is a text however it is spelt."""
_SHORT = 3
"""Words on average from which it is one where most begin with a small letter; names, makes and addresses do not."""
_MOSTLY = 0.5


def prose(texts: Sequence[str]) -> float:
    """The words of a text on average; 0 where `texts`, each of them once, are no prose.

    Words are what stands between blanks, and single letters of languages that write none. Paths, keys and dates are one word,
    and what is mostly figures is none.
    """
    split = [text.split() if text.isascii() else words_of(text).split() for text in texts]
    length = float(np.mean([len(words) for words in split])) if split else 0.0
    if length < _SHORT:
        return 0.0
    initials = [word[0] for text, words in zip(texts, split, strict=True) for word in (words if text.isascii() else text.split())]
    letters = [initial for initial in initials if initial.isalpha()]
    if len(letters) < _MOSTLY * len(initials):
        return 0.0
    capitals = sum(initial.isupper() or initial.istitle() for initial in letters)
    return length if length >= _LONG or capitals <= (1 - _MOSTLY) * len(letters) else 0.0
