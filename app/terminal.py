"""Standard output."""

from __future__ import annotations

from rich.console import Console


def terminal() -> Console:
    """Standard output; where it is no terminal, lines are as long as tables need."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=150, highlight=False)
