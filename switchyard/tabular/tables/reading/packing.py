"""`unpacked`: a file's bytes as a stream; gzip, bzip2, xz, zstandard and zip are recognised by content."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import psutil
import pyarrow as pa

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line

_CHUNK = 1 << 20
_START = 8


class ByteStream(Protocol):
    """What can be read from, packed or not."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def _zstd(stream: BinaryIO) -> AbstractContextManager[ByteStream]:
    unzipped: AbstractContextManager[ByteStream] = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")
    return unzipped


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


def limited(batches: Iterable[pa.RecordBatch], limit: Limit | None, label: str) -> Iterator[pa.RecordBatch]:
    """`batches`, given up where all of them take more memory than `limit` allows."""
    size = 0
    for batch in batches:
        size += batch.nbytes
        if limit is not None:
            limit.check(size, label)
        yield batch


def packing_of(start: bytes) -> str | None:
    """The name of the packing that a file begins with, or None."""
    if start.startswith((_ZIP, _EMPTY_ZIP)):
        return "zip"
    return next((name for magic, (name, _) in _OPENERS.items() if start.startswith(magic)), None)


@contextmanager
def unpacked(path: Path, label: str) -> Iterator[ByteStream]:
    """The bytes of a local file as a stream, unpacked once if it is packed.

    Parameters
    ----------
    path : Path
        Its suffix promises a packing.
    label : str
        The source, for messages.

    Raises
    ------
    InputError
        While it is read, too: the file is damaged, not packed though its suffix says so, packed twice, an archive of several
        files, or cannot be read.
    """
    packing = None
    try:
        with path.open("rb") as raw:
            packing = packing_of(start := raw.read(_START))
            raw.seek(0)
            if packing is None:
                promised = _SUFFIXES.get(path.suffix.lower().lstrip("."))
                if promised and start:
                    raise InputError(f"{label} is not a {promised} file though its name says so; rename or repack it")
                yield raw
                return
            with _opened(raw, packing, label) as stream:
                if packing_of(stream.read(_START)):
                    raise InputError(f"{label} is packed twice; unpack it once")
        # Some of the streams close the file beneath.
        with path.open("rb") as raw, _opened(raw, packing, label) as stream:
            yield stream
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        if packing is None:
            raise InputError(f"{label} cannot be read: {first_line(error)}") from None
        raise InputError(f"{label} is a damaged or incomplete {packing} file ({first_line(error)}); fetch it again") from None


@contextmanager
def seekable(path: Path, label: str, limit: Limit | None) -> Iterator[BinaryIO]:
    """A local file, unpacked, that can be read at any place: itself, or a temporary copy where it is packed."""
    with unpacked(path, label) as stream:
        if isinstance(stream, io.BufferedReader):
            yield stream
            return
        with tempfile.TemporaryFile() as copy:
            while block := stream.read(_CHUNK):
                if limit is not None:
                    limit.check(copy.tell() + len(block), label)
                copy.write(block)
            copy.seek(0)
            yield copy


def start_of(path: Path, label: str, size: int = 512) -> bytes:
    """The first bytes of a local file, unpacked."""
    with unpacked(path, label) as stream:
        return stream.read(size)


@contextmanager
def _opened(raw: BinaryIO, packing: str, label: str) -> Iterator[ByteStream]:
    if packing != "zip":
        opener = next(opener for name, opener in _OPENERS.values() if name == packing)
        with opener(raw) as stream:
            yield stream
        return
    with zipfile.ZipFile(raw) as archive:
        members = [item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")]
        names = [item.filename for item in members]
        if "[Content_Types].xml" in names:
            raise InputError(f"{label} is an Office document without sheets; save its table as CSV")
        if len(members) != 1:
            listed = f": {', '.join(names[:5])}" if names else ""
            raise InputError(f"{label} holds {len(members)} files{listed}; a zip must hold exactly one table")
        with archive.open(members[0]) as stream:
            yield stream
