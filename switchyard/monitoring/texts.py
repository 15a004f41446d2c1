"""What texts are compared by: how much of them is words that the reference often has, and how long they are."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from switchyard.bundle.texts import NO_WORD, words_of

_OFTEN = 0.01
"""Share of the reference's texts from which a word in them is familiar."""
_FEWEST = 3


def measures(past: pd.Series, current: pd.Series) -> dict[str, tuple[pd.Series, pd.Series]]:
    """What is measured -> a number for each text of both sides, NaN where there is none.

    Another language, subject or way of writing shows in the share of familiar words; cut or joined texts show in their length.
    Every second text of the reference says what is familiar and has no share itself: its own words would be more familiar
    to it than those of any text that comes later.
    """
    sides = [side.map(_split, na_action="ignore") for side in (past, current)]
    telling = sides[0].iloc[::2].dropna()
    counts = Counter(word for words in telling for word in set(words))
    familiar = {word for word, count in counts.items() if count >= max(_FEWEST, _OFTEN * len(telling))}
    lengths = [side.map(len, na_action="ignore").astype("float64") for side in sides]
    shares = [
        side.map(lambda words: sum(word in familiar for word in words) / len(words) if words else np.nan, na_action="ignore").astype(
            "float64"
        )
        for side in sides
    ]
    shares[0].iloc[::2] = np.nan
    return {"the share of familiar words": (shares[0], shares[1]), "the number of words": (lengths[0], lengths[1])}


def _split(text: str) -> list[str]:
    return [word for word in words_of(text).split() if word != NO_WORD]
