"""`read_openml`: a table of OpenML by name, through scikit-learn's client."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError

import pandas as pd

from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials
from switchyard.tabular.tables.reading.source import Source

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data

SERVER = "OPENML_SERVER"
"""Environment variable with the base URL of another OpenML server, for mirrors and tests."""
_PUBLIC = "https://www.openml.org"
_lock = threading.Lock()


def read_openml(source: str) -> pd.DataFrame:
    """The newest active version of `openml:NAME`, or the one with the number in `openml:NAME?version=2` or `openml:42`.

    Every column is kept, the default target among them; which one to predict is `data.target`.

    Raises
    ------
    InputError
        When the server cannot be reached or has no such table.
    """
    from sklearn.datasets import fetch_openml

    name, _, query = source.removeprefix("openml:").partition("?")
    server = os.environ.get(SERVER, _PUBLIC).rstrip("/")
    shown = without_credentials(server)
    if not name or (query and not query.removeprefix("version=").isdigit()):
        raise InputError(f"{source}: write openml:NAME, openml:NAME?version=NUMBER or openml:NUMBER")
    version = int(query.removeprefix("version=")) if query else "active"
    which = {"data_id": int(name)} if name.isdigit() else {"name": name, "version": version}
    try:
        with _server(server), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Mirrors answer under the same paths: the client's cache would mix them with the public server's files.
            cache = server == _PUBLIC
            bunch = fetch_openml(**which, target_column=None, as_frame=True, parser="auto", cache=cache, n_retries=1, delay=0.2)
    except (URLError, TimeoutError, ConnectionError) as error:
        if getattr(error, "code", None) in (404, 412):
            raise InputError(f"{source}: {shown} has no such table") from None
        why = f"{shown} cannot be reached ({first_line(error)})"
        raise InputError(f"{source}: {why}; download the table, or set {SERVER} to a mirror") from None
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{source}: {first_line(error)}") from None
    return bunch.frame


@contextmanager
def _server(server: str) -> Iterator[None]:
    """Point scikit-learn's client at `server`: it offers no setting for that."""
    if server == _PUBLIC:
        yield
        return
    from sklearn.datasets import _openml as client

    names = ("_SEARCH_NAME", "_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES")
    with _lock:
        kept = {name: getattr(client, name) for name in names}
        try:
            for name, url in kept.items():
                setattr(client, name, url.replace(_PUBLIC, server))
            yield
        finally:
            for name, url in kept.items():
                setattr(client, name, url)


class OpenML(Source):
    """`openml:NAME`."""

    name = "openml"

    def frame(self, data: Data) -> pd.DataFrame:
        return read_openml(data.source.strip())


PARTS = (OpenML(),)
