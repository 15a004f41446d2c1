"""`said_of`: what is wrong with a config, in the words of the YAML that a person wrote, not of the classes that check it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

_SHOWN = 200
"""Characters of a wrong value in an error."""
_MAPPING, _NUMBER, _WHOLE, _TRUTH = "a mapping of keys to values", "a number", "a whole number", "true or false"
_MUST_BE = {
    "missing": "is missing",
    "extra_forbidden": "no such key (python run.py --schema lists them)",
    "tuple_type": "must be a list, as in [a, b]",
    "dict_type": f"must be {_MAPPING}",
    "model_type": f"must be {_MAPPING}",
    "string_type": "must be text; quotes make it one",
    "int_type": f"must be {_WHOLE}",
    "int_parsing": f"must be {_WHOLE}",
    "int_from_float": f"must be {_WHOLE}",
    "float_type": f"must be {_NUMBER}",
    "float_parsing": f"must be {_NUMBER}",
    "finite_number": "must be a finite number",
    "bool_type": f"must be {_TRUTH}",
    "bool_parsing": f"must be {_TRUTH}",
    "literal_error": "must be {expected}",
    "greater_than": "must be above {gt:,.15g}",
    "greater_than_equal": "must be at least {ge:,.15g}",
    "less_than": "must be below {lt:,.15g}",
    "less_than_equal": "must be at most {le:,.15g}",
}
"""pydantic's types of errors: https://docs.pydantic.dev/latest/errors/validation_errors/; all others say it themselves."""
_MEMBER = re.compile(r"literal\[.*|constrained-\w+|(tuple|dict|list)\[.*|float|int|str|bool")
"""What pydantic puts behind a key that takes one of several types, for the one that it tried."""


def said_of(error: ValidationError) -> str:
    """One line: for each wrong key its place, what it must be and what was given."""
    places: dict[str, tuple[list[str], Mapping[str, Any]]] = {}
    for item in error.errors():
        place = item["loc"][:-1] if item["loc"] and _MEMBER.fullmatch(str(item["loc"][-1])) else item["loc"]
        problems, _ = places.setdefault(".".join(map(str, place)), ([], item))
        problems.append(_problem(item))
    return "; ".join(f"{place or 'config'}: {_joined(problems)}{_given(item)}" for place, (problems, item) in places.items())


def _problem(item: Mapping[str, Any]) -> str:
    words = _MUST_BE.get(item["type"])
    return words.format(**item.get("ctx", {})) if words else item["msg"].removeprefix("Value error, ")


def _joined(problems: list[str]) -> str:
    """Of a key that takes one of several types, what each of them would be."""
    first, *others = dict.fromkeys(problems)
    return " or ".join([first, *(problem.removeprefix("must be ") for problem in others)])


def _given(item: Mapping[str, Any]) -> str:
    # Without a place, what was given is the whole config.
    if item["type"] in ("missing", "extra_forbidden") or not item["loc"]:
        return ""
    # As YAML has it: null, true, [a, b] and {"a": b}.
    plain = item["input"] is None or isinstance(item["input"], (bool, list, tuple, dict))
    given = json.dumps(item["input"], ensure_ascii=False, default=str) if plain else repr(item["input"])
    return f" (got {given if len(given) <= _SHOWN else given[:_SHOWN] + '...'})"
