"""`Members`: the models of a pool, one file each, which says of a model what `Settings` say of a server that has only it.

Whoever deploys writes a file, whole, and removes it; the pool reads it when the model is asked for, so it needs no telling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from switchyard.files import write_whole
from switchyard.serving.errors import Refusal
from switchyard.serving.settings import Settings

Stamp = tuple[int, int]
_NAME = re.compile(r"[A-Za-z0-9_-]+/[A-Za-z0-9_-]+")


class Members:
    """The files in `folder`: NAME/INSTANCE.json."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, member: str, settings: dict[str, Any]) -> None:
        """Have `member` among them, by fields of `Settings`; does nothing where it is so already."""
        path, text = self._path(member), json.dumps(settings)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, text, 0o600)

    def remove(self, member: str) -> None:
        """Have it among them no more."""
        self._path(member).unlink(missing_ok=True)

    def stamp(self, member: str) -> Stamp:
        """What changes when the file of `member` does.

        Raises
        ------
        Refusal
            There is no such member.
        """
        try:
            found = self._path(member).stat()
        except OSError:
            raise Refusal(f"no model {member[:100]!r} is in this pool", status=503, reason="NOT_IN_POOL") from None
        return found.st_mtime_ns, found.st_ino

    def read(self, member: str) -> Settings:
        """What is said of `member`.

        Raises
        ------
        OSError, ValueError
            Its file is gone, or says nothing that settings can be.
        """
        return Settings.read({}, json.loads(self._path(member).read_text(encoding="utf-8")))

    def all(self) -> Iterator[str]:
        """Their names."""
        for path in sorted(self._folder.glob("*/*.json")):
            yield f"{path.parent.name}/{path.stem}"

    def _path(self, member: str) -> Path:
        if not _NAME.fullmatch(member):
            raise Refusal(f"{member[:100]!r} names no model of a pool", status=503, reason="NOT_IN_POOL")
        return self._folder / f"{member}.json"
