"""The summary of a run: the JSON that scripts read and the tables that people read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from app.outcome import Outcome
from switchyard.tabular.errors import SwitchyardError


@contextmanager
def failures_in(path: Path | None, pipeline: str, started: float) -> Iterator[None]:
    """Write a summary for a run that ends in an error, so that a script which reads it never reads an old one."""
    if path and path.is_file():
        path.unlink()
    try:
        yield
    except SwitchyardError as error:
        if path:
            seconds = round(time.monotonic() - started, 2)
            ended = {"pipeline": pipeline, "status": "failed", "duration_s": seconds, "exit_code": error.exit_code, "error": str(error)}
            write_summary(path, json.dumps(ended, indent=1) + "\n")
        raise


def write_summary(path: Path, text: str) -> None:
    """Write `text` to `path`, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class RunSummary:
    """What `--summary` writes of any run. Keys are added by later pipelines, never renamed."""

    pipeline: str
    run_id: str
    status: str
    duration_s: float
    steps: int
    cached_steps: int
    stages: list[dict[str, Any]]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def run_facts(outcome: Outcome, pipeline: str, duration_s: float) -> dict[str, Any]:
    """The fields of `RunSummary`, from a finished run."""
    return {
        "pipeline": pipeline,
        "run_id": str(outcome.run.id),
        "status": str(outcome.run.status.value),
        "duration_s": round(duration_s, 2),
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

    @classmethod
    def gather(cls, outcome: Outcome, reports: dict[str, str], duration_s: float) -> Self:
        """From the artifacts of a finished run; nothing is computed again."""
        problem, registration, evaluation = (outcome.artifact(name) for name in ("problem", "registration", "evaluation"))
        leaderboard = outcome.artifact("leaderboard")
        # A cached registration is one of an earlier run: this run registered nothing.
        again = outcome.was_cached("registration") and registration.verdict == "challenger"
        return cls(
            **run_facts(outcome, "training", duration_s),
            task=problem.task,
            metric=problem.metric,
            model={
                "name": problem.name,
                "version": registration.version,
                "digest": registration.digest,
                "family": leaderboard.family,
            },
            scores=evaluation.summary_scores(leaderboard.score),
            verdict="unchanged" if again else registration.verdict,
            reports=reports,
            reasons=list(outcome.artifact("verdict").reasons()),
        )


def print_training(outcome: Outcome, summary: TrainingSummary, deployment: str, console: Console) -> None:
    """Leaderboard, scores, verdict, where the reports are, what to type next (`deployment` to serve the model)."""
    board = Table(title=f"Leaderboard ({summary.metric}, cross-validated)", title_justify="left")
    leaderboard = outcome.artifact("leaderboard")
    headers, rows = leaderboard.rows()
    for header in headers:
        board.add_column(header, no_wrap=header in ("model", "kind"))
    for row in rows:
        board.add_row(*map(str, row))
    console.print(board)
    scores = Table(title="Scores", title_justify="left")
    scores.add_column("metric")
    columns = ("cv", "holdout", "baseline")
    for column in columns:
        scores.add_column(column, justify="right")
    for metric in dict.fromkeys(name for column in columns for name in summary.scores.get(column, {})):
        values = [summary.scores.get(column, {}).get(metric) for column in columns]
        scores.add_row(metric, *("" if value is None else f"{value:.4f}" for value in values))
    console.print(scores)
    model = summary.model
    console.print(f"model    {model['name']} version {model['version'] or '-'} ({model['family']}), {model['digest']}")
    console.print(f"choice   {leaderboard.rule}", highlight=False, markup=False)
    console.print(f"verdict  [bold]{summary.verdict}[/]")
    for reason in outcome.artifact("verdict").reasons():
        console.print(f"         {reason}", markup=False)
    for name in ("model_card", "evaluation", "explanation"):
        console.print(f"report   {summary.reports[name]}", highlight=False)
    folders = sorted({path.rsplit("/", 1)[0] for path in summary.reports.values()})
    console.print(f"all      {', '.join(f'{folder}/' for folder in folders)}", highlight=False)
    console.print(
        f"run      {summary.run_id}, {summary.steps} steps, {summary.cached_steps} cached, {summary.duration_s:.0f} s", highlight=False
    )
    console.print("next     make dashboard   (the DAG, the reports and the model in the browser)", highlight=False)
    if summary.verdict != "rejected":
        console.print(f"         {deployment}   (serve it)", highlight=False)
