"""ZenML's steps. Importing any of them registers the materializer of what they return, and has databases named in errors."""

import materializers.storable  # noqa: F401
from steps.databases import name_databases

name_databases()
