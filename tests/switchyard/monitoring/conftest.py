"""Fixtures: a reference, and a prediction log in each database at hand."""

from contextlib import contextmanager

import pytest

from switchyard.predictionlog import connect, create_tables
from tests.databases import database, mariadb, postgresql, server_folder  # noqa: F401 - fixtures
from tests.switchyard.monitoring.people import reference as make_reference
from tests.switchyard.monitoring.receivers import Mail, Web, served


@pytest.fixture(scope="session")
def reference():
    return make_reference()


@pytest.fixture
def log(database):  # noqa: F811
    with log_at(database) as engine:
        yield engine


@pytest.fixture
def sqlite_log(tmp_path):
    """For what reads the log by the same code whatever the database is."""
    with log_at(f"sqlite:///{tmp_path}/log.db") as engine:
        yield engine


@contextmanager
def log_at(url):
    engine = connect(url)
    create_tables(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def web():
    yield from served(Web())


@pytest.fixture
def mail():
    yield from served(Mail())
