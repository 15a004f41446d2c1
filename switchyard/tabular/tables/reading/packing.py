"""Unpacking: gzip, bzip2, xz, zstandard and zip, recognised by content, streamed, and stopped at a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

import psutil

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line

_CHUNK = 1 << 20


class ByteStream(Protocol):
    """What can be read from, packed or not."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def _zstd(stream: BinaryIO) -> AbstractContextManager[ByteStream]:
    import pyarrow

    unpacked: AbstractContextManager[ByteStream] = pyarrow.CompressedInputStream(pyarrow.PythonFile(stream, mode="r"), "zstd")
    return unpacked


_OPENERS: dict[bytes, tuple[str, Callable[[BinaryIO], AbstractContextManager[ByteStream]]]] = {
    b"\x1f\x8b": ("gzip", lambda stream: gzip.GzipFile(fileobj=stream)),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
    b"\x28\xb5\x2f\xfd": ("zstandard", _zstd),
}
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_SUFFIXES = {"gz": "gzip", "bz2": "bzip2", "xz": "xz", "zst": "zstandard", "zip": "zip"}


class Limit:
    """How many bytes one table may take: what the config allows, and what the machine has.

    Parameters
    ----------
    megabytes : int
        `data.max_unpacked_mb`.
    """

    def __init__(self, megabytes: int) -> None:
        self._configured = megabytes << 20
        # Parsed columns need about as much again as the bytes they come from.
        self._memory = psutil.virtual_memory().available // 2

    def check(self, n_bytes: int, label: str) -> None:
        """Raise an `InputError` about `label` when `n_bytes` are too many."""
        if n_bytes > self._configured:
            raise InputError(
                f"{label} is too large: more than {self._configured >> 20} MB when unpacked; "
                "raise data.max_unpacked_mb if it really is that large, or give a sample of its rows"
            )
        if n_bytes > self._memory:
            raise InputError(
                f"{label} is too large for this machine: unpacked, more than the {self._memory >> 20} MB "
                "that half of the free memory holds; give a sample of its rows"
            )


def read_limited(stream: ByteStream, limit: Limit, label: str, on_chunk: Callable[[bytes], None] | None = None) -> bytes:
    """All bytes of `stream`, given up at `limit`; `on_chunk` sees every chunk, for hashing."""
    buffer = io.BytesIO()
    while chunk := stream.read(_CHUNK):
        limit.check(buffer.tell() + len(chunk), label)
        buffer.write(chunk)
        if on_chunk is not None:
            on_chunk(chunk)
    return buffer.getvalue()


def unpack(content: bytes, limit: Limit, label: str, name: str) -> bytes:
    """`content` unpacked once if it is packed, else as it is.

    Parameters
    ----------
    content : bytes
        The file as stored.
    limit : Limit
        Unpacking stops here, before memory is full.
    label : str
        The source, for messages.
    name : str
        File name; its suffix promises a packing.

    Raises
    ------
    InputError
        When the file is damaged, not packed though its suffix says so, an archive of several files, or too large.
    """
    packing = packing_of(content)
    if packing is None:
        promised = _SUFFIXES.get(name.rpartition(".")[2].lower())
        if promised and content:
            raise InputError(f"{label} is not a {promised} file though its name says so; rename or repack it")
        return content
    try:
        unpacked = _unzip(content, limit, label) if packing == "zip" else _decompress(content, packing, limit, label)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{label} is a damaged or incomplete {packing} file ({first_line(error)}); fetch it again") from None
    if packing_of(unpacked):
        raise InputError(f"{label} is packed twice; unpack it once")
    return unpacked


def packing_of(content: bytes) -> str | None:
    """The name of the packing that `content` begins with, or None."""
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        return "zip"
    return next((name for magic, (name, _) in _OPENERS.items() if content.startswith(magic)), None)


def _decompress(content: bytes, packing: str, limit: Limit, label: str) -> bytes:
    opener = next(opener for name, opener in _OPENERS.values() if name == packing)
    with opener(io.BytesIO(content)) as stream:
        return read_limited(stream, limit, label)


def _unzip(content: bytes, limit: Limit, label: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")]
        names = [item.filename for item in members]
        if "[Content_Types].xml" in names:
            raise InputError(f"{label} is an Office workbook or document; save the sheet as CSV")
        if len(members) != 1:
            listed = f": {', '.join(names[:5])}" if names else ""
            raise InputError(f"{label} holds {len(members)} files{listed}; a zip must hold exactly one table")
        with archive.open(members[0]) as stream:
            return read_limited(stream, limit, label)
