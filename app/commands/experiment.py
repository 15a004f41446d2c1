"""`experiment`: look at the canary or A/B test that runs, act on the verdict, and again where it is told to watch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console

from app.command import Command, Plan, Request, Result
from app.options import PROBLEM
from app.summary import RunSummary, run_facts
from app.tasks import refuse_without_labels
from switchyard.permissions import shared
from switchyard.tabular.report.terminal import table

if TYPE_CHECKING:
    from app.outcome import Outcome
    from switchyard.monitoring.experiment.judgement import Judgement
    from switchyard.monitoring.experiment.record import Experiment

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
    def gather(cls, outcome: Outcome, judgement: Judgement, looks: int, acted: str | None, serving: dict[str, Any], report: Path) -> Self:
        """The summary, from the artifacts of the last look and what the host says."""
        last = judgement.sequence[-1].model_dump() if judgement.sequence else None
        return cls(
            **run_facts(outcome, "experiment"),
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


def plan(request: Request, *, watch: float | None) -> Plan:
    """What a look would run."""
    refuse_without_labels(request.problem, "experiment")
    from pipelines.experiment import experiment

    title = f"[bold]experiment[/] {request.problem.name} on stack {request.stack} (config: {request.where})"
    return Plan(title, experiment, {"problem": request.problem})


def run(request: Request, plan: Plan, *, watch: float | None) -> Result:
    """Look at the canary or A/B test that runs and do what follows, again after `watch` seconds until it is decided.

    The winner is promoted, the loser stopped, and the share of a canary raised by the deployment pipeline itself: with its
    proofs, and its care for the version that serves. The summary is of the last look.

    Raises
    ------
    SwitchyardError
        Nothing runs to be judged, or what follows could not be done: then the verdict is kept, and the next look does it.
    """
    from app.running import execute, name_of_run
    from deployment.registration import active_deployer, ensure_served

    looks = 0
    while True:
        looks += 1
        ensure_served(request.problem.name)
        outcome = execute(plan.pipeline, dict(plan.arguments), name_of_run("experiment", request.problem.name), request.console)
        judgement: Judgement = outcome.artifact("judgement")
        report = _write_page(outcome, request.root, request.problem.name)
        _print(judgement, report, request.console)
        acted = _act(outcome.artifact("recorded"), judgement, request)
        if watch is None or judgement.verdict != "continue":
            break
        now = datetime.now().astimezone()
        coming = now + timedelta(seconds=watch)
        request.console.print(
            f"look      {looks} at {now:%H:%M:%S}; the next in {watch:,.0f} s, at {coming:%H:%M:%S}; Ctrl-C ends the watch only",
            highlight=False,
            markup=False,
        )
        time.sleep(watch)
    stable = active_deployer().host.inspect(request.problem.name).stable
    serving = {"version": stable.version, "digest": stable.digest} if stable else {}
    return Result(ExperimentSummary.gather(outcome, judgement, looks, acted, serving, report.relative_to(request.root)).told())


def _act(experiment: Experiment, judgement: Judgement, request: Request) -> str | None:
    """Deploy what the verdict says: the same guards and proofs as for any deployment, and no second way to promote."""
    from app.commands.deployment import COMMAND as deploy

    why = f"{experiment.strategy} of version {experiment.candidate}: {judgement.reason}"
    if judgement.verdict == "continue" and judgement.raise_to is None:
        return None
    if judgement.verdict == "continue":
        deploy(request, strategy="canary", share=judgement.raise_to, version=experiment.candidate, why=why)
        return "raised"
    version = experiment.candidate if judgement.verdict == "promote" else experiment.champion
    deploy(request, version=version, why=why)
    return _KEPT[judgement.verdict]


@shared()
def _write_page(outcome: Outcome, root: Path, name: str) -> Path:
    path = root / "reports" / name / "experiment.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(outcome.page("judgement") or "", encoding="utf-8")
    return path


def _print(judgement: Judgement, report: Path, console: Console) -> None:
    from switchyard.monitoring.experiment.judgement import LEFT_OUT

    title = f"{judgement.strategy} by {judgement.measure}, {judgement.days:.2f} days"
    console.print(table(judgement.arm_table().without(LEFT_OUT), title))
    left_out = judgement.candidate.without_entity + judgement.champion.without_entity
    if left_out or judgement.crossed:
        said = f"{left_out:,} predictions without an entity id, {judgement.crossed:,} entities that both answered"
        console.print(f"left out  {said}", highlight=False)
    console.print(table(judgement.guardrail_table(), "Guardrails"))
    console.print(f"verdict   [bold]{judgement.verdict}[/]", highlight=False)
    for reason in judgement.reasons:
        console.print(f"          {reason}", highlight=False, markup=False)
    console.print(f"report    {report}", highlight=False)


COMMAND = Command(
    "Judge the canary or A/B test that runs, and do what follows.",
    plan,
    run,
    changes=PROBLEM,
    own=(click.Option(["--watch"], type=click.FloatRange(min=1), help="Look again after so many seconds until it is decided."),),
)
