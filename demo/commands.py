"""Runs run.py's commands as a user types them, in this process, which spares their start; what they print goes to a file."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any, TextIO

from switchyard.tabular.errors import SwitchyardError

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

        self._log.write(f"\n$ python run.py {' '.join(arguments)}\n")
        self._log.flush()
        _send_to(self._log)
        try:
            with contextlib.redirect_stdout(self._log), contextlib.redirect_stderr(self._log):
                result = run.cli(list(arguments), standalone_mode=False)
        except SwitchyardError as error:
            self._log.write(f"error: {error}\n")
            raise self._failed(arguments, error.exit_code) from error
        finally:
            self._log.flush()
        if result.exit_code:
            raise self._failed(arguments, result.exit_code)
        return dict(result.summary)

    def _failed(self, arguments: tuple[str, ...], code: int) -> CommandFailed:
        return CommandFailed(f"python run.py {' '.join(arguments)} ended with exit code {code}; see {self._log.name}")


def _send_to(log: TextIO) -> None:
    """Have the log lines of libraries go where the commands print, not into the story."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(log)
