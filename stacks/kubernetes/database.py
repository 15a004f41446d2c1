"""Init container of the servers: waits for the database in DATABASE_URL and, with --mlflow, brings MLflow's tables up to date."""

from __future__ import annotations

import os
import sys
import time

import sqlalchemy

WAIT_S = 300.0
_PAUSE_S = 1.0
_DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}


def wait_for(url: str, wait_s: float = WAIT_S) -> sqlalchemy.Engine:
    """An engine for `url` once the database takes a connection.

    Raises
    ------
    SystemExit
        It took none in `wait_s`; with the reason in one line, without the URL's password.
    """
    parsed = sqlalchemy.make_url(url)
    engine = sqlalchemy.create_engine(parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername)))
    until = time.monotonic() + wait_s
    while True:
        try:
            engine.connect().close()
            return engine
        except sqlalchemy.exc.OperationalError as error:
            if time.monotonic() > until:
                raise SystemExit(f"database {parsed.host}/{parsed.database} takes no connection: {error.orig}") from None
            time.sleep(_PAUSE_S)


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
