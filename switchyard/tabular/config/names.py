"""Names in the config that a registry has to know, checked when the config is.

The registries are asked by name: an import would put the code of every family into the cache key of every step that reads
the config (`steps/caching.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from switchyard.parts import registry_at

_FAMILIES = "switchyard.tabular.families:FAMILIES"
_CHANNELS = "switchyard.monitoring.alerts.channels:CHANNELS"


def our_families(task: str = "binary") -> tuple[str, ...]:
    """All families that no plugin brought and that `task` has; those with a target have the same."""
    known = registry_at(_FAMILIES)
    return tuple(name for name in known.ours if task in known[name].tasks)


def check_families(families: tuple[str, ...], task: str) -> None:
    """Refuse families that `task` does not have."""
    known = registry_at(_FAMILIES)
    wrong = [name for name in families if task not in known[name].tasks]
    if wrong:
        raise ValueError(f"tuning.families: {wrong[0]} is nothing for task {task}; choose of {', '.join(our_families(task))}")


def check_channel(kind: str) -> None:
    """Refuse a kind of channel that does not exist; the registry is a room above this one, and is asked only where needed."""
    if kind != "console" and kind not in registry_at(_CHANNELS):
        raise ValueError(registry_at(_CHANNELS).unknown(kind))


def _known(home: str, *besides: str) -> Any:
    def check(name: str) -> str:
        if name not in besides and name not in registry_at(home):
            raise ValueError(registry_at(home).unknown(name))
        return name

    def examples(schema: dict[str, Any]) -> None:
        schema["examples"] = [*besides, *registry_at(home).ours]

    return Annotated[str, AfterValidator(check), Field(json_schema_extra=examples)]


FamilyName = _known(_FAMILIES)
MetricName = _known("switchyard.tabular.metrics:METRICS", "auto")
TaskName = _known("switchyard.tabular.tasks:TASKS", "auto")
EncoderName = _known("switchyard.tabular.features.encoders:ENCODERS")
EncoderChoice = _known("switchyard.tabular.features.encoders:ENCODERS", "auto")
