"""Registers a stack from its YAML file, again and again to the same end."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from zenml.client import Client
from zenml.enums import StackComponentType

from switchyard.tabular.config.yaml_text import read_yaml
from switchyard.tabular.errors import InputError
from switchyard.tabular.tables.reading.credentials import first_line

FOLDER = Path(__file__).parent
LOCAL_STORES = "{local_stores}"
"""ZenML's folder for local data, in configurations that machines share."""
# Two braces are ZenML's own: a reference to a secret.
_PLACEHOLDER = re.compile(r"(?<!\{)\{([a-z_]+)\}(?!\})")


def register_stack(name: str, activate: bool = True, values: Mapping[str, Any] | None = None) -> str:
    """Create or update the stack of `stacks/NAME.yaml` and its components on the connected ZenML server or store.

    Parameters
    ----------
    activate : bool
        Make it the active stack of this repository.
    values : mapping, optional
        What stands in braces in the file's configurations; what is not given here is read from the environment,
        {some_name} from SWITCHYARD_SOME_NAME. {local_stores} stays as it is: each machine that uses the stack has its own.

    Returns
    -------
    str
        The stack's name.

    Raises
    ------
    InputError
        When there is no such file, a value is not known, or ZenML does not take a component's configuration.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise InputError(f"no stack file {path.name}; there is {known}")
    description = read_yaml(path, "stack file")
    client = Client()
    known_values = {**(values or {}), "local_stores": LOCAL_STORES}
    components = {}
    for kind, component in description["components"].items():
        configuration, defaults = (filled(component.get(key, {}), known_values, name) for key in ("configuration", "defaults"))
        try:
            components[StackComponentType(kind)] = _ensure_component(
                client, StackComponentType(kind), component["name"], component["flavor"], configuration, defaults
            )
        except ValidationError as error:
            raise _refused(f"{path.name}, {kind} {component['name']!r}", error) from None
    stacks = client.list_stacks(name=description["name"])
    if stacks.total == 0:
        client.create_stack(description["name"], components)
    elif _differs(stacks.items[0], components):
        client.update_stack(description["name"], component_updates={kind: [uuid] for kind, uuid in components.items()})
    if activate and client.active_stack_model.name != description["name"]:
        client.activate_stack(description["name"])
    return description["name"]


def _refused(what: str, error: ValidationError) -> InputError:
    """What ZenML's flavor says of a configuration, in a line."""
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    return InputError(f"{what}: {f'{key}: ' if key else ''}{first_line(ValueError(first['msg']))}")


def _ensure_component(
    client: Client, kind: StackComponentType, name: str, flavor: str, configuration: dict[str, Any], defaults: dict[str, Any]
) -> Any:
    """The component's id; `defaults` are set when it is made, and whoever changes them later is not contradicted."""
    existing = client.list_stack_components(type=kind, name=name)
    if existing.total == 0:
        return client.create_stack_component(name, flavor, kind, {**defaults, **configuration}).id
    component = existing.items[0]
    if any(component.configuration.get(key) != value for key, value in configuration.items()):
        client.update_stack_component(component.id, kind, configuration=configuration)
    return component.id


def _differs(stack: Any, components: dict[StackComponentType, Any]) -> bool:
    present = {kind: {item.id for item in items} for kind, items in stack.components.items()}
    return any(present.get(kind) != {uuid} for kind, uuid in components.items())


def filled(value: Any, values: Mapping[str, Any], stack: str) -> Any:
    """`value` with what stands in braces put in, at any depth; references to secrets, in two braces, stay.

    Raises
    ------
    InputError
        Nobody says what a name in braces is.
    """
    if isinstance(value, dict):
        return {key: filled(item, values, stack) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, values, stack) for item in value]
    if not isinstance(value, str):
        return value
    if alone := _PLACEHOLDER.fullmatch(value):
        # A value that stands alone keeps its type.
        return _value(alone[1], values, stack)
    return _PLACEHOLDER.sub(lambda found: str(_value(found[1], values, stack)), value)


def _value(name: str, values: Mapping[str, Any], stack: str) -> Any:
    variable = f"SWITCHYARD_{name.upper()}"
    found = values.get(name, os.environ.get(variable))
    if found is None:
        raise InputError(f"{stack}.yaml: nobody says what {{{name}}} is; set {variable}, or let `python run.py stack up {stack}` find it")
    return found
