"""`located`: the file that a source names, local or behind any fsspec URL, or one clear line about why not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials
from switchyard.tabular.tables.reading.packing import Limit

_BLOCK = 1 << 20


@contextmanager
def located(source: str, base: Path | None, limit: Limit | None = None) -> Iterator[tuple[Path, str]]:
    """The file that `source` names as a local one, and what to call it.

    Parameters
    ----------
    source : str
        Path or fsspec URL; what is behind a URL is here as long as the block lasts.
    base : Path or None
        Folder that relative paths start from; the working directory when absent.
    limit : Limit or None
        Of what is fetched.

    Raises
    ------
    InputError
        When it can't be fetched. Whether a path leads to a file is for its reader to find out.
    """
    if "://" not in source or source.startswith("file://"):
        yield (base or Path()) / Path(source.removeprefix("file://")).expanduser(), source
        return
    label = without_credentials(source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, label.split("::")[0].rstrip("/").rpartition("/")[2] or "table")
        download(source, path, limit)
        yield path, label


def download(url: str, target: Path, limit: Limit | None = None) -> None:
    """Stream the file behind any fsspec URL into `target`, memory flat.

    Raises
    ------
    InputError
        It is missing, unreadable, or larger than `limit`.
    """
    import fsspec

    label = without_credentials(url)
    with _errors_of(label), fsspec.open(url, "rb") as stream, target.open("wb") as sink:
        while block := stream.read(_BLOCK):
            if limit is not None:
                limit.check(sink.tell() + len(block), label)
            sink.write(block)


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
