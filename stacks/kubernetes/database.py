"""Init container of the servers: waits for the database in DATABASE_URL and, with --mlflow, brings MLflow's tables up to date."""

from __future__ import annotations

import os
import sys
import time

import sqlalchemy

from stacks.kubernetes.urls import for_driver

WAIT_S = 300.0
_PAUSE_S = 1.0


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
    engine = sqlalchemy.create_engine(parsed)
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


def upgrade_mlflow(engine: sqlalchemy.Engine) -> None:
    """Migrate MLflow's tables where there are any of an older release; a new database is left to the server."""
    if "alembic_version" not in sqlalchemy.inspect(engine).get_table_names():
        return
    from mlflow.store.db import utils

    if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
        utils._upgrade_db(engine)


if __name__ == "__main__":
    connected = wait_for(os.environ["DATABASE_URL"])
    if "--mlflow" in sys.argv:
        upgrade_mlflow(connected)
