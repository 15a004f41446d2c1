"""`training`: from a table to a registered, documented, comparable model."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from app import recommending, saving
from app.command import Command, Plan, Request, Result
from app.options import SEARCH
from app.summary import TrainingSummary, run_facts
from app.training_runs import execute_training, pages_of, pipeline_of, publish_training, verdict_of
from switchyard.tabular.report.report import Name, Table
from switchyard.tabular.report.terminal import table

if TYPE_CHECKING:
    from app.outcome import Outcome
    from switchyard.tabular.config.problem import Problem

_MOST_NOTES = 12
"""Columns not used that are named on the terminal."""
_REPORTS = ("groups", "profile", "quality", "validation", "plan", "leaderboard", "served", "evaluation", "explanation", "comparison")
_MOST_COLUMNS = 10
"""That are named in the terminal."""


def plan(request: Request, *, no_cache: bool, workers: int, save_config: Path | None) -> Plan:
    """What a training would run."""
    from stacks.settings import parallel_families
    from switchyard.tabular.tasks import kind_of

    problem = request.problem
    if save_config:
        saving.check_place("--save-config", save_config, problem.data.source)
    if not kind_of(problem.task).columns:
        return recommending.plan(request, no_cache=no_cache)
    # With a number of trials the time is nobody's share.
    parallel = parallel_families(request.stack) if problem.tuning.trials is None else 1
    arguments = {
        "problem": problem.for_training(),
        "location": problem.data.source,
        "edited_suite": _edited_suite(request.root, problem.name),
        "fresh": f"{request.stack}-{time.time_ns()}" if no_cache else "",
        "parallel": min(parallel, len(problem.tuning.families)),
        "workers": workers,
    }
    aim = problem.data.target if kind_of(problem.task).target else "groups"
    what = f"{problem.data.source} -> {aim} on stack {request.stack} (config: {request.where})"
    return Plan(f"[bold]training[/] {problem.name}: {what}", pipeline_of(problem), arguments, partial(_check_table, problem))


def run(request: Request, plan: Plan, *, no_cache: bool, workers: int, save_config: Path | None) -> Result:
    """Train, write the documents and reports, and say what came of it; exit code 3 where a gate rejects the challenger."""
    from stacks.files import stage_source
    from switchyard.tabular.tasks import kind_of

    if save_config:
        saving.save_config("--save-config", save_config, saving.given_settings(request.problem), request.root)
        request.console.print(f"config   {save_config}", highlight=False)
    next_command = _deployment_command(request.problem, request.where, request.root)
    if not kind_of(request.problem.task).columns:
        return recommending.run(request, plan, no_cache=no_cache, next_command=next_command)
    arguments = {**plan.arguments, "location": stage_source(request.problem.data.source)}
    outcome = execute_training(request, plan.pipeline, arguments, not no_cache, "register_model", _pages)
    summary = _finish(outcome, request.root)
    _print(outcome, summary, next_command, request.console)
    return Result(summary.told(), 3 if summary.verdict == "rejected" else 0)


def _check_table(problem: Problem) -> list[str]:
    """Stop where the config does not suit its table; one that would have to be fetched is left to the run.

    Of a table larger than memory the first rows are looked at, and what is expected of it is said.
    """
    from switchyard.tabular.tables.large.ahead import look_ahead
    from switchyard.tabular.tables.reading.sources import is_at_hand, is_file, read_source
    from switchyard.tabular.tables.resolve import resolve
    from switchyard.tabular.tuning.cost import search_seconds

    if not is_at_hand(problem.data):
        return []
    if is_file(problem.data) and (found := look_ahead(problem, Path(problem.data.source).expanduser())):
        return found.lines(problem.tuning, search_seconds(problem, sampled=True))
    resolve(read_source(problem.data), problem)
    return []


def _deployment_command(problem: Problem, where: str, root: Path) -> str:
    """What to type to serve what was trained from the config `where`."""
    from app.settings import DEFAULT_CONFIG, options_for
    from switchyard.project import CODE
    from switchyard.tabular.config.problem import read_settings

    config = root / DEFAULT_CONFIG
    if root == CODE and Path(where).resolve() == config.resolve() and read_settings(config).get("name") == problem.name:
        return "make deployment"
    return f"python run.py --pipeline deployment {options_for(problem, where)}"


def _edited_suite(root: Path, name: str) -> str:
    """The expectations that a person keeps in configs/, or nothing."""
    path = root / "configs" / f"{name}.expectations.json"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _finish(outcome: Outcome, root: Path) -> TrainingSummary:
    """Write the run's documents and reports to files and gather the summary."""
    return publish_training(root, _gather(outcome), outcome.artifact("documents").files, _pages(outcome))


def _gather(outcome: Outcome) -> TrainingSummary:
    """The summary, from the artifacts of a finished run; nothing is computed again."""
    problem, registration = (outcome.artifact(name) for name in ("problem", "registration"))
    leaderboard = outcome.artifact("leaderboard")
    return TrainingSummary(
        **run_facts(outcome, "training"),
        task=problem.task,
        metric=problem.metric,
        model={
            "name": problem.name,
            "version": registration.version,
            "digest": registration.digest,
            "family": leaderboard.family,
        },
        scores=_scores(outcome, problem.task),
        verdict=verdict_of(outcome),
        reports={},
        reasons=list(outcome.artifact("verdict").reasons()),
        changes=[change.sentence() for change in outcome.artifact("verdict").changes],
    )


def _scores(outcome: Outcome, task: str) -> dict[str, dict[str, float]]:
    """Cross-validated, on the holdout and of the baseline; of a task without a target its own metrics only, and what was found.

    All others would hold what answers up to what the search found in the same rows, and be near perfect for that.
    """
    from switchyard.tabular.tasks import kind_of

    kind = kind_of(task)
    scores = outcome.artifact("evaluation").summary_scores(outcome.artifact("leaderboard").score)
    if kind.target:
        return scores
    own = {part: {name: value for name, value in values.items() if name in kind.metrics} for part, values in scores.items()}
    return {**own, "groups": outcome.artifact("groups").scores}


def _pages(outcome: Outcome) -> dict[str, str]:
    pages = pages_of(outcome, _REPORTS)
    return pages | ({"data_profile.html": outcome.artifact("full_profile")} if outcome.has("full_profile") else {})


def _print(outcome: Outcome, summary: TrainingSummary, deployment: str, console: Console) -> None:
    """Leaderboard, scores, verdict, where the reports are, what to type next (`deployment` to serve the model)."""
    from app.links import version_page

    leaderboard = outcome.artifact("leaderboard")
    console.print(table(leaderboard.table(), f"Leaderboard ({summary.metric}, cross-validated)"))
    console.print(table(_score_table(summary), "Scores"))
    evaluation = outcome.artifact("evaluation")
    if evaluation.money is not None:
        console.print(evaluation.money.sentence(evaluation.classes), highlight=False, markup=False)
    if cost := evaluation.threshold_cost():
        console.print(cost, highlight=False, markup=False)
    model = summary.model
    console.print(f"model    {model['name']} version {model['version'] or '-'} ({model['family']}), {model['digest']}")
    if model["version"]:
        console.print(f"         {version_page(model['name'], model['version'])}", highlight=False, markup=False)
    if "groups" in summary.scores:
        groups = outcome.artifact("groups")
        console.print(table(groups.rule_table(), f"Groups ({groups.answer})"))
        console.print(f"groups   {groups.sentence}", highlight=False, markup=False)
    console.print(f"choice   {leaderboard.rule}", highlight=False, markup=False)
    if leaderboard.missed:
        console.print(f"left out {leaderboard.missed}", highlight=False, markup=False)
    console.print(f"served   {outcome.artifact('served').sentences}", highlight=False, markup=False)
    console.print(f"verdict  [bold]{summary.verdict}[/]")
    _print_notes(outcome, summary, console)
    for name in ("model_card", "evaluation", "explanation"):
        console.print(f"report   {summary.reports[name]}", highlight=False)
    folder = Path(summary.reports["evaluation"]).parent
    console.print(
        f"all      {folder}/, and {folder.parent}/index.html for all versions; documents in docs/ml-project/{model['name']}/",
        highlight=False,
    )
    console.print(
        f"run      {summary.run_id}, {summary.steps} steps, {summary.cached_steps} cached, {outcome.duration_s:.0f} s", highlight=False
    )
    console.print("next     python run.py dashboard   (the DAG, the reports and the model in the browser)", highlight=False)
    if summary.verdict != "rejected":
        console.print(f"         {deployment}   (serve it)", highlight=False)


def _print_notes(outcome: Outcome, summary: TrainingSummary, console: Console) -> None:
    """Why the verdict is what it is, which columns were left out and which matter, what clients will notice."""
    verdict = outcome.artifact("verdict")
    for reason in (*verdict.reasons(), *([f"but {verdict.doubt}"] if verdict.doubt else [])):
        console.print(f"         {reason}", markup=False)
    notes = outcome.artifact("plan").notes()
    for note in notes[:_MOST_NOTES]:
        console.print(f"unused   {note}", highlight=False, markup=False)
    if len(notes) > _MOST_NOTES:
        console.print(
            f"         {len(notes) - _MOST_NOTES} more columns are not used; {summary.reports['plan']} has them all", highlight=False
        )
    for change in verdict.changes:
        console.print(f"{'breaks  ' if change.breaking else 'contract'} {change.sentence()}", highlight=False, markup=False)
    console.print(f"columns  {_columns_that_matter(outcome, summary)}", highlight=False, markup=False)


def _columns_that_matter(outcome: Outcome, summary: TrainingSummary) -> str:
    """The first of the explanation's ranking, and where the rest is."""
    ranking = outcome.artifact("explanation").summary.importance
    found = [part.column for part in ranking if part.mean_abs > 0][:_MOST_COLUMNS]
    if not found:
        return "none moves the answer"
    more = f" (the other {len(ranking) - len(found):,} in {summary.reports['explanation']})" if len(ranking) > len(found) else ""
    return f"{', '.join(found)}{more}, what matters most first"


def _score_table(summary: TrainingSummary) -> Table:
    from switchyard.tabular.evaluation.names import meaning_of

    columns = ("cv", "holdout", "baseline")
    metrics = dict.fromkeys(name for column in columns for name in summary.scores.get(column, {}))
    rows = [(Name(metric), *(summary.scores.get(column, {}).get(metric) for column in columns), meaning_of(metric)) for metric in metrics]
    return Table(("metric", *columns, "which is"), rows, dict.fromkeys(columns, ".4f"))


COMMAND = Command(
    "From a table to a registered, documented, comparable model.",
    plan,
    run,
    changes=SEARCH,
    own=(
        click.Option(["--no-cache"], is_flag=True, help="Run every step again."),
        click.Option(
            ["--save-config"],
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write a config that says what was asked for, the command line's changes in it.",
        ),
        click.Option(
            ["--workers"],
            type=click.IntRange(1, 64),
            default=1,
            show_default=True,
            help="Steps that share the trials of one family, by a study in the stack's database.",
        ),
    ),
)
