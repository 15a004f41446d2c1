"""The keys of a config, read from its classes: what a person reads of them, and the JSON schema by which editors complete them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.tabular.config.problem import Problem

_WIDTH = 80
_BOUNDS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_MOST_NAMES = 12
"""Longest list of allowed words that is written out."""


@dataclass(frozen=True)
class Key:
    """One key of a config.

    Attributes
    ----------
    path : str
        With its sections, as in `tuning.budget_s`; NAME stands for a name of the user's, [] for each of a list.
    type : str
        What it takes, in words.
    default : str
        As it would be written in YAML; empty where it must be given.
    description : str
    """

    path: str
    type: str
    default: str
    description: str


def json_schema() -> dict[str, Any]:
    """The JSON schema of a config."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Problem.model_json_schema()}


def keys(schema: Mapping[str, Any] | None = None) -> list[Key]:
    """All keys, in the order of the classes; those of another version's JSON schema where one is given."""
    schema = schema or json_schema()
    return list(_keys(schema, schema["$defs"], ""))


def as_text() -> str:
    """The keys for a terminal of 80 columns."""
    lines = []
    for key in keys():
        lines += textwrap.wrap(f"{key.path}: {key.default or '(must be given)'}   {key.type}", _WIDTH, subsequent_indent="  ")
        lines += textwrap.wrap(key.description, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def as_markdown() -> str:
    """The page of the docs that lists the keys."""
    lines = [
        "# Keys of a config",
        "",
        "Made by `make reference` from the classes that check a config, so it says what the code does; `python run.py --schema` prints",
        "the same. A key that is left out has its default. NAME is a name of your own, `[]` stands for each of a list.",
    ]
    section = None
    for key in keys():
        top = key.path.partition(".")[0] if "." in key.path else ""
        if top != section:
            section = top
            lines += ["", f"## `{top}`" if top else "## The problem", "", "| key | takes | default | what it does |", "|---|---|---|---|"]
        cells = (f"`{key.path}`", key.type, f"`{key.default}`" if key.default else "must be given", key.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _keys(section: Mapping[str, Any], parts: Mapping[str, Any], before: str) -> Iterator[Key]:
    """Each key of a section and of the sections in it; keys without sections of their own come first."""
    required = section.get("required", ())
    nested = []
    for name, field in section["properties"].items():
        path = f"{before}{name}"
        inner = _section_in(field, parts)
        if inner is None:
            yield Key(path, _type(field, parts), "" if name in required else _written(field), field.get("description", ""))
        else:
            suffix, found = inner
            nested.append((f"{path}{suffix}.", found))
    for path, found in nested:
        yield from _keys(found, parts, path)


def _section_in(field: Mapping[str, Any], parts: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """The section that a key holds, with what stands between the key and the section's own; None for a plain value."""
    for option in field.get("anyOf", [field]):
        for suffix, holder in (("", option), ("[]", option.get("items")), (".NAME", option.get("additionalProperties"))):
            found = parts.get(holder["$ref"].rpartition("/")[2]) if isinstance(holder, Mapping) and "$ref" in holder else None
            if found is not None and "properties" in found:
                return suffix, found
    return None


def _type(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What a key takes, in words."""
    if "$ref" in field:
        return _type(parts[field["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(_type(option, parts) for option in field["anyOf"] if option.get("type") != "null"))
    if "const" in field or "enum" in field:
        return " or ".join(map(str, field.get("enum", [field.get("const")])))
    if field.get("type") == "array":
        return f"a list: {_type(field['items'], parts)}" if "items" in field else "a list"
    if field.get("type") == "object":
        values = field.get("additionalProperties")
        return f"NAME: {_type(values, parts)}" if isinstance(values, Mapping) else "a mapping"
    if "examples" in field and len(field["examples"]) <= _MOST_NAMES:
        return "one of " + ", ".join(field["examples"])
    bounds = " and ".join(f"{sign} {field[key]:,}" for key, sign in _BOUNDS.items() if key in field)
    return f"{_WORDS.get(field.get('type', ''), 'text')} {bounds}".rstrip()


def _written(field: Mapping[str, Any]) -> str:
    """A key's default as YAML would have it."""
    if "default" not in field:
        return "{}" if field.get("type") == "object" else "all"
    default = field["default"]
    if default is None:
        return "none"
    return default if isinstance(default, str) and default else json.dumps(default)


FORMS: dict[str, Callable[[], str]] = {
    "keys": as_text,
    "json": lambda: json.dumps(json_schema(), indent=2) + "\n",
    "markdown": as_markdown,
}
"""How the keys may be written out."""
