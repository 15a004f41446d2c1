"""`judge`: what run.py does for the experiment pipeline: look, act on the verdict, and again where it is told to watch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from app.commands import ensure_stack, terminal
from app.outcome import Outcome
from app.running import execute, name_of_run, show_steps
from app.summary import RunSummary, run_facts, write_summary
from switchyard.monitoring.experiment.record import Experiment
from switchyard.monitoring.experiment.verdict import Judgement
from switchyard.tabular.config.problem import Problem

_KEPT = {"promote": "promoted", "stop": "stopped"}


@dataclass(frozen=True)
class ExperimentSummary(RunSummary):
    """What an experiment adds; of the last look."""

    experiment: dict[str, Any]
    verdict: str
    """promote, stop or continue."""
    reasons: list[str]
    arms: dict[str, dict[str, Any]]
    guardrails: list[dict[str, Any]]
    looks: int
    acted: str | None
    """promoted, stopped, raised, or nothing."""
    serving: dict[str, Any]
    """Who answers what no candidate does."""
    reports: dict[str, str]

    @classmethod
    def gather(
        cls, outcome: Outcome, judgement: Judgement, looks: int, acted: str | None, serving: dict[str, Any], report: Path, duration_s: float
    ) -> Self:
        """From the artifacts of the last look and what the host says."""
        last = judgement.sequence[-1].model_dump() if judgement.sequence else None
        return cls(
            **run_facts(outcome, "experiment", duration_s),
            experiment={
                "model": judgement.model,
                "strategy": judgement.strategy,
                "measure": judgement.measure,
                "goal": judgement.goal,
                "alpha": judgement.alpha,
                "minimum_effect": judgement.minimum_effect,
                "planned": judgement.planned,
                "started": judgement.started.isoformat(),
                "days": judgement.days,
                "crossed": judgement.crossed,
                "interval": last,
            },
            verdict=judgement.verdict,
            reasons=list(judgement.reasons),
            arms={"candidate": judgement.candidate.model_dump(), "champion": judgement.champion.model_dump()},
            guardrails=[rail.model_dump() for rail in judgement.guardrails],
            looks=looks,
            acted=acted,
            serving=serving,
            reports={"experiment": str(report)},
        )


def judge(
    problem: Problem,
    where: str,
    *,
    root: Path,
    watch: float | None = None,
    dry_run: bool = False,
    summary_path: Path | None = None,
    started: float | None = None,
) -> int:
    """Look at the canary or A/B test that runs, and do what follows; returns the exit code.

    The winner is promoted, the loser stopped, and the share of a canary raised by the deployment pipeline itself: with its
    proofs, and its care for the version that serves.

    Parameters
    ----------
    problem : Problem
        Its name says which model, its section `experiment` when a test is decided.
    where : str
        What to call the config's origin.
    root : Path
        Of the repository.
    watch : float, optional
        Seconds from one look to the next, until it is decided; one look without.

    Raises
    ------
    SwitchyardError
        Nothing runs to be judged, or what follows could not be done: then the verdict is kept, and the next look does it.
    """
    began = time.monotonic() if started is None else started
    from deployment.registration import active_deployer, ensure_deployer

    stack, console, looks = ensure_stack(root), terminal(), 0
    console.print(f"[bold]experiment[/] {problem.name} on stack {stack} (config: {where})")
    if dry_run:
        _show_plan(problem, console)
        return 0
    ensure_deployer()
    while True:
        looks += 1
        outcome = _look(problem, console)
        judgement: Judgement = outcome.artifact("judgement")
        report = _write_page(outcome, root, problem.name)
        _print(judgement, report, console)
        acted = _act(outcome.artifact("recorded"), judgement, problem, where, root)
        stable = active_deployer().host.inspect(problem.name).stable
        serving = {"version": stable.version, "digest": stable.digest} if stable else {}
        if summary_path:
            seconds = time.monotonic() - began
            reported = report.relative_to(root)
            summary = ExperimentSummary.gather(outcome, judgement, looks, acted, serving, reported, seconds)
            write_summary(summary_path, summary.to_json())
        if watch is None or judgement.verdict != "continue":
            return 0
        time.sleep(watch)


def _look(problem: Problem, console: Console) -> Outcome:
    from pipelines.experiment import experiment as pipeline

    run_name = name_of_run("experiment", problem.name)
    return execute(pipeline, {"problem": problem}, run_name, console)


def _act(experiment: Experiment, judgement: Judgement, problem: Problem, where: str, root: Path) -> str | None:
    """Deploy what the verdict says: the same guards and proofs as for any deployment, and no second way to promote."""
    from app.deployment import deploy

    why = f"{experiment.strategy} of version {experiment.candidate}: {judgement.reason}"
    if judgement.verdict == "continue" and judgement.raise_to is None:
        return None
    if judgement.verdict == "continue":
        deploy(problem, where, root=root, strategy="canary", share=judgement.raise_to, version=experiment.candidate, why=why)
        return "raised"
    version = experiment.candidate if judgement.verdict == "promote" else experiment.champion
    deploy(problem, where, root=root, version=version, why=why)
    return _KEPT[judgement.verdict]


def _write_page(outcome: Outcome, root: Path, name: str) -> Path:
    path = root / "reports" / name / "experiment.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(outcome.page("judgement") or "", encoding="utf-8")
    return path


def _show_plan(problem: Problem, console: Console) -> None:
    from pipelines.experiment import experiment as pipeline

    show_steps(pipeline, {"problem": problem}, console)


def _print(judgement: Judgement, report: Path, console: Console) -> None:
    table = Table(title=f"{judgement.strategy} by {judgement.measure}, {judgement.days:.2f} days", title_justify="left")
    for header in ("arm", "version", "share", "requests", "errors", "entities", "labelled", judgement.measure):
        table.add_column(header, justify="left" if header == "arm" else "right")
    for name, arm in (("candidate", judgement.candidate), ("champion", judgement.champion)):
        score = "-" if arm.score is None else f"{arm.score:.4f}"
        cells = (arm.requests, arm.errors, arm.entities, arm.labelled_entities)
        table.add_row(name, arm.version, f"{arm.share:.0%}", *(f"{cell:,}" for cell in cells), score)
    console.print(table)
    left_out = judgement.candidate.without_entity + judgement.champion.without_entity
    if left_out or judgement.crossed:
        said = f"{left_out:,} predictions without an entity id, {judgement.crossed:,} entities that both answered"
        console.print(f"left out  {said}", highlight=False)
    for rail in judgement.guardrails:
        console.print(f"guardrail {rail.name} {rail.standing}: {rail.reason}", highlight=False, markup=False)
    console.print(f"verdict   [bold]{judgement.verdict}[/]", highlight=False)
    for reason in judgement.reasons:
        console.print(f"          {reason}", highlight=False, markup=False)
    console.print(f"report    {report}", highlight=False)
