"""Runs a pipeline on the active stack, says what happens while it happens, and tells how it ended.

An orchestrator that runs elsewhere returns before the run ends; run.py waits here and looks whether the run can still end by itself.
"""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable, Collection
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from rich.console import Console
from zenml.client import Client
from zenml.config import DockerSettings
from zenml.enums import ExecutionMode, ExecutionStatus, StackComponentType
from zenml.models import PipelineRunResponse, StepRunResponse

from app.causes import cause_of
from app.durations import durations, in_words, keep_durations
from app.killed import end_records, held, killed_runs
from app.links import run_page
from app.outcome import Outcome
from app.progress import MOST_STEPS, RunProgress
from materializers.zenml_private import leave_integrations_out
from stacks.active import artifact_store
from stacks.settings import RunSettings, run_settings
from stacks.watching import RunWatch, watch_for
from steps.provenance import code_commit
from switchyard.tabular.errors import SwitchyardError

_LOOK_S = 2.0
_SILENCE_S = 120.0
"""How long the ZenML server or the cluster may leave questions about a run unanswered."""
_AGAIN = {ExecutionStatus.FAILED, ExecutionStatus.RETRYING, ExecutionStatus.RETRIED}
_FULL = ("InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "No space left on device", "Disk quota exceeded")
"""How S3 servers and file systems say that there is no room."""


class RunFailed(SwitchyardError):
    """A step failed for a reason that is not the user's input."""


def name_of_run(pipeline: str, model: str) -> str:
    """A name that no other run has."""
    return f"{pipeline}-{model}-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"


def show_steps(pipeline: Any, arguments: dict[str, Any], console: Console) -> None:
    """Print the steps that `execute` would run, each with those that it follows."""
    planned = pipeline.with_options()
    planned.prepare(**arguments)
    for name, invocation in planned.invocations.items():
        console.print(f"  {name} <- {', '.join(sorted(invocation.upstream_steps)) or 'nothing'}", highlight=False)


def execute(
    pipeline: Any,
    arguments: dict[str, Any],
    run_name: str,
    console: Console,
    cache: bool = True,
    afresh: Collection[str] = (),
    stopped: Callable[[Outcome, Exception], None] | None = None,
) -> Outcome:
    """Run `pipeline` with `arguments` on the active stack, as its settings want it, and wait for its end.

    Parameters
    ----------
    pipeline : Pipeline
        A function decorated with ZenML's `@pipeline`.
    cache : bool
        Whether steps may be taken from earlier runs.
    afresh : collection of str, optional
        Names of the steps that may not, in this run.
    stopped : callable, optional
        Told of a run that failed, with what its steps made until then and the error that is raised next.

    Raises
    ------
    SwitchyardError
        The user's error that a step raised, whichever process it ran in, or `RunFailed` with the step and the cause.
    """
    from stacks.active import pipelines_image

    planned = pipeline.with_options()
    planned.prepare(**arguments)
    client = Client()
    stack = client.active_stack_model.name
    image = partial(pipelines_image, lambda line: console.print(f"  [dim]{line}[/]", highlight=False))
    wanted = run_settings(stack, pipeline.name, planned.invocations, {"image": image, "commit": code_commit})
    wanted.check(stack, {"docker": DockerSettings, "orchestrator": client.active_stack.orchestrator.settings_class})
    options = {**pipeline_options(run_name, cache), **without_cache(wanted, afresh).options()}
    key = (pipeline.name, getattr(arguments.get("problem"), "name", ""), stack)
    expected = durations(*key)
    if cache and expected:
        console.print(
            f"  [dim]{len(planned.invocations)} steps, {in_words(sum(expected.values()))} where none is cached[/]", highlight=False
        )
    progress = RunProgress(run_name, console, len(planned.invocations), expected)
    for killed in killed_runs(end=True):
        console.print(f"  [dim]run {killed} was killed before its end; it is recorded as failed[/]", highlight=False)
    orchestrator = client.active_stack_model.components[StackComponentType.ORCHESTRATOR][0]
    # What runs elsewhere outlives this process.
    with held(run_name) if orchestrator.flavor_name == "local" else nullcontext():
        outcome = run_pipeline(lambda: pipeline.with_options(**options)(**arguments), run_name, console, stopped, progress)
    keep_durations(*key, outcome.stages)
    return outcome


def run_pipeline(
    submit: Callable[..., Any],
    run_name: str,
    console: Console,
    stopped: Callable[[Outcome, Exception], None] | None = None,
    progress: RunProgress | None = None,
) -> Outcome:
    """Run `submit` (a pipeline function bound to its arguments) and wait for its end; `execute` applies the stack's settings.

    Parameters
    ----------
    submit : callable
    run_name : str
    console : Console
    stopped : callable, optional
        As for `execute`.
    progress : RunProgress, optional
        Not started; one that knows nothing of the run where absent.

    Raises
    ------
    SwitchyardError
        The user's error that a step raised, whichever process it ran in, or `RunFailed` with the step and the cause.
    """
    leave_integrations_out()
    began = time.monotonic()
    progress = progress or RunProgress(run_name, console)
    progress.start()
    error: BaseException | None = None
    watch: RunWatch | None = None
    for name in ("switchyard", "steps"):
        logging.getLogger(name).setLevel(logging.INFO)
    quiet = [logging.getLogger(name) for name in ("zenml.orchestrators", "zenml.steps", "zenml.execution", "zenml.pipelines")]
    for logger in quiet:
        logger.setLevel(logging.CRITICAL)
    # A server that restarts is asked again; `_wait` tells when it stays away.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    try:
        submit()
        run = _find_run(run_name)
        if run is not None and not run.status.is_finished:
            watch = watch_for(run.id)
            _wait(run.id, watch)
    except Exception as raised:
        error = raised
    finally:
        progress.finish()
    run = _find_run(run_name)
    if run is None:
        raise error or RunFailed(f"run {run_name} was never started")
    with suppress(Exception):  # No link is worth the end of the run.
        console.print(f"page     {run_page(run)}", highlight=False, markup=False)
    if error is not None or run.status != ExecutionStatus.COMPLETED:
        translated = _translated(run, error, watch)
        if stopped is not None:
            stopped(Outcome(run, progress.stages, time.monotonic() - began), translated)
        raise translated from error
    return Outcome(run, progress.stages, time.monotonic() - began)


def without_cache(wanted: RunSettings, steps: Collection[str]) -> RunSettings:
    """`wanted`, with the cache off for `steps` of that run alone: a step that is configured stays so for the whole process."""
    return replace(wanted, steps={**wanted.steps, **{name: {**wanted.steps.get(name, {}), "enable_cache": False} for name in steps}})


def pipeline_options(run_name: str, cache: bool) -> dict[str, Any]:
    """Options every pipeline of ours runs with."""
    return {"run_name": run_name, "enable_cache": cache, "execution_mode": ExecutionMode.FAIL_FAST}


def _wait(run: UUID, watch: RunWatch | None) -> None:
    """Wait for the end of a run that goes on elsewhere; end it where it can't end well by itself, or on Ctrl-C."""
    heard = time.monotonic()
    try:
        while True:
            try:
                if Client().get_pipeline_run(run, hydrate=False).status.is_finished:
                    return
                trouble = _lasting_error(run) or (watch.look() if watch else None)
                heard = time.monotonic()
            except Exception as silence:
                if time.monotonic() - heard > _SILENCE_S:
                    why = str(silence).strip().splitlines()[:1] or [type(silence).__name__]
                    raise RunFailed(
                        f"nobody answered questions about the run for {_SILENCE_S:.0f} s ({why[0]}); it may still go on: "
                        "the same command waits for it or does what is left"
                    ) from silence
                trouble = None
            if trouble:
                _end(run, watch, ExecutionStatus.FAILED, str(trouble))
                raise trouble if isinstance(trouble, SwitchyardError) else RunFailed(trouble)
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        _end(run, watch, ExecutionStatus.STOPPED, "stopped by the user")
        raise


def _lasting_error(run: UUID) -> SwitchyardError | None:
    """The error of a step that its retries can only repeat."""
    steps = Client().list_run_steps(pipeline_run_id=run, size=MOST_STEPS, hydrate=False).items
    for step in steps:
        if step.status in _AGAIN:
            found = _final_error(Client().get_run_step(step.id))
            if found is not None:
                return found
    return None


def _end(run: UUID, watch: RunWatch | None, status: ExecutionStatus, reason: str) -> None:
    """Stop what is left of a run and say so in its record."""
    if watch is not None:
        watch.stop()
    end_records(run, status, reason)


def _find_run(run_name: str) -> PipelineRunResponse | None:
    runs = Client().list_pipeline_runs(name=run_name, hydrate=True)
    return runs.items[0] if runs.items else None


def _final_error(step: StepRunResponse) -> SwitchyardError | None:
    """The error of ours that `step` raised in its process, made again in this one; or that it found no room to write."""
    info = step.exception_info
    if info is None:
        return None
    module, _, kind = (info.source or "").rpartition(".")
    if module == "switchyard.tabular.errors":
        return getattr(importlib.import_module(module), kind)(info.message)
    if any(words in (info.message or "") for words in _FULL):
        store = artifact_store().path
        return RunFailed(
            f"step {step.name} found no room to write ({info.message}): make some in {store}; the same command goes on from there"
        )
    return None


def _translated(run: PipelineRunResponse, error: BaseException | None, watch: RunWatch | None) -> Exception:
    """The user's own error where a step raised one, else one line that names step and cause."""
    if isinstance(error, SwitchyardError):
        return error
    for name, step in run.steps.items():
        if step.status != ExecutionStatus.FAILED:
            continue
        if own := _final_error(step):
            return own
        if info := step.exception_info:
            cause = cause_of(info.message or "", info.traceback or "")
            return RunFailed(f"step {name} failed: {cause} (the whole log: zenml logs, or the dashboard's run {run.name})")
        if seen := watch.reason(name) if watch else None:
            return RunFailed(seen)
    return RunFailed(f"run {run.name} ended as {run.status}: {error or 'no step says why'}")
