"""`Bundle`: the three files of a model in memory, what they are known by, and whether they are still those."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from switchyard.bundle.digest import FILES, digest_files
from switchyard.bundle.opening import scorer_of
from switchyard.bundle.scorer import Scorer
from switchyard.bundle.signature import Signature

SIGNATURE, MODEL, EXAMPLES = "signature.json", "model.onnx", "examples.json"


class ChangedBundle(ValueError):
    """A bundle's files are not those that its digest names; the message says which, or how the digests differ."""


@dataclass(frozen=True)
class Bundle:
    """The three files that serving gets.

    Parameters
    ----------
    files : mapping of str to bytes
        By name: model.onnx, signature.json, examples.json.
    """

    files: Mapping[str, bytes]

    def write(self, folder: Path) -> None:
        """Write the files into `folder`."""
        for name in FILES:
            (folder / name).write_bytes(self.files[name])

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The bundle in `folder`, whatever its digest.

        Raises
        ------
        ChangedBundle
            A file is missing, is no regular file, or does not belong there.
        """
        check_members({path.name: path.is_file() and not path.is_symlink() for path in folder.iterdir()})
        return cls({name: (folder / name).read_bytes() for name in FILES})

    def verify(self, digest: str | None) -> Self:
        """This bundle, whose content is what `digest` names.

        Raises
        ------
        ChangedBundle
            It is another content, or nobody says which it should be.
        """
        if not digest:
            raise ChangedBundle("no digest is kept with them, so nobody can say whether they are those that were registered")
        if self.digest != digest:
            raise ChangedBundle(f"their digest is {self.digest}, and {digest} was registered")
        return self

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` over the three files: what the bundle is known by."""
        return digest_files(self.files)

    @cached_property
    def signature(self) -> Signature:
        """What the bundle takes and gives.

        Raises
        ------
        ValueError
            It is of a format that this code can't read.
        """
        return Signature.from_json(self.files[SIGNATURE].decode())

    @cached_property
    def examples(self) -> dict[str, Any]:
        """The content of examples.json: `tolerance`, and `examples`, dicts with `row` and `answer`."""
        found: dict[str, Any] = json.loads(self.files[EXAMPLES])
        return found

    @property
    def megabytes(self) -> float:
        """Size of the three files in 10^6 bytes."""
        return sum(len(content) for content in self.files.values()) / 1e6

    def scorer(self, threads: int = 1) -> Scorer:
        """A scorer as the server has it."""
        return scorer_of(self.files[MODEL], self.signature, threads)


def check_members(found: Mapping[str, bool]) -> None:
    """Whether a folder holds a bundle's files and nothing else.

    Parameters
    ----------
    found : mapping of str to bool
        Name of each entry, and whether it is a regular file.

    Raises
    ------
    ChangedBundle
        Names what is missing, what is no file and what does not belong there.
    """
    wrong = [
        *(f"{name} is missing" for name in FILES if name not in found),
        *(f"{name} is no regular file" for name in FILES if found.get(name) is False),
        *(f"{name} does not belong there" for name in sorted(set(found) - set(FILES))),
    ]
    if wrong:
        raise ChangedBundle("; ".join(wrong))
