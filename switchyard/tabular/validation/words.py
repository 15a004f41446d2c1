"""Expectations in words, for people who do not read their JSON."""

from __future__ import annotations

from typing import Any

_SHOWN = 12


def columns_of(kwargs: dict[str, Any]) -> tuple[str, ...]:
    """The columns an expectation is about; none for those about the whole table."""
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if isinstance(kwargs.get(key), str)]
    return (*named, *kwargs.get("column_list", ()))


def in_words(kind: str, kwargs: dict[str, Any]) -> str:
    """One phrase for an expectation, its own name where there is no better."""
    share = kwargs.get("mostly", 1)
    most = "every value" if share >= 1 else f"at least {share:.4g} of the values"
    match kind:
        case "expect_table_columns_to_match_set":
            return f"the columns {_listed(kwargs.get('column_set', ()))}" + (
                "" if kwargs.get("exact_match", True) else ", and maybe others"
            )
        case "expect_table_row_count_to_be_between":
            return f"{_between(kwargs)} rows"
        case "expect_column_to_exist":
            return "is there"
        case "expect_column_values_to_not_be_null":
            return "no missing value" if share >= 1 else f"at least {share:.4g} of the values are there"
        case "expect_column_values_to_be_between":
            return f"{most} {_between(kwargs)}"
        case "expect_column_values_to_be_in_set":
            return f"{most} one of {_listed(kwargs.get('value_set', ()))}"
        case "expect_column_values_to_be_of_type":
            return f"stored as {kwargs.get('type_')}"
        case "expect_column_values_to_be_unique":
            return "no value twice"
    rest = {key: value for key, value in kwargs.items() if not key.startswith("column")}
    return f"{kind.removeprefix('expect_').replace('_', ' ')} {rest or ''}".strip()


def _between(kwargs: dict[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is not None and high is not None:
        return f"between {_plain(low)} and {_plain(high)}"
    return f"at least {_plain(low)}" if low is not None else f"at most {_plain(high)}"


def _plain(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _listed(values: Any) -> str:
    values = list(values or ())
    shown = ", ".join(_plain(value) for value in values[:_SHOWN])
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")
