"""`read_sql`: the result of a query against any database that SQLAlchemy knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from switchyard.tabular.errors import InputError
from switchyard.tabular.suggest import did_you_mean
from switchyard.tabular.tables.reading.credentials import first_line, without_credentials
from switchyard.tabular.tables.reading.headers import named
from switchyard.tabular.tables.reading.source import RawTable, Source

if TYPE_CHECKING:
    from switchyard.tabular.config.problem import Data

SCHEMES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle", "snowflake", "redshift", "duckdb", "trino")


def is_database(source: str) -> bool:
    """Whether `source` is a SQLAlchemy URL: `dialect[+driver]://...`."""
    return "://" in source and source.partition("://")[0].partition("+")[0].lower() in SCHEMES


def read_sql(source: str, query: str | None, label: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Run `query` and take its result.

    Parameters
    ----------
    source : str
        SQLAlchemy URL.
    query : str or None
        `data.query`, one statement that returns rows, in SQL as the database speaks it.
    label : str
        The URL without credentials, for messages.

    Raises
    ------
    InputError
        When there is no query, no driver, no connection, the statement fails, or it returns nothing.
    """
    import sqlalchemy
    from sqlalchemy import exc

    if not query:
        raise InputError(f"{label} is a database: set data.query, for example SELECT * FROM loans")
    try:
        url = sqlalchemy.make_url(source)
        # SQLite would make an empty database of a misspelt name.
        if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:" and not url.database.startswith("file:"):
            path = Path(url.database)
            if not path.is_file():
                nearby = sorted(item.name for item in path.parent.iterdir()) if path.parent.is_dir() else []
                raise InputError(f"{label}: database file {path} does not exist{did_you_mean(path.name, nearby)}")
        engine = sqlalchemy.create_engine(url)
    except exc.NoSuchModuleError as error:
        raise InputError(f"{label}: {first_line(error)}") from None
    except (exc.ArgumentError, ValueError) as error:
        raise InputError(f"{label} is no SQLAlchemy URL: {first_line(error)}") from None
    except ImportError as error:
        raise InputError(f"{label} needs a database driver that is not installed: {first_line(error)}") from None
    try:
        with engine.connect() as connection:
            # Escaped, since a colon would be a bind parameter here and the query has none.
            result = connection.execute(sqlalchemy.text(query.replace(":", r"\:")))
            if not result.returns_rows:
                raise InputError(f"data.query returns no rows; it must be a SELECT, not {query.split()[0].upper()}")
            names = list(result.keys())
            rows = result.fetchall()
    except exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise InputError(f"{label}: data.query failed: {first_line(cause)}") from None
    finally:
        engine.dispose()
    if not rows:
        raise InputError(f"{label}: data.query returned no rows")
    trimmed, notes = named([str(name) for name in names], label, "data.query")
    frame = pd.DataFrame({place: pd.Series(values) for place, values in enumerate(zip(*rows, strict=True))})
    frame.columns = list(trimmed)
    return frame, notes


class Databases(Source):
    """Whatever SQLAlchemy has a dialect for."""

    name = "sql"

    def takes(self, data: Data) -> bool:
        source = data.source.strip()
        return is_database(source) or bool(data.query and "://" in source)

    def read(self, data: Data, base: Path | None) -> RawTable:
        label = without_credentials(data.source.strip())
        frame, notes = read_sql(data.source.strip(), data.query, label)
        return RawTable.of_frame(frame, label, notes)


PARTS = (Databases(),)
