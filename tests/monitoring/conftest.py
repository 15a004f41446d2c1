"""Fixtures: a reference, and a prediction log in SQLite."""

import pytest

from predictionlog import connect, create_tables

from .people import reference as make_reference


@pytest.fixture(scope="session")
def reference():
    return make_reference()


@pytest.fixture
def log(tmp_path):
    engine = connect(f"sqlite:///{tmp_path}/log.db")
    create_tables(engine)
    yield engine
    engine.dispose()
