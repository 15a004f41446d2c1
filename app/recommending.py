"""The training of a recommender: what it would run, how it is run, and what came of it; `training` calls this for such a task."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from app.command import Plan, Request, Result
from app.summary import TrainingSummary, run_facts
from app.training_runs import execute_training, pages_of, pipeline_of, publish_training, verdict_of
from switchyard.tabular.report.terminal import table

if TYPE_CHECKING:
    from app.outcome import Outcome
    from switchyard.tabular.config.problem import Problem

_TABLES = ("location", "items_location", "users_location")
_REPORTS = ("interactions", "recipe", "evaluation", "comparison", "verdict")


def plan(request: Request, *, no_cache: bool) -> Plan:
    """What the training would run."""
    problem = request.problem
    arguments = {
        "problem": problem.for_training(),
        "location": problem.data.source,
        "items_location": problem.data.items or "",
        "users_location": problem.data.users or "",
        "fresh": f"{request.stack}-{time.time_ns()}" if no_cache else "",
    }
    what = f"{problem.data.source} -> what is taken next, on stack {request.stack} (config: {request.where})"
    return Plan(f"[bold]training[/] {problem.name}: {what}", pipeline_of(problem), arguments, partial(_check, problem))


def run(request: Request, plan: Plan, *, no_cache: bool, next_command: str) -> Result:
    """Train, write the card and the reports, and say what came of it; exit code 3 where a gate rejects the challenger."""
    from stacks.files import stage_source

    staged = {name: stage_source(plan.arguments[name]) for name in _TABLES if plan.arguments[name]}
    outcome = execute_training(request, plan.pipeline, {**plan.arguments, **staged}, not no_cache, "register_recommender", _pages)
    summary = _finish(outcome, request.root)
    _print(outcome, summary, next_command, request.console)
    return Result(summary.told(), 3 if summary.verdict == "rejected" else 0)


def _check(problem: Problem) -> None:
    """Stop where the config does not suit its tables; those that would have to be fetched are left to the run."""
    from switchyard.tabular.recommendation.settling import settle
    from switchyard.tabular.tables.reading.sources import is_at_hand, read_source

    data = problem.data
    beside = [data.model_copy(update={"source": source}) if source else None for source in (data.items, data.users)]
    if is_at_hand(data) and all(one is None or is_at_hand(one) for one in beside):
        items, users = (None if one is None else read_source(one) for one in beside)
        settle(read_source(data), items, problem, users)


def _finish(outcome: Outcome, root: Path) -> TrainingSummary:
    """Write the card and the reports to files and gather the summary; nothing is computed again."""
    problem, registration, evaluation, recipe, verdict = (
        outcome.artifact(name) for name in ("problem", "registration", "evaluation", "recipe", "verdict")
    )
    summary = TrainingSummary(
        **run_facts(outcome, "training"),
        task=problem.task,
        metric=problem.metric,
        model={"name": problem.name, "version": registration.version, "digest": registration.digest, "family": recipe.family},
        scores={"cv": {problem.metric: recipe.candidates[0].ndcg}, "holdout": evaluation.scores()},
        verdict=verdict_of(outcome),
        reports={},
        reasons=list(verdict.reasons()),
        changes=[change.sentence() for change in verdict.changes],
    )
    return publish_training(root, summary, outcome.artifact("documents").files, _pages(outcome))


def _pages(outcome: Outcome) -> dict[str, str]:
    return pages_of(outcome, _REPORTS)


def _print(outcome: Outcome, summary: TrainingSummary, next_command: str, console: Console) -> None:
    """Families, scores, verdict, where the reports are, what to type next."""
    evaluation, recipe, model = outcome.artifact("evaluation"), outcome.artifact("recipe"), summary.model
    console.print(table(recipe.table(), "Families (nDCG@10 in the search)"))
    console.print(table(evaluation.score_table(), f"Scores on {evaluation.users:,} users of after the split"))
    console.print(table(evaluation.group_table(), "Warm and new users"))
    lines: list[Any] = [f"model    {model['name']} version {model['version'] or '-'} ({model['family']}), {model['digest']}"]
    lines.append(f"order    {recipe.reranked()}")
    lines += [f"verdict  {summary.verdict}", *(f"         {reason}" for reason in summary.reasons)]
    lines += [f"report   {summary.reports[name]}" for name in ("model_card", "evaluation")]
    lines.append(f"run      {summary.run_id}, {summary.steps} steps, {summary.cached_steps} cached, {outcome.duration_s:.0f} s")
    if summary.verdict != "rejected":
        lines.append(f"next     {next_command}   (serve it)")
    for line in lines:
        console.print(line, highlight=False, markup=False)
