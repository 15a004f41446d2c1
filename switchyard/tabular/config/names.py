"""Names in the config that a registry has to know, checked when the config is.

The registries are asked by name: an import would put the code of every family into the cache key of every step that reads
the config (`steps/caching.py`).
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from switchyard.parts import Parts, registry_at
from switchyard.tabular.suggest import did_you_mean

_FAMILIES = "switchyard.tabular.families:FAMILIES"
_RECOMMENDERS = "switchyard.tabular.recommendation.families:RECOMMENDERS"
_CHANNELS = "switchyard.monitoring.alerts.channels:CHANNELS"


def our_families(task: str = "binary") -> tuple[str, ...]:
    """All families that no plugin brought and that `task` has; those with a target have the same."""
    known = _families_of(task)
    return tuple(name for name in known.ours if _suits(known, name, task))


def check_families(families: tuple[str, ...], task: str) -> None:
    """Refuse families that `task` does not have; `auto` has those that predict a column."""
    known = _families_of(task)
    wrong = [name for name in families if name not in known or not _suits(known, name, task)]
    if wrong:
        there = [name for name in known if _suits(known, name, "binary" if task == "auto" else task)]
        raise ValueError(f"tuning.families: {wrong[0]} is nothing for task {task}; choose of {', '.join(there)}")


def _families_of(task: str) -> Parts[Any]:
    """Who learns from interactions is another kind of part than who learns from columns."""
    return registry_at(_RECOMMENDERS if task == "recommendation" else _FAMILIES)


def _suits(known: Parts[Any], name: str, task: str) -> bool:
    return task in ("auto", "recommendation") or task in known[name].tasks


def check_channel(kind: str) -> None:
    """Refuse a kind of channel that does not exist; the registry is a room above this one, and is asked only where needed."""
    if kind != "console" and kind not in registry_at(_CHANNELS):
        raise ValueError(registry_at(_CHANNELS).unknown(kind))


def _known(home: str, *besides: str, also: tuple[str, ...] = ()) -> Any:
    """A name of the registry `home`, one of `besides`, or a name of the registries `also`, which are asked last."""

    def check(name: str) -> str:
        if name not in besides and not any(name in registry_at(one) for one in (home, *also)):
            registries = [registry_at(one) for one in (home, *also)]
            near = next((one for one in registries if "did you mean" in did_you_mean(name, one)), registries[0])
            raise ValueError(near.unknown(name))
        return name

    def examples(schema: dict[str, Any]) -> None:
        schema["examples"] = [*besides, *(name for one in (home, *also) for name in registry_at(one).ours)]

    return Annotated[str, AfterValidator(check), Field(json_schema_extra=examples)]


FamilyName = _known(_FAMILIES, also=(_RECOMMENDERS,))
MetricName = _known("switchyard.tabular.metrics:METRICS", "auto")
TaskName = _known("switchyard.tabular.tasks:TASKS", "auto")
EncoderName = _known("switchyard.tabular.features.encoders:ENCODERS")
EncoderChoice = _known("switchyard.tabular.features.encoders:ENCODERS", "auto")
