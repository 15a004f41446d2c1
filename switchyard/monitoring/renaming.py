"""`renamed`: categories that arrive under other names."""

from __future__ import annotations

from itertools import takewhile

import numpy as np
import pandas as pd

from switchyard.monitoring.fault import Fault, shown
from switchyard.monitoring.twosample import more_often

_FEWEST = 30
"""Values, below which nothing is said."""
_NEW, _CERTAIN = 0.5, 1e-6


def renamed(name: str, past: pd.Series, current: pd.Series) -> Fault | None:
    """Categories under other names."""
    a, b = past.dropna(), current.dropna()
    if min(len(a), len(b)) < _FEWEST:
        return None
    before, now = a.value_counts(normalize=True), b.value_counts(normalize=True)
    once = float((a.value_counts() == 1).sum()) / len(a)
    new = now[~now.index.isin(before.index)]
    # Of many categories some are always new. One that comes at once in many rows is not of those, and counts alone.
    sudden = new[[more_often(round(share * len(b)), len(b), 0, len(a)) * len(new) < _CERTAIN for share in new]]
    if len(sudden):
        new, once = sudden, 0.0
    # Eight and more were to be expected: by chance none of them would be missing.
    gone = before[(before * len(b) >= 8) & ~before.index.isin(now.index)]
    if new.empty:
        return None
    spelt = {_plain(value): value for value in gone.index}
    same = {spelt[_plain(value)]: value for value in new.index if _plain(value) in spelt}
    # Of nearly as many values as rows each is too rare to be missed, but not to be recognised.
    known = _known_otherwise(before.index, new.index)
    recognised = float(new[list(known.values())].sum())
    arrived, left = float(new.sum()), float(gone.sum())
    error = np.sqrt(left * (1 - left) * (1 / len(a) + 1 / len(b)))
    matched = not gone.empty and abs(arrived - left) <= 3 * error + 0.01
    # Where values come that were missing before, the old names are as many as they were.
    kept = (1 - arrived) * len(b) / len(current) <= _NEW * len(a) / len(past)
    # All that are not new by themselves would be recognised.
    whole = arrived >= _NEW and kept and (once <= 0.1 or recognised >= max(_NEW * (1 - once) * arrived, 8 / len(b)))
    # Either half of a renaming, by chance: that so many came, and that none is left.
    came = more_often(round(arrived * len(b)), len(b), round(once * len(a)), len(a))
    went = more_often(round(left * len(a)), len(a), 0, len(b)) if same or matched else 1.0
    if came * went >= _CERTAIN or not (same or matched or whole):
        return None
    pairs = list((same or known).items()) or list(zip(gone.index if len(gone) else before.index, new.index, strict=False))
    texts = [", ".join(shown(value) for value in side[:3]) for side in zip(*pairs, strict=True)]
    return Fault(
        name, "names", texts[0], texts[1], f"{arrived:.0%} of the values under new names, {left:.0%} under old ones gone: renamed?"
    )


def _known_otherwise(before: pd.Index, new: pd.Index) -> dict[object, object]:
    """Known values that are among the new ones, but for case, signs and what all new ones begin or else end with."""
    known, texts = {_plain(value): value for value in before if _plain(value)}, [str(value) for value in new]
    starts, ends = _alike(texts), _alike([text[::-1] for text in texts])
    cuts = [slice(start, None) for start in range(starts + 1)] + [slice(None, -end) for end in range(1, ends + 1)]
    tried = [{known[stem]: value for value, text in zip(new, texts, strict=True) if (stem := _plain(text[cut])) in known} for cut in cuts]
    return max(tried, key=len)


def _alike(texts: list[str]) -> int:
    """How many letters all of several begin with; 0 of a single one."""
    return 0 if len(texts) < 2 else len(list(takewhile(lambda pair: pair[0] == pair[1], zip(min(texts), max(texts), strict=False))))


def _plain(value: object) -> str:
    return "".join(sign for sign in str(value).casefold() if sign.isalnum())
