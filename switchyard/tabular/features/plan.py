"""`plan_features`: what becomes of every column, decided from schema, quality report and config, with the reason.

The plan is unfitted: nothing in it was learnt from the target, and "auto" stays where the model family decides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.calendar import cyclic_parts, differing_parts
from switchyard.tabular.features.checks import check_operand, check_overrides, check_settings
from switchyard.tabular.features.expressions import parse
from switchyard.tabular.features.record import ColumnPlan, DerivedPlan, FeaturePlan
from switchyard.tabular.features.unused import way_in
from switchyard.tabular.tables.schema import Column, Schema
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import TASKS

_MIN_KEPT = 0.5
"""Dropping outliers may not cost more than half of the training rows: what is that common is no outlier."""


def plan_features(split: Split, dropped: Mapping[str, str], problem: Problem) -> FeaturePlan:
    """Decide what becomes of every column.

    Parameters
    ----------
    split : Split
        Only its training rows are looked at.
    dropped : mapping
        Column to reason, from the quality report.
    problem : Problem
        With task and roles resolved.

    Raises
    ------
    InputError
        Where the config asks for what cannot be (an expression over an unknown column, an encoder for a number, ...),
        with its place; or where no feature is left.
    """
    schema, features = split.schema, problem.features
    check_overrides(schema, problem)
    check_settings(problem)
    derived = _plan_derived(schema, dropped, problem)
    needed = {name for item in derived if item.use for name in item.needs}
    columns = tuple(_plan_column(column, split, dropped, problem) for column in schema.columns)
    used = tuple(_as_input(column) for column, plan in zip(schema.columns, columns, strict=True) if plan.use or column.name in needed)
    if not used:
        reasons = "; ".join(f"{column.name}: {column.reason}" for column in columns if column.role != "target")
        raise InputError(f"no column is left to learn from ({reasons})")
    classification = problem.task != "regression"
    return FeaturePlan(
        task=problem.task,
        n_classes=int(split.train[schema.target.name].nunique()) if classification else 1,
        columns=columns,
        derived=derived,
        used=used,
        outliers=features.outliers,
        interactions=features.interactions,
        polynomial=features.polynomial,
        pairs=_pairs(problem),
        selection=features.selection,
        interpolate=features.interpolate,
        order_by=schema.time.name if schema.time else None,
        numeric_imputer=features.numeric_imputer,
        categorical_imputer=features.categorical_imputer,
        encoder=features.encoder,
        scaler=features.scaler,
        seed=problem.tuning.seed,
    )


def _pairs(problem: Problem) -> str:
    """The config's `features.pairs`; a model that somebody has to follow gets them only where they are asked for."""
    return "leave" if problem.features.pairs == "auto" and problem.constraints.explainable_only else problem.features.pairs


def _plan_column(column: Column, split: Split, dropped: Mapping[str, str], problem: Problem) -> ColumnPlan:
    override = problem.data.columns.get(column.name)
    plan = {
        "name": column.name,
        "kind": column.kind,
        "role": column.role,
        "missing": column.missing,
        "categories": column.unique if column.kind == "categorical" else 0,
    }
    refused = _why_not(column, split.train, dropped, problem)
    if refused:
        return ColumnPlan(use=False, reason=refused, way_in=way_in(column, problem), **plan)
    for key in ("imputer", "encoder", "scaler"):
        plan[key] = getattr(override, key) or "auto" if override else "auto"
    if column.kind == "datetime":
        moments = split.train[column.name]
        plan["parts"] = cyclic_parts(moments) if column.role == "time" else differing_parts(moments, problem.features.dates)
    return ColumnPlan(use=True, reason=_why(column, override is not None), **plan)


def _as_input(column: Column) -> Column:
    """A column of the table as the model has it: one of moments that orders the rows comes like a feature, of any later time."""
    return column.model_copy(update={"role": "feature", "minimum": None, "maximum": None}) if column.role == "time" else column


def _why_not(column: Column, train: pd.DataFrame, dropped: Mapping[str, str], problem: Problem) -> str:
    if column.role == "time":
        return _why_no_calendar(column, train, problem)
    if column.role != "feature":
        reasons = {
            "target": "what is predicted",
            "id": f"names the row and says nothing about others ({column.reason})",
            "group": "keeps rows together in splits; new groups are unknown to the model",
            "weight": "says how much the row counts",
            "ignored": column.reason or "ignored by the config",
        }
        return reasons[column.role]
    if column.name in dropped:
        return f"dropped by the quality report: {dropped[column.name]}"
    if column.kind == "text" and not TASKS[problem.task].target:
        return "groups are not found by free text"
    if train[column.name].isna().all():
        return "empty in every training row"
    return ""


def _why_no_calendar(column: Column, train: pd.DataFrame, problem: Problem) -> str:
    orders = "orders the rows; new rows lie outside the times trained on"
    if column.kind != "datetime":
        return orders
    for key in ("time_column", "dates"):
        if not getattr(problem.features, key):
            return f"{orders}, and features.{key} is false"
    return (
        "" if cyclic_parts(train[column.name]) else f"{orders}, which went through no cycle of the calendar (two days, two weeks, a year)"
    )


def _why(column: Column, overridden: bool) -> str:
    if column.role == "time":
        return (
            "orders the rows, and its calendar recurs; no trend is learnt, and parts whose cycle training did not go through are left out"
        )
    if overridden:
        return "as the config says"
    match column.kind:
        case "categorical":
            return f"{column.unique} categories" + (", missing is one of its own" if column.missing else "")
        case "datetime":
            return "a moment; calendar parts follow cycles that a plain number hides"
        case "boolean":
            return "yes or no, as 1 or 0"
        case "text":
            return "free text: learnt from by its words and pairs of words, what they say of the target, what it is about, its length"
    return "a number" + (f", missing in {column.missing:.1%} of the rows" if column.missing else "")


def _plan_derived(schema: Schema, dropped: Mapping[str, str], problem: Problem) -> tuple[DerivedPlan, ...]:
    names = [column.name for column in schema.columns]
    planned: dict[str, DerivedPlan] = {}
    for name, text in problem.features.derived.items():
        place = f"features.derived.{name}"
        if name in names:
            raise InputError(f"{place}: the table has a column of this name; choose another")
        needs: dict[str, None] = {}
        for column in parse(text, place).columns:
            if column in planned:
                needs.update(dict.fromkeys(planned[column].needs))
                continue
            check_operand(column, schema, place, [*names, *planned])
            needs[column] = None
        lost = [column for column in needs if column in dropped]
        reason = f"needs {lost[0]}, which the quality report dropped: {dropped[lost[0]]}" if lost else "named in the config"
        planned[name] = DerivedPlan(name=name, expression=text, needs=tuple(needs), use=not lost, reason=reason)
    return tuple(planned.values())


def training_rows(frame: pd.DataFrame, plan: FeaturePlan, schema: Schema) -> pd.DataFrame:
    """The rows to fit on: gaps interpolated and outliers dropped where the plan says so.

    For training rows only. Rows that are predicted, in validation folds or later, are never touched: at serving there
    is neither a next row to interpolate to nor a choice to answer or not.

    Parameters
    ----------
    frame : DataFrame
        Training rows in canonical types.
    plan : FeaturePlan
    schema : Schema
        Its group column, if any, keeps interpolation within the rows of one group.

    Returns
    -------
    DataFrame
        Some of the rows of `frame`, with their index, in their order.

    Raises
    ------
    InputError
        Where dropping outliers would leave less than half of the rows, or no row of some class.
    """
    numeric = [column.name for column in plan.used if column.kind == "numeric"]
    if plan.interpolate and numeric:
        frame = _interpolated(frame, numeric, plan.order_by, schema.group.name if schema.group else None)
    if plan.outliers.method != "none" and plan.outliers.action == "drop":
        from switchyard.tabular.features.outliers import inliers

        kept = inliers(frame[numeric].to_numpy("float64"), plan.outliers.method, plan.outliers.threshold, plan.seed)
        _check_kept(frame, kept, plan, schema)
        frame = frame[kept]
    return frame


def _check_kept(frame: pd.DataFrame, kept: np.ndarray, plan: FeaturePlan, schema: Schema) -> None:
    way_out = "use action: clip or flag, or a larger threshold" if plan.outliers.method != "isolation_forest" else "use action: flag"
    if kept.mean() < _MIN_KEPT:
        raise InputError(f"features.outliers: drop would leave {kept.sum()} of {len(kept)} training rows; {way_out}")
    if plan.task != "regression":
        lost = set(frame[schema.target.name]) - set(frame.loc[kept, schema.target.name])
        if lost:
            raise InputError(f"features.outliers: drop would leave no training row of class {min(lost)!r}; {way_out}")


def _interpolated(frame: pd.DataFrame, numeric: list[str], order_by: str | None, group: str | None) -> pd.DataFrame:
    """`frame` with inner gaps of the numeric columns filled linearly, by time where there is a time column, else by row."""
    clock = frame[order_by].to_numpy("datetime64[ns]").astype("int64") / 1e9 if order_by else np.arange(len(frame), dtype="float64")
    known = ~frame[order_by].isna().to_numpy() if order_by else np.ones(len(frame), dtype=bool)
    owners = pd.factorize(frame[group])[0] if group else np.zeros(len(frame), dtype=int)
    filled = frame[numeric].to_numpy("float64", copy=True)
    order = np.lexsort((clock, owners))
    for rows in np.split(order, np.flatnonzero(np.diff(owners[order])) + 1):
        rows = rows[known[rows]]
        for column in filled.T:
            gap = np.isnan(column[rows])
            if gap.any() and (~gap).sum() > 1:
                seen = rows[~gap]
                column[rows[gap]] = np.interp(clock[rows[gap]], clock[seen], column[seen], left=np.nan, right=np.nan)
    return frame.assign(**dict(zip(numeric, filled.T, strict=True)))
