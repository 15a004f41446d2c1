"""`Outcome`: a finished run, its steps and what they made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from zenml.enums import ExecutionStatus
from zenml.io import fileio
from zenml.models import PipelineRunResponse, StepRunResponse

from materializers.storable import PAGE


@dataclass(frozen=True)
class StepSummary:
    """One step of a run, as the summary shows it."""

    name: str
    duration_s: float
    cached: bool


@dataclass
class Outcome:
    """A finished run and what its steps made."""

    run: PipelineRunResponse
    stages: list[StepSummary] = field(default_factory=list)
    duration_s: float = 0.0
    """Wall time from its start until its end was seen."""

    def artifact(self, name: str) -> Any:
        """The artifact that some step returned under `name`, loaded.

        Raises
        ------
        KeyError
            When no step returned one.
        """
        return self._version(name)[1].load()

    def has(self, name: str) -> bool:
        """Whether some step returned an artifact under `name`; of a run that failed not all did."""
        return any(step.outputs.get(name) for step in self._steps.values())

    def page(self, name: str) -> str | None:
        """The page of the artifact `name` as its step rendered it, or None where it has none."""
        path = os.path.join(self._version(name)[1].uri, PAGE)
        if not fileio.exists(path):
            return None
        with fileio.open(path, "r") as source:
            return source.read()

    def was_cached(self, name: str) -> bool:
        """Whether the artifact `name` was taken from an earlier run."""
        return self._version(name)[0].status == ExecutionStatus.CACHED

    @cached_property
    def _steps(self) -> dict[str, StepRunResponse]:
        # ZenML asks its store for all of them at each `run.steps`, a quarter of a second; of a run that ended they stay as they are.
        return self.run.steps

    def _version(self, name: str) -> tuple[StepRunResponse, Any]:
        for step in self._steps.values():
            if name in step.outputs:
                return step, step.outputs[name][0]
        raise KeyError(name)
