"""Who can say what became of a run's pods: `watch_for`, by the orchestrator of the active stack.

ZenML's records say what steps did. What never became a step (a pod that is forbidden, an image that can't be pulled) they
don't say, and the client would wait for it for ever. A stack whose steps run in this process or in containers that it waits
for has no such watch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol
from uuid import UUID

from zenml.client import Client

_WATCHES = {"kubernetes": "stacks.cluster.jobs:JobWatch"}
"""Orchestrator flavor -> module:class, made with the orchestrator and the run's id."""


class RunWatch(Protocol):
    """Looks at what an orchestrator made of one run."""

    def look(self) -> str | None:
        """Why this run can't end any more by itself, in one line; None while it can. Called every few seconds."""

    def reason(self, step: str) -> str | None:
        """What was seen of `step` that its own record can't say (it was killed, it never started)."""

    def stop(self) -> None:
        """Take away what runs of it and what waits to run."""


def watch_for(run: UUID) -> RunWatch | None:
    """The watch over `run` on the active stack, or None where its orchestrator has none."""
    orchestrator = Client().active_stack.orchestrator
    if orchestrator.flavor not in _WATCHES:
        return None
    module, _, name = _WATCHES[orchestrator.flavor].partition(":")
    return getattr(import_module(module), name)(orchestrator, run)
