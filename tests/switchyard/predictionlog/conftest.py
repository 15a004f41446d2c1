"""Fixtures: an engine for each database at hand."""

import pytest

from switchyard.predictionlog import connect, create_tables
from tests.databases import database, mariadb, postgresql, server_folder  # noqa: F401 - fixtures


@pytest.fixture
def engine(database):  # noqa: F811
    """An engine with empty tables, in each database at hand."""
    engine = connect(database)
    create_tables(engine)
    yield engine
    engine.dispose()
