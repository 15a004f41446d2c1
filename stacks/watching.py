"""Who can say what became of a run's pods: `watch_for`, by the orchestrator of the active stack.

ZenML's records say what steps did. What never became a step (a pod that is forbidden, an image that can't be pulled) they
don't say, and the client would wait for it for ever. A stack whose steps run in this process or in containers that it waits
for has no such watch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol
from uuid import UUID

from zenml.client import Client

from switchyard.parts import Part, Parts


class RunWatch(Protocol):
    """Looks at what an orchestrator made of one run."""

    def look(self) -> str | None:
        """Why this run can't end any more by itself, in one line; None while it can. Called every few seconds."""

    def reason(self, step: str) -> str | None:
        """What was seen of `step` that its own record can't say (it was killed, it never started)."""

    def stop(self) -> None:
        """Take away what runs of it and what waits to run."""


class Watcher(Part, ABC):
    """Who watches the runs of an orchestrator; `name` is the orchestrator's flavor."""

    noun = "watcher of runs"
    home = "stacks.watching:WATCHERS"

    @abstractmethod
    def watch(self, orchestrator: Any, run: UUID) -> RunWatch:
        """The watch over one run of `orchestrator`, that of the active stack."""


WATCHERS = Parts(Watcher, ("stacks.cluster.jobs",))


def watch_for(run: UUID) -> RunWatch | None:
    """The watch over `run` on the active stack, or None where its orchestrator has none."""
    orchestrator = Client().active_stack.orchestrator
    return WATCHERS[orchestrator.flavor].watch(orchestrator, run) if orchestrator.flavor in WATCHERS else None
