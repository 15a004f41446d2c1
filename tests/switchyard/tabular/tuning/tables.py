"""Small tables with a known signal, split and planned, for the tests of tuning and ensembles."""

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import split_table
from switchyard.tabular.tables.table import Table


def search(task="binary", rows=400, kind=None, constraints=None, **tuning):
    """(split, plan, problem) of a table whose target depends on two numbers and a category."""
    rng = np.random.default_rng(7)
    numbers = {name: rng.normal(size=rows) for name in "ab"}
    frame = pd.DataFrame({**numbers, "c": rng.choice(list("uvwxyzabcdef"), rows).astype(object)})
    signal = frame["a"] + frame["b"] ** 2 + 1.5 * frame["c"].isin(list("uvw")) + 0.7 * rng.normal(size=rows)
    if task == "regression":
        frame["y"] = 10 * signal
    else:
        cuts, labels = ([-99, 1.5, 99], list("pq")) if task == "binary" else ([-99, 0.8, 2, 99], list("pqr"))
        frame["y"] = pd.cut(signal, cuts, labels=labels).astype(object)
    kinds = {"c": "categorical", "y": "numeric" if task == "regression" else "categorical"}
    columns = tuple(
        Column(name=name, kind=kinds.get(name, "numeric"), role="target" if name == "y" else "feature", unique=int(frame[name].nunique()))
        for name in frame
    )
    problem = problem_from(
        {
            "name": "t",
            "task": task,
            "data": {"source": "x", "target": "y", "time_column": "@row" if kind == "time" else None},
            "split": {"kind": kind or "auto"},
            "tuning": {"folds": 3, **tuning},
            "constraints": constraints or {},
        },
        "test",
    )
    split = split_table(Table(frame, Schema(columns=columns), "x", "r"), problem)
    return split, plan_features(split, {}, problem), problem
