"""`way_in`: the line of the config that makes a feature of a column that was left out."""

from __future__ import annotations

import yaml

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.tables.schema import Column

_UNREADABLE = "no model here reads it"
"""How the reason ends of a column of values, lists say, of which no feature can be made."""


def way_in(column: Column, problem: Problem) -> str:
    """What to write into, or take out of, the config to have `column` learnt from; empty where nothing would do that."""
    data, override = problem.data, problem.data.columns.get(column.name)
    if column.role == "target" or column.missing == 1 or column.reason.endswith(_UNREADABLE):
        return ""
    if override is not None and override.role not in (None, "feature"):
        return f"without role: {override.role} in {_line(column.name, {'role': override.role})}"
    if column.role == "time" and column.kind == "datetime":
        off = [key for key in ("time_column", "dates") if not getattr(problem.features, key)]
        if off:
            return f"without {_flow({f'features.{off[0]}': False})}"
    for key in ("time_column", "group_column", "entity_column", "weight"):
        if (named := getattr(data, key)) == column.name:
            return f"without {_flow({f'data.{key}': named})}"
    said = {} if override is None or override.kind is None else {"kind": override.kind}
    return _line(column.name, {**said, "role": "feature"})


def _line(name: str, settings: dict[str, str]) -> str:
    return _flow({"data.columns": {name: settings}})


def _flow(settings: dict[str, object]) -> str:
    """As YAML has it, so that names are quoted where they must be."""
    return yaml.safe_dump(settings, default_flow_style=True, width=10_000, allow_unicode=True).strip()[1:-1]
