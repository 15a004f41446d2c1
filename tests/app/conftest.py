"""One project for the tests that build on each other's runs, and fresh ones for those that must not."""

from __future__ import annotations

import pytest

from tests.app.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project(tmp_path_factory.mktemp("pipelines"))
