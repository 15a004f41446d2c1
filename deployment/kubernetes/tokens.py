"""`TokenCopies`: a client's copies of the token files, for its owner's eyes."""

from __future__ import annotations

import logging
from pathlib import Path

from switchyard.files import write_whole

logger = logging.getLogger(__name__)


class TokenCopies:
    """Files below `folder`, one a model; without a folder there are none, as in a pod, which has nobody to leave one for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def write(self, model: str, tokens: str) -> str | None:
        """Have the copy hold `tokens`; its path, None where the disk can't be written."""
        if self._folder is None:
            return None
        copy = self._path(self._folder, model)
        try:
            if not copy.is_file() or copy.read_text(encoding="utf-8") != tokens:
                copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(copy, tokens, 0o600)
        except OSError as error:
            logger.warning("the tokens of %s can't be copied to %s: %s", model, copy, error)
            return None
        return str(copy)

    def remove(self, model: str) -> None:
        """Delete the copy, where there is one."""
        if self._folder is not None:
            self._path(self._folder, model).unlink(missing_ok=True)

    @staticmethod
    def _path(folder: Path, model: str) -> Path:
        return folder / model / "tokens"
