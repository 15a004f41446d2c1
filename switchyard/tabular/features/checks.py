"""What the features section of the config may ask for, checked against the table before anything is fitted."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.features.encoders import ENCODERS
from switchyard.tabular.features.record import NUMBERS
from switchyard.tabular.tables.schema import Schema

_CATEGORY_IMPUTERS = ("most_frequent", "own_category")
_NUMBER_IMPUTERS = ("mean", "median", "none")


def check_overrides(schema: Schema, problem: Problem) -> None:
    """Refuse settings in `data.columns` for columns that are not there or are of another kind."""
    names = [column.name for column in schema.columns]
    for name, override in problem.data.columns.items():
        place = f"data.columns.{name}"
        if name not in names:
            raise InputError(f"{place}: the table has no such column{_meant(name, names)}")
        kind = schema[name].kind
        allowed = {
            "imputer": _CATEGORY_IMPUTERS if kind == "categorical" else _NUMBER_IMPUTERS if kind in ("numeric", "boolean") else (),
            "encoder": tuple(ENCODERS) if kind == "categorical" else (),
            "scaler": ("standard", "minmax", "robust", "none") if kind in ("numeric", "boolean") else (),
        }
        for key, choices in allowed.items():
            value = getattr(override, key)
            if value is not None and value not in choices:
                way_out = f"choose one of {', '.join(choices)}" if choices else "remove the key, or set the column's kind"
                raise InputError(f"{place}.{key}: {value!r} does not apply to a {kind} column; {way_out}")


def check_settings(problem: Problem) -> None:
    """Refuse settings in `features` that exclude each other."""
    features = problem.features
    if features.outliers.method == "isolation_forest":
        if features.outliers.action == "clip":
            raise InputError("features.outliers.action: isolation_forest finds rows, not values, so it cannot clip; use flag or drop")
        if (features.outliers.threshold or 0.01) >= 0.5:
            raise InputError(
                f"features.outliers.threshold: for isolation_forest it is the share of rows that are outliers, "
                f"below 0.5 (got {features.outliers.threshold})"
            )
    if features.selection.method == "chi2" and problem.task == "regression":
        raise InputError("features.selection.method: chi2 needs classes; use anova for a regression")
    scaled = [name for name, override in problem.data.columns.items() if override.scaler]
    if features.scaler == "normalizer" and scaled:
        raise InputError(f"data.columns.{scaled[0]}.scaler: features.scaler=normalizer scales whole rows; remove one of them")
    if features.scaler == "normalizer" and features.numeric_imputer == "none":
        raise InputError("features.numeric_imputer: none leaves gaps that features.scaler=normalizer cannot take; use mean or median")


def check_operand(name: str, schema: Schema, place: str, names: Sequence[str]) -> None:
    """Refuse the column `name` in the expression at `place`, unless it is a number of the table and not the target."""
    if name not in {column.name for column in schema.columns}:
        raise InputError(f"{place}: the table has no column {name!r}{_meant(name, names)}")
    column = schema[name]
    if column.role == "target":
        raise InputError(f"{place}: {name!r} is the target; a feature computed from it would give it away")
    if column.kind not in NUMBERS:
        raise InputError(f"{place}: {name!r} is {column.kind}; expressions take numeric, boolean and datetime columns")


def _meant(name: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
