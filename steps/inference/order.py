"""`ScoringOrder`: which table to score, with which version, and where the answers go."""

from __future__ import annotations

from switchyard.tabular.batch.columns import Extra
from switchyard.tabular.storable import Fact, Record


class ScoringOrder(Record):
    """What is asked of a batch inference."""

    source: str
    """Where the steps find the table: a path, a URI in the artifact store, a URL, builtin:NAME or a SQLAlchemy URL."""
    label: str
    """What the user calls it."""
    query: str | None = None
    """Of a database."""
    output: str
    """Where the steps write: a path, a URI in the artifact store, or a URL; a folder, which ends in /, gets a file for each part."""
    version: str | None = None
    """In the registry; the one in production where none is named."""
    extra: Extra = "drop"
    explain: bool = False
    """Whether the output has the contributions of the columns to each answer."""
    log: bool = True
    """Whether the predictions go into the prediction log."""

    @property
    def by_parts(self) -> bool:
        """Whether each file of the table gets a file of its own."""
        return self.output.endswith("/")

    def metadata(self) -> dict[str, Fact]:
        return {"source": self.label, "version": self.version or "production", "log": self.log}
