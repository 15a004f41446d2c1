"""Numbers and nouns in sentences for people."""

from __future__ import annotations


def count_of(number: int, noun: str) -> str:
    """`number` of what `noun` names: "1 row", "2,000 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
