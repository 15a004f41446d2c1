"""Tokens: who may ask the front door for what, and until when. Standard library only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe

SCOPES = ("predict", "feedback", "explain", "metrics")
USUAL = frozenset(SCOPES[:3])
"""What a token is for that names no scope; metrics tell of everybody's requests."""
_SCOPES, _UNTIL = "scopes=", "until="
_LEAST = 16


class TokenError(ValueError):
    """The token file can't be used; the message names the line, never the token."""


@dataclass(frozen=True)
class Token:
    """One line of a token file."""

    client: str
    """Who has it, in the access log. Two tokens of one client hold at a time while one replaces the other."""
    value: str
    scopes: frozenset[str] = USUAL
    until: float | None = None
    """Epoch seconds at which it ends; None: never."""

    def holds(self, moment: float) -> bool:
        """Whether it is good at `moment`."""
        return self.until is None or moment < self.until


def read_tokens(path: str | Path) -> tuple[Token, ...]:
    """The tokens in the file `path`; as `parse_tokens`."""
    return parse_tokens(Path(path).read_text(encoding="utf-8"), str(path))


def parse_tokens(text: str, where: str) -> tuple[Token, ...]:
    """The tokens in `text`, those that have ended too.

    A line is `TOKEN` or `CLIENT TOKEN`, behind it `scopes=predict,feedback` and `until=2026-12-31T18:00:00Z` where wanted;
    empty lines and those that begin with # are left out.

    Raises
    ------
    TokenError
        A line has other parts, an unknown scope, a moment that is none, a token shorter than 16 characters or of another
        kind than visible ASCII, or a token stands twice.
    """
    found: list[Token] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            token = _token(line.split(), number)
        except ValueError as error:
            raise TokenError(f"{where}, line {number}: {error}") from None
        if any(token.value == other.value for other in found):
            raise TokenError(f"{where}, line {number}: this token stands in the file already")
        found.append(token)
    return tuple(found)


def _token(parts: list[str], number: int) -> Token:
    options = [part for part in parts if part.startswith((_SCOPES, _UNTIL))]
    names = [part for part in parts if part not in options]
    value = names[-1] if names else ""
    if len(names) not in (1, 2) or len(value) < _LEAST or not (value.isascii() and value.isprintable()):
        raise ValueError(
            f"write TOKEN or CLIENT TOKEN, the token at least {_LEAST} visible ASCII characters, then {_SCOPES}... {_UNTIL}... if wanted"
        )
    scopes, until = USUAL, None
    for option in options:
        key, _, text = option.partition("=")
        if key == "scopes":
            scopes = frozenset(text.split(","))
            if not scopes <= set(SCOPES):
                raise ValueError(f"{_SCOPES} takes {', '.join(SCOPES)}, with commas between")
        else:
            moment = datetime.fromisoformat(text)
            until = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return Token(names[0] if len(names) == 2 else f"client-{number}", value, scopes, until)


def holding(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Those that are good now."""
    moment = time.time()
    return tuple(token for token in tokens if token.holds(moment))


def first_token(tokens: Sequence[Token]) -> str | None:
    """The first that is good now and lets its client predict; None where there is none."""
    return next((token.value for token in holding(tokens) if "predict" in token.scopes), None)


def new_tokens() -> str:
    """The content of a token file with one new token."""
    return (
        "# One client a line: NAME TOKEN [scopes=predict,feedback,explain,metrics] [until=MOMENT]. Changes are taken up while the "
        f"service runs.\ndefault {token_urlsafe(32)}\n"
    )
