"""`settle`: what of the problem was left to the table, decided by what the table was found to hold."""

from __future__ import annotations

from switchyard.tabular.config.problem import Data, Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of
from switchyard.tabular.tables.schema import Schema
from switchyard.tabular.tables.typing.costs import said_costs
from switchyard.tabular.tables.typing.targets import Target, positive_class
from switchyard.tabular.tasks import TASKS


def settle(problem: Problem, schema: Schema, target: Target, metric: str) -> tuple[Problem, list[str]]:
    """The problem with task, metric, positive class, time column and split kind filled in, and notes on what was chosen."""
    notes, data = [], problem.data
    positive = None
    if target.task == "binary":
        positive, why = positive_class(target.values, problem.positive_class, data.target)
        notes.append(f"positive class of {data.target!r} is {positive!r}: {why}")
    elif problem.positive_class is not None:
        raise InputError(f"positive_class is set, but the task is {target.task}; remove it, or use task: binary")
    if problem.costs is not None:
        notes.append(said_costs(problem.costs, target, positive, data.target))
    if problem.quantiles and target.task != "regression":
        raise InputError(
            f"quantiles are of a regression, and the task of {data.target!r} is {target.task}; remove them, or say task: regression"
        )
    if TASKS[target.task].classification:
        smallest = schema.target.categories[-1]
        rows = int((target.values == smallest).sum())
        # One of them at least is held out.
        if rows <= problem.tuning.folds:
            follows = "fewer are made" if target.task == "binary" else "some are scored without it"
            few = f"{count_of(rows, 'row')}, too few for a holdout and {problem.tuning.folds} folds of the cross-validation: {follows}"
            notes.append(f"class {smallest!r} of {data.target!r} has {few}")
    kind, data, schema_notes = _split_kind(problem, schema)
    notes += schema_notes
    split = problem.split.model_copy(update={"kind": kind})
    found = {"task": target.task, "metric": metric, "positive_class": positive, "split": split, "data": data}
    return problem.model_copy(update=found), notes


def _split_kind(problem: Problem, schema: Schema) -> tuple[str, Data, list[str]]:
    data, kind = problem.data, problem.split.kind
    if schema.weight is not None:
        data = data.model_copy(update={"weight": schema.weight.name})
    if data.time_column is None and schema.time is not None:
        data = data.model_copy(update={"time_column": schema.time.name})
    if data.group_column is None and schema.group is not None:
        data = data.model_copy(update={"group_column": schema.group.name})
    dates = [column.name for column in schema.columns if column.kind == "datetime" and column.role == "feature"]
    if kind == "time" and data.time_column is None:
        options = f"{dates[0]}" if dates else "@row for the file's order"
        raise InputError(f"split.kind is time, but data.time_column is not set; set it, for example to {options}")
    if kind == "group" and data.group_column is None:
        raise InputError("split.kind is group, but data.group_column is not set; set it to the column whose rows belong together")
    if kind != "auto":
        return kind, data, []
    if data.time_column is not None:
        return "time", data, []
    if data.group_column is not None:
        return "group", data, []
    if not dates:
        return "random", data, []
    hint = f"data.time_column: {dates[0]} makes the holdout the future"
    return "random", data, [f"{dates[0]!r} holds dates: if rows follow each other in time, {hint}"]
