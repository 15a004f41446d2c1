"""Fixtures: a reference, and a prediction log in each database at hand."""

import pytest

from switchyard.predictionlog import connect, create_tables
from tests.databases import database, mariadb, postgresql, server_folder  # noqa: F401 - fixtures
from tests.switchyard.monitoring.people import reference as make_reference


@pytest.fixture(scope="session")
def reference():
    return make_reference()


@pytest.fixture
def log(database):  # noqa: F811
    engine = connect(database)
    create_tables(engine)
    yield engine
    engine.dispose()
