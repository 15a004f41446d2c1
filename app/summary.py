"""`RunSummary`: what scripts read of any run; each command adds its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.outcome import Outcome


@dataclass(frozen=True)
class RunSummary:
    """What `--summary` writes of a run of any pipeline, beside `duration_s`. Keys are added by later ones, never renamed."""

    pipeline: str
    run_id: str
    status: str
    steps: int
    cached_steps: int
    stages: list[dict[str, Any]]

    def told(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def run_facts(outcome: Outcome, pipeline: str) -> dict[str, Any]:
    """The fields of `RunSummary`, from a finished run."""
    return {
        "pipeline": pipeline,
        "run_id": str(outcome.run.id),
        "status": str(outcome.run.status.value),
        "steps": len(outcome.stages),
        "cached_steps": sum(stage.cached for stage in outcome.stages),
        "stages": [asdict(stage) for stage in outcome.stages],
    }


@dataclass(frozen=True)
class TrainingSummary(RunSummary):
    """What a training adds."""

    task: str
    metric: str
    model: dict[str, Any]
    scores: dict[str, dict[str, float]]
    verdict: str
    reports: dict[str, str]
    reasons: list[str]
    """What the gates said, one sentence each."""
    changes: list[str]
    """What came and went in the contract with the clients, against the champion."""
