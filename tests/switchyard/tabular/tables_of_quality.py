"""Tables in canonical types, made without the inference under test elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split, split_table
from switchyard.tabular.tables.table import Table


def canonical_table(raw: pd.DataFrame, target: str, classification: bool, roles: dict[str, str] | None = None) -> Table:
    """`raw` as a `Table`: objects are categories, booleans and numbers are floats."""
    roles = {**(roles or {}), target: "target"}
    frame, columns = pd.DataFrame(index=raw.index), []
    for name in raw.columns:
        values, role = raw[name], roles.get(name, "feature")
        if pd.api.types.is_datetime64_any_dtype(values):
            kind, frame[name] = "datetime", values.astype("datetime64[ns]")
        elif values.dtype == object or (name == target and classification):
            kind = "categorical"
            frame[name] = values.astype(object).where(values.notna(), None).map(lambda value: None if value is None else str(value))
        else:
            kind = "boolean" if values.dtype == bool else "numeric"
            frame[name] = values.astype("float64")
        known = frame[name].dropna()
        columns.append(
            Column(
                name=name,
                kind=kind,
                role=role,
                missing=float(frame[name].isna().mean()),
                unique=int(known.nunique()),
                integer=kind == "numeric" and bool((known % 1 == 0).all()),
                categories=tuple(known.value_counts().index[:1000]) if kind == "categorical" else (),
            )
        )
    return Table(frame, Schema(columns=tuple(columns)), "test", "sha256:test")


def problem_for(target: str, task: str = "binary", **rest) -> Problem:
    data = {"source": "test.csv", "target": target, **rest.pop("data", {})}
    return problem_from({"name": "test", "data": data, "task": task, **rest}, "test")


def customers(rows: int = 2000, seed: int = 0) -> pd.DataFrame:
    """An honest churn table: mixed types, missing values, a strong but imperfect predictor."""
    rng = np.random.default_rng(seed)
    usage = rng.gamma(2.0, 50.0, rows)
    plan = rng.choice(["basic", "plus", "pro"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    tenure = rng.integers(0, 120, rows).astype(float)
    logit = 1.5 - 0.03 * usage + 0.8 * (plan == "basic") - 0.02 * tenure + rng.normal(0, 0.5, rows)
    churned = np.where(rng.random(rows) < 1 / (1 + np.exp(-logit)), "yes", "no")
    tenure[rng.random(rows) < 0.08] = np.nan
    plan[rng.random(rows) < 0.05] = None
    joined = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 700, rows)), "D")
    return pd.DataFrame(
        {
            "joined": joined,
            "usage": usage,
            "plan": plan,
            "tenure": tenure,
            "spend": np.round(rng.lognormal(4, 0.6, rows), 2),
            "mobile": rng.random(rows) < 0.6,
            "churned": churned,
        }
    )


def houses(rows: int = 800, seed: int = 0) -> pd.DataFrame:
    """An honest price table."""
    rng = np.random.default_rng(seed)
    area = rng.gamma(6.0, 25.0, rows)
    quality = rng.integers(1, 11, rows).astype(float)
    price = 900 * area * (0.6 + 0.08 * quality) * rng.lognormal(0, 0.15, rows)
    return pd.DataFrame(
        {
            "area": area,
            "quality": quality,
            "street": rng.choice(list("abcdefgh"), rows).astype(object),
            "year": rng.integers(1920, 2021, rows).astype(float),
            "price": np.round(price, -2),
        }
    )


def genes(rows: int = 60, columns: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Far more columns than rows, of which the last two say something about `tissue`."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns))
    tissue = np.where(values[:, -1] + values[:, -2] + rng.normal(0, 0.3, rows) > 0, "liver", "lung")
    frame = pd.DataFrame(values, columns=[f"g{number}" for number in range(columns)])
    return pd.concat([frame, pd.DataFrame({"tissue": tissue.astype(object)})], axis=1)


def split_of(raw: pd.DataFrame, problem: Problem, roles: dict[str, str] | None = None) -> Split:
    return split_table(canonical_table(raw, problem.data.target, problem.task != "regression", roles), problem)
