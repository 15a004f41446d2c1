"""Registers a stack from its YAML file, again and again to the same end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.enums import StackComponentType

from tabular.errors import InputError

FOLDER = Path(__file__).parent


def register_stack(name: str, activate: bool = True) -> str:
    """Create or update the stack of `stacks/NAME.yaml` and its components on the connected ZenML server or store.

    Parameters
    ----------
    activate : bool
        Make it the active stack of this repository.

    Returns
    -------
    str
        The stack's name.

    Raises
    ------
    InputError
        When there is no such file.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise InputError(f"no stack file {path.name}; there is {known}")
    description = yaml.safe_load(path.read_text(encoding="utf-8"))
    stores = Path(GlobalConfiguration().local_stores_path)
    (stores / "switchyard").mkdir(parents=True, exist_ok=True)
    client = Client()
    components = {}
    for kind, component in description["components"].items():
        configuration = {key: _filled(value, stores) for key, value in component.get("configuration", {}).items()}
        components[StackComponentType(kind)] = _ensure_component(
            client, StackComponentType(kind), component["name"], component["flavor"], configuration
        )
    stacks = client.list_stacks(name=description["name"])
    if stacks.total == 0:
        client.create_stack(description["name"], components)
    elif _differs(stacks.items[0], components):
        client.update_stack(description["name"], component_updates={kind: [uuid] for kind, uuid in components.items()})
    if activate and client.active_stack_model.name != description["name"]:
        client.activate_stack(description["name"])
    return description["name"]


def _ensure_component(client: Client, kind: StackComponentType, name: str, flavor: str, configuration: dict[str, Any]) -> Any:
    existing = client.list_stack_components(type=kind, name=name)
    if existing.total == 0:
        return client.create_stack_component(name, flavor, kind, configuration).id
    component = existing.items[0]
    if any(component.configuration.get(key) != value for key, value in configuration.items()):
        client.update_stack_component(component.id, kind, configuration=configuration)
    return component.id


def _differs(stack: Any, components: dict[StackComponentType, Any]) -> bool:
    present = {kind: {item.id for item in items} for kind, items in stack.components.items()}
    return any(present.get(kind) != {uuid} for kind, uuid in components.items())


def _filled(value: Any, stores: Path) -> Any:
    return value.replace("{local_stores}", str(stores)) if isinstance(value, str) else value
