"""What pods ask of databases before anything leans on them.

Init container of the servers: waits for the database in DATABASE_URL and, with --mlflow, brings MLflow's tables up to date.
With --check: whether every database that a *_DATABASE_URL names takes a connection and a table, and which do not.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy

from stacks.installation.urls import for_driver

WAIT_S = 300.0
_CHECK_S = 15.0
_PAUSE_S = 1.0
_CONNECT_S = 10
_SUFFIX = "_DATABASE_URL"


def wait_for(url: str, wait_s: float = WAIT_S) -> sqlalchemy.Engine:
    """An engine for `url` once the database takes a connection.

    Raises
    ------
    SystemExit
        It took none in `wait_s`, or can't keep text; with the reason in one line, without the URL's password.
    """
    parsed = for_driver(sqlalchemy.make_url(url))
    if parsed.get_backend_name() == "postgresql":
        # Else a database without an encoding answers in bytes, which SQLAlchemy can't take.
        parsed = parsed.update_query_dict({"client_encoding": "utf8"})
    engine = sqlalchemy.create_engine(parsed, connect_args={"connect_timeout": _CONNECT_S})
    until = time.monotonic() + wait_s
    while True:
        try:
            with engine.connect() as connection:
                _check_encoding(connection)
            return engine
        except sqlalchemy.exc.OperationalError as error:
            if time.monotonic() > until:
                raise SystemExit(f"database {parsed.host}/{parsed.database} takes no connection: {error.orig}") from None
            time.sleep(_PAUSE_S)


def _check_encoding(connection: sqlalchemy.Connection) -> None:
    url = connection.engine.url
    if url.get_backend_name() != "postgresql":
        return
    encoding = connection.execute(sqlalchemy.text("show server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise SystemExit(
            f"database {url.host}/{url.database} has encoding {encoding}, which can't keep every text: make it anew, "
            f"CREATE DATABASE {url.database} ENCODING 'UTF8' TEMPLATE template0"
        )


def check_all(urls: Mapping[str, str], wait_s: float = _CHECK_S) -> list[str]:
    """What is in the way of keeping tables in each of `urls` (setting -> URL), a line for each database where something is."""
    with ThreadPoolExecutor() as pool:
        said = pool.map(lambda url: _trouble(url, wait_s), urls.values())
        return [f"{setting}: {trouble}" for setting, trouble in zip(urls, said, strict=True) if trouble]


def _trouble(url: str, wait_s: float) -> str:
    try:
        engine = wait_for(url, wait_s)
    except SystemExit as ended:
        return str(ended)
    # Two settings may name one database, and two people look at once.
    table = sqlalchemy.Table(
        f"switchyard_check_{secrets.token_hex(4)}", sqlalchemy.MetaData(), sqlalchemy.Column("one", sqlalchemy.Integer)
    )
    try:
        table.create(engine)
        table.drop(engine)
    except sqlalchemy.exc.DBAPIError as error:
        return f"{engine.url.username} may keep no table in {engine.url.host}/{engine.url.database}: {error.orig}"
    finally:
        engine.dispose()
    return ""


def upgrade_mlflow(engine: sqlalchemy.Engine) -> None:
    """Migrate MLflow's tables where there are any of an older release; a new database is left to the server."""
    if "alembic_version" not in sqlalchemy.inspect(engine).get_table_names():
        return
    from mlflow.store.db import utils

    if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
        utils._upgrade_db(engine)


def main(arguments: list[str]) -> None:
    """Do what the module's docstring says."""
    if "--check" in arguments:
        if troubles := check_all({name: url for name, url in sorted(os.environ.items()) if name.endswith(_SUFFIX)}):
            raise SystemExit("; ".join(troubles))
        return
    connected = wait_for(os.environ["DATABASE_URL"])
    if "--mlflow" in arguments:
        upgrade_mlflow(connected)


if __name__ == "__main__":
    main(sys.argv[1:])
