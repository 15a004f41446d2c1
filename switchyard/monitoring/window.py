"""The `Window`: predictions that were made in production, with the labels that have come for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from switchyard.monitoring.answers import predictions_in
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.report.report import Report, Section, Table
from switchyard.tabular.storable import Fact, Storable
from switchyard.tabular.tables.table import read_frame, write_frame


class WindowFacts(BaseModel):
    """Everything about a window but its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: str
    digest: str
    since: datetime
    until: datetime
    source: str
    """The prediction log, or a table, in words."""
    identity: str
    """Equal for a repeated look at the same window."""
    rows: int
    """Predictions of this version, counted exactly."""
    looked_at: int
    """Rows of this object: all of the window, or a sample."""
    others: dict[str, int] = {}
    """Predictions of other versions in the same time: version -> rows. They are left out."""
    of: Literal["requests", "tables"] = "requests"
    """Whose predictions they are: of requests to the endpoint, or of whole tables (`--pipeline inference`)."""
    batch: int = 0
    """Predictions of whole tables in the time of a window of requests. They are left out."""
    requests: int = 0
    """Predictions of requests in the time of a window of tables. They are left out."""
    labelled: int = 0
    received: int = 0
    repeated: int = 0
    corrected: int = 0
    late: int = 0
    """Labels, counted exactly over all rows; `predictionlog.Arrivals` says what each is."""
    unreadable: int = 0
    """Labels, among the rows looked at, that are no class of the model, or no number."""
    absent: tuple[str, ...] = ()
    """Columns of the model that the window does not have."""
    of_production: bool = True
    """False for a table looked at by --data: a single look, which is none of the windows that later ones look back at."""
    timed: bool = True
    """False where rows have no time: `since` and `until` are when they were first looked at."""


@dataclass(frozen=True)
class Window(Storable):
    """Rows in canonical types, and the answers they got."""

    facts: WindowFacts
    rows: pd.DataFrame
    """Columns of the model and of slices that are there."""
    answers: pd.DataFrame
    """Columns as of `switchyard.monitoring.answers`, and `actual`: the label that holds, None or NaN where none has come."""

    def predictions(self, classes: tuple[str, ...], at: np.ndarray | None = None) -> Predictions:
        """The answers, of all rows or of those `at` these positions."""
        return predictions_in(self.answers if at is None else self.answers.iloc[at], classes)

    @property
    def labelled(self) -> np.ndarray:
        """Positions of the rows with a label."""
        return np.flatnonzero(self.answers["actual"].notna().to_numpy())

    def write(self, folder: Path) -> None:
        (folder / "window.json").write_text(self.facts.model_dump_json(indent=1), encoding="utf-8")
        write_frame(self.rows, folder / "rows.parquet")
        write_frame(self.answers, folder / "answers.parquet")

    @classmethod
    def read(cls, folder: Path) -> Self:
        facts = WindowFacts.model_validate_json((folder / "window.json").read_text(encoding="utf-8"))
        return cls(facts, read_frame(folder / "rows.parquet"), read_frame(folder / "answers.parquet"))

    def metadata(self) -> dict[str, Fact]:
        facts = self.facts
        return {"version": facts.version, "rows": facts.rows, "looked_at": facts.looked_at, "labelled": facts.labelled}

    def report(self) -> Report:
        facts = self.facts
        counts = [
            ("predictions", facts.rows),
            ("looked at", facts.looked_at),
            ("with a label", facts.labelled),
            ("labels received", facts.received),
            ("labels that repeated the one before", facts.repeated),
            ("labels that corrected the one before (the last holds)", facts.corrected),
            ("predictions whose first label came after the window's end", facts.late),
            ("labels looked at that the model does not know", facts.unreadable),
            *((f"predictions of version {version}, left out", rows) for version, rows in facts.others.items()),
            *([("predictions of whole tables, left out", facts.batch)] if facts.batch else []),
            *([("predictions of requests, left out", facts.requests)] if facts.requests else []),
        ]
        sections = [Section("Counts", Table(("what", "number"), counts))]
        if facts.absent:
            sections.append(Section("Columns that the window does not have", ", ".join(facts.absent)))
        return Report(f"Window of {facts.model} version {facts.version}", in_words(facts), sections)


def in_words(facts: WindowFacts) -> str:
    """Which window it is, for people."""
    if not facts.timed:
        return facts.source
    return f"{facts.source}, {facts.since:%Y-%m-%d %H:%M:%S} up to {facts.until:%Y-%m-%d %H:%M:%S} UTC"
