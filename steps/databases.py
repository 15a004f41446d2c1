"""`name_databases`: an error of a database says which one it was.

A step may speak with the prediction log, the study store and MLflow's, and "database or disk is full" is true of any.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from switchyard.tabular.tables.reading.credentials import without_credentials


def name_databases() -> None:
    """From now on, each SQLAlchemy error of this process names its database, without user and password."""
    if not event.contains(Engine, "handle_error", _name):
        event.listen(Engine, "handle_error", _name)


def _name(context: Any) -> None:
    error = context.sqlalchemy_exception
    if error is None or context.engine is None or not error.args:
        return
    url = context.engine.url
    place = url.database if url.host is None else without_credentials(url.render_as_string(hide_password=True))
    error.args = (f"{error.args[0]} [in {place}]", *error.args[1:])
