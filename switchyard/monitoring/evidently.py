"""The one place that calls Evidently: named columns of two frames in, one number per column out."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import pandas as pd


def measure(reference: pd.DataFrame, current: pd.DataFrame, methods: Mapping[str, str], numeric: frozenset[str]) -> dict[str, float]:
    """Evidently's `ValueDrift` of each column of `methods`.

    Parameters
    ----------
    reference, current : DataFrame
        Missing values are left out; a column without any value on one side is not measured.
    methods : mapping
        Column -> method of Evidently.
    numeric : frozenset of str
        The columns that are numbers; the rest are categories.

    Returns
    -------
    dict
        Column -> distance, 0 for equal samples.
    """
    wanted = [name for name in methods if reference[name].notna().any() and current[name].notna().any()]
    if not wanted:
        return {}
    logging.getLogger("evidently").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.metrics import ValueDrift

        definition = DataDefinition(
            numerical_columns=[name for name in wanted if name in numeric],
            categorical_columns=[name for name in wanted if name not in numeric],
        )
        metrics: list[Any] = [ValueDrift(column=name, method=methods[name]) for name in wanted]
        sides = [Dataset.from_pandas(frame[wanted], data_definition=definition) for frame in (current, reference)]
        found = Report(metrics).run(*sides).dict()["metrics"]
    return {metric["config"]["column"]: float(metric["value"]) for metric in found}


def distance(reference: pd.Series, current: pd.Series, method: str, numeric: bool) -> float:
    """What `measure` gives for one column, without the making of a report, for many small comparisons."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests.registry import get_stattest
        from evidently.legacy.core import ColumnType

        kind = ColumnType.Numerical if numeric else ColumnType.Categorical
        reference, current = reference.dropna(), current.dropna()
        return float(get_stattest(reference, current, kind, method).func(reference, current, kind, 0.0)[0])
