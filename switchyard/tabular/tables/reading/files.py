"""`fetch`: the bytes of a local file or of any fsspec URL, with its revision, or one clear line about why not."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials
from switchyard.tabular.tables.reading.packing import Limit, read_limited, unpack
from switchyard.tabular.tables.reading.revision import ContentHash, revision_of


@dataclass(frozen=True)
class Content:
    """A file's bytes, unpacked."""

    data: bytes
    name: str
    """File name without folders and without the suffix of its packing."""
    label: str
    revision: str
    notes: tuple[str, ...] = ()


def fetch(source: str, base: Path | None, limit: Limit) -> Content:
    """Read and unpack the file that `source` names.

    Parameters
    ----------
    source : str
        Path or fsspec URL.
    base : Path or None
        Folder that relative paths start from; the working directory when absent.
    limit : Limit
        Stops packed and plain files alike.

    Raises
    ------
    InputError
        When it is missing, a folder, unreadable, damaged or too large.
    """
    hashes = ContentHash()
    if "://" in source and not source.startswith("file://"):
        label, path = without_credentials(source), None
        packed = _read_url(source, label, limit, hashes)
        name = label.split("::")[0].rstrip("/").rpartition("/")[2]
    else:
        label = source
        path = (base or Path()) / Path(source.removeprefix("file://")).expanduser()
        packed = _read_path(path, label, limit, hashes)
        name = path.name
    revision, notes = revision_of(hashes, path)
    data = unpack(packed, limit, label, name)
    stem, _, suffix = name.rpartition(".")
    return Content(data, stem if suffix.lower() in ("gz", "bz2", "xz", "zst", "zip") else name, label, revision, notes)


def _read_path(path: Path, label: str, limit: Limit, hashes: ContentHash) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            tables = sorted(item.name for item in path.iterdir() if item.is_file())[:5]
            inside = f", for example {path / tables[0]}" if tables else ", it is empty"
            raise InputError(f"{label} is a folder; name a file in it{inside}")
        if not stat.S_ISREG(mode):
            raise InputError(f"{label} is no regular file (a device, socket or pipe); copy the table into a file")
        with path.open("rb") as stream:
            return read_limited(stream, limit, label, hashes.update)
    except FileNotFoundError:
        raise InputError(f"{label} does not exist{_nearby(path)}") from None
    except NotADirectoryError:
        raise InputError(f"{label} does not exist: part of the path is a file, not a folder") from None
    except PermissionError:
        raise InputError(f"{label} may not be read by this user; change its permissions") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{label} cannot be read: {first_line(error)}") from None


def _nearby(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f", nor does its folder {folder}"
    try:
        return did_you_mean(path.name, sorted(item.name for item in folder.iterdir() if not item.name.startswith(".")))
    except OSError:
        return ""


def download(url: str, target: Path) -> None:
    """Stream the file behind any fsspec URL into `target`, memory flat.

    Raises
    ------
    InputError
        As `fetch`.
    """
    import fsspec

    with _errors_of(without_credentials(url)), fsspec.open(url, "rb") as stream, target.open("wb") as sink:
        shutil.copyfileobj(stream, sink, 1 << 20)


def _read_url(url: str, label: str, limit: Limit, hashes: ContentHash) -> bytes:
    import fsspec

    with _errors_of(label), fsspec.open(url, "rb") as stream:
        return read_limited(stream, limit, label, hashes.update)


@contextmanager
def _errors_of(label: str) -> Iterator[None]:
    """Whatever a file system says, as one line for the user."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        # fsspec calls every failure of HTTP a missing file; what it was is the cause.
        cause = error.__cause__
        if cause is None or isinstance(cause, FileNotFoundError) or getattr(cause, "status", None) in (404, 410):
            raise InputError(f"{label} does not exist") from None
        raise InputError(f"{label} cannot be read ({type(cause).__name__}): {first_line(cause)}") from None
    except IsADirectoryError:
        raise InputError(f"{label} is a folder; name a file in it") from None
    except PermissionError as error:
        raise InputError(f"{label} may not be read with the credentials at hand: {first_line(error)}") from None
    except ImportError as error:
        raise InputError(f"{label} needs a package that is not installed: {first_line(error)}") from None
    # Every file system has errors of its own; whatever they are, the user needs the one line.
    except Exception as error:
        raise InputError(f"{label} cannot be read ({type(error).__name__}): {first_line(error)}") from None
