"""What trainings of any kind have in common: a run at whose end the registry holds what it says, and its pages and documents in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import reports
from switchyard.permissions import shared

if TYPE_CHECKING:
    from app.command import Request
    from app.outcome import Outcome
    from app.summary import TrainingSummary
    from switchyard.tabular.config.problem import Problem

Pages = Callable[["Outcome"], Mapping[str, str]]
"""File name to text of all that a run, finished or not, has to show."""


def pipeline_of(problem: Problem) -> Any:
    """The pipeline that trains a model of the problem's task."""
    from switchyard.tabular.tasks import kind_of

    module, _, name = kind_of(problem.task).pipeline.partition(":")
    return getattr(import_module(module), name)


def execute_training(request: Request, pipeline: Any, arguments: dict[str, Any], cache: bool, register: str, pages: Pages) -> Outcome:
    """Run `pipeline`; where its registration is cached and somebody removed the version since, run the step `register` again."""
    outcome = _execute(request, pipeline, arguments, cache, pages)
    if outcome.was_cached("registration") and _is_lost(outcome.artifact("registration"), request.problem.name):
        request.console.print("the registry no longer holds this version: registering it again")
        outcome = _execute(request, pipeline, arguments, cache, pages, afresh=(register,))
    return outcome


def pages_of(outcome: Outcome, names: Iterable[str]) -> dict[str, str]:
    """File name to text of what a run, finished or not, has to show: its documents, and the pages of the artifacts `names`."""
    pages = dict(outcome.artifact("documents").files) if outcome.has("documents") else {}
    return pages | {f"{name}.html": page for name in names if outcome.has(name) and (page := outcome.page(name))}


def verdict_of(outcome: Outcome) -> str:
    """What became of the model; a cached registration is one of an earlier run, so this run registered nothing."""
    registration = outcome.artifact("registration")
    return "unchanged" if outcome.was_cached("registration") and registration.verdict == "challenger" else str(registration.verdict)


@shared()
def publish_training(root: Path, summary: TrainingSummary, documents: Mapping[str, str], pages: Mapping[str, str]) -> TrainingSummary:
    """Write the documents and the pages of a finished run; the summary with where the pages are."""
    name = summary.model["name"]
    folder = root / "docs" / "ml-project" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in documents.items():
        if file.endswith(".md"):
            (folder / file).write_text(text, encoding="utf-8")
    # For `dvc metrics`: the scores alone, without what differs between equal runs.
    (folder / "metrics.json").write_text(json.dumps(summary.scores, indent=1) + "\n", encoding="utf-8")
    trained = reports.Trained(
        model=name,
        version=None if summary.model["version"] is None else str(summary.model["version"]),
        run_id=summary.run_id,
        ended=_now(),
        verdict=summary.verdict,
        family=summary.model["family"],
        metric=summary.metric,
        score=summary.scores["holdout"].get(summary.metric),
        digest=summary.model["digest"],
    )
    return replace(summary, reports=reports.publish(root, trained, pages))


def _execute(
    request: Request, pipeline: Any, arguments: dict[str, Any], cache: bool, pages: Pages, afresh: Collection[str] = ()
) -> Outcome:
    from app.running import execute, name_of_run

    name, stopped = name_of_run("training", request.problem.name), partial(_keep_what_was_found, request, pages)
    return execute(pipeline, arguments, name, request.console, cache, afresh, stopped)


def _is_lost(registration: Any, name: str) -> bool:
    """Whether a version that an earlier run registered is no longer there."""
    from registry.versions import is_registered

    return registration.version is not None and not is_registered(name, registration.version, registration.digest)


def _keep_what_was_found(request: Request, pages_of: Pages, outcome: Outcome, error: Exception) -> None:
    """Write the reports of a run that was stopped: they say why, and nobody gets them from a run that failed otherwise."""
    pages = pages_of(outcome)
    if not pages:
        return
    trained = reports.Trained(request.problem.name, None, str(outcome.run.id), _now(), "stopped", str(error))
    try:
        written = reports.publish(request.root, trained, pages)
    except OSError as trouble:
        request.console.print(f"reports  cannot be written: {trouble}", highlight=False, markup=False)
        return
    where = f"{Path(next(iter(written.values()))).parent}/ ({', '.join(sorted(written))}), as far as it came"
    request.console.print(f"reports  {where}", highlight=False, markup=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
