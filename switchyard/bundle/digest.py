"""The digest: a bundle's identity, by its content alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

FILES = ("model.onnx", "signature.json", "examples.json")


def digest_files(files: Mapping[str, bytes]) -> str:
    """`sha256:<hex>` over the three files, each preceded by its name and length."""
    sha = hashlib.sha256()
    for name in FILES:
        sha.update(f"{name}\0{len(files[name])}\0".encode())
        sha.update(files[name])
    return f"sha256:{sha.hexdigest()}"


def digest(folder: str | Path) -> str:
    """The digest of the bundle in `folder`; FileNotFoundError where one of its files is missing."""
    return digest_files({name: (Path(folder) / name).read_bytes() for name in FILES})
