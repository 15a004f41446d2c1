"""`words_of`: a free text as the graph takes it: its words in lower case, with one blank between two.

Unicode's rules of case are Python's to know and no operator's, so this is done before the graph, by the same code in training and
wherever a bundle scores.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from switchyard.bundle.plain import MISSING

MOST_CHARACTERS = 10_000
"""What comes after them in a text is not read."""
MOST_WORDS = 1_000
NO_WORD = "_"
"""What a text is that has no word: never empty, so that the graph always has something to split."""

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0966-\u0df3\u0f71-\u0f84"
)
"""Vowel signs and other marks that belong to the word they are in, though `re` calls them no part of one."""
_WORD = re.compile(rf"[\w{_MARKS}]+")
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
"""Letters of languages that put no blanks between words (Thai, Burmese, Khmer, Chinese, Japanese): each stands for itself."""


def words_of(text: str) -> str:
    """The words of `text`, the first thousand of the first 10,000 characters; `MISSING` stays what it is."""
    return MISSING if text == MISSING else _words_of(text[:MOST_CHARACTERS])


# Explanations score the same few texts thousands of times.
@lru_cache(maxsize=2048)
def _words_of(text: str) -> str:
    if text.isascii():
        text = text.lower()
    else:
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        text = _UNSPACED.sub(r" \1 ", text)
    return " ".join(_WORD.findall(text.replace("_", " "))[:MOST_WORDS]) or NO_WORD
