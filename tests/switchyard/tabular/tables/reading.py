"""Short ways to a table for the tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from switchyard.tabular.config.problem import Data, Problem, problem_from
from switchyard.tabular.tables.reading.sources import RawTable, read_source
from switchyard.tabular.tables.resolve import Resolution, resolve


def problem(source: str | Path = "memory", target: str = "y", **settings: Any) -> Problem:
    """A problem on `source`; keys of the data section go in `data`."""
    data = {"source": str(source), "target": target, **settings.pop("data", {})}
    return problem_from({"name": "test", "data": data, **settings}, "test")


def read(source: str | Path, target: str = "y", **data: Any) -> RawTable:
    return read_source(Data(source=str(source), target=target, **data))


def load(source: str | Path, target: str = "y", **settings: Any) -> Resolution:
    """Read and resolve, as the first step of training does."""
    wanted = problem(source, target, **settings)
    return resolve(read_source(wanted.data), wanted)


def load_frame(frame: pd.DataFrame, target: str = "y", **settings: Any) -> Resolution:
    """Resolve a frame that is already in memory."""
    return resolve(RawTable(frame, "frame", "sha256:0"), problem(target=target, **settings))


def sample(rows: int = 60) -> pd.DataFrame:
    """A small table with one column of each kind."""
    return pd.DataFrame(
        {
            "size": [round(0.37 * row, 2) for row in range(rows)],
            "colour": [("red", "green", "blue")[row % 3] for row in range(rows)],
            "seen": pd.date_range("2025-01-01", periods=rows, freq="D"),
            "open": [row % 4 == 0 for row in range(rows)],
            "y": [("no", "yes")[row % 5 == 0] for row in range(rows)],
        }
    )
