"""Runs run.py's commands as a user types them, in this process, which spares their start; what they print goes to a file."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[1]


class CommandFailed(RuntimeError):
    """A command of the story ended otherwise than it must."""


class Commands:
    """`python run.py ...`, one after the other.

    Parameters
    ----------
    log : TextIO
        Gets everything that they print.
    """

    def __init__(self, log: TextIO) -> None:
        self._log = log

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run `python run.py ARGUMENTS`; its summary.

        Raises
        ------
        CommandFailed
            It ended with another code than 0.
        """
        import run

        run.STARTED = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            summary = Path(folder) / "summary.json"
            self._log.write(f"\n$ python run.py {' '.join(arguments)}\n")
            self._log.flush()
            before = sys.argv
            _send_to(self._log)
            sys.argv = ["run.py", *arguments, "--summary", str(summary)]
            code: Any = 0
            try:
                with contextlib.redirect_stdout(self._log), contextlib.redirect_stderr(self._log):
                    run.main()
            except SystemExit as end:
                code = end.code or 0
            finally:
                sys.argv = before
                self._log.flush()
            if code:
                raise CommandFailed(f"python run.py {' '.join(arguments)} ended with exit code {code}; see {self._log.name}")
            return json.loads(summary.read_text(encoding="utf-8"))


def _send_to(log: TextIO) -> None:
    """Have the log lines of libraries go where the commands print, not into the story."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(log)
