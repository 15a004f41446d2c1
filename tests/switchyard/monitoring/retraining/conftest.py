"""Fixtures: an empty database of each kind at hand."""

from tests.databases import database, mariadb, postgresql, server_folder  # noqa: F401 - fixtures
