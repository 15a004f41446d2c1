"""Problems and splits made of small frames."""

from __future__ import annotations

import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split


def make_problem(task: str, metric: str, **sections: dict) -> Problem:
    data = {"source": "memory.csv", "target": "y", **sections.pop("data", {})}
    settings = {"name": "small", "task": task, "metric": metric, "data": data, "evaluation": {"bootstrap": 200}, **sections}
    return Problem.model_validate(settings)


def make_split(frame: pd.DataFrame, train_share: float = 0.6, kind: str = "random") -> Split:
    """The first rows train, the rest is the holdout; kinds follow from the dtypes."""
    columns = []
    for name in frame:
        values = frame[name]
        kind_of = "categorical" if values.dtype == object else "datetime" if values.dtype.kind == "M" else "numeric"
        seen = {"missing": float(values.isna().mean()), "unique": int(values.nunique())}
        if kind_of == "categorical":
            seen["categories"] = tuple(values.value_counts().index)
        elif kind_of == "numeric":
            seen |= {"minimum": float(values.min()), "maximum": float(values.max())}
        columns.append(Column(name=name, kind=kind_of, role="target" if name == "y" else "feature", **seen))
    cut = int(len(frame) * train_share)
    return Split(frame[:cut].reset_index(drop=True), frame[cut:].reset_index(drop=True), Schema(columns=tuple(columns)), kind, None)
