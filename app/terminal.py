"""`terminal`: standard output, on which no line breaks a word and none that is to be copied is broken at all."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_WIDTH = 150
"""Where it is no terminal and COLUMNS does not say."""
_LABEL = re.compile(r"\s*\S+\s{2,}(?=\S)|\s+")
"""What stands before the text of a line, as in "verdict  challenger"; the rest of a long text is written below that text."""
_COPIED = ("python ", "make ", "curl ", "http://", "https://")


class Lines(Console):
    """A console that wraps plain lines at blanks, under where their text begins; a command or an address stays on one line."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; of one `str`, each line by itself."""
        if len(objects) != 1 or not isinstance(objects[0], str):
            super().print(*objects, **options)
            return
        text = self.render_str(objects[0], markup=options.pop("markup", None), highlight=options.pop("highlight", None))
        for line in text.split(allow_blank=True):
            for piece in self._wrapped(line):
                super().print(piece, **{**options, "soft_wrap": True})

    def _wrapped(self, line: Text) -> list[Text]:
        found = _LABEL.match(line.plain)
        indent = len(found[0]) if found else 0
        if line.cell_len <= self.width or line.plain[indent:].startswith(_COPIED) or indent > self.width // 2:
            return [line]
        label, body = line[:indent] if indent else Text(), line[indent:]
        pieces = body.divide(_breaks(body.plain, self.width - indent))
        for piece in pieces:
            piece.rstrip()
        first, *rest = pieces
        return [Text.assemble(label, first), *(Text.assemble(" " * indent, piece) for piece in rest)]


def _breaks(text: str, width: int) -> list[int]:
    """Where the lines after the first begin; rich itself would cut a word that is wider than a line."""
    found, begun = [], 0
    for word in re.finditer(r"\S+", text):
        if cell_len(text[begun : word.end()]) > width and word.start() > begun:
            begun = word.start()
            found.append(begun)
    return found


@contextmanager
def kept_clean(stderr: bool, quiet: bool) -> Iterator[None]:
    """Whatever libraries and processes write to standard output meanwhile goes to standard error, or with `quiet` nowhere."""
    if not stderr and not quiet:
        yield
        return
    sys.stdout.flush()
    # The descriptor, not `sys.stdout`: ZenML's logs hold on to the stream that they found.
    kept, other = os.dup(1), os.open(os.devnull, os.O_WRONLY) if quiet else os.dup(2)
    os.dup2(other, 1)
    os.close(other)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def terminal(stderr: bool = False, quiet: bool = False) -> Lines:
    """Standard output, or standard error; where it is no terminal, and COLUMNS does not say, lines are as long as tables need.

    Colours are left out where NO_COLOR is set. `quiet` prints nothing.
    """
    # The stream as it is now: steps keep a library quiet by another `sys.stdout`, and lines of this console would go there too.
    console = Lines(file=sys.stderr if stderr else sys.stdout, highlight=False, emoji=False, quiet=quiet)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = _WIDTH
    return console
