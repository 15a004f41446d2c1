"""`inference`: score a table with the version in production."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console

from app.command import Command, Plan, Request, Result
from app.options import CONFIG, NAME, QUERY, TABLE
from app.summary import RunSummary, run_facts
from switchyard.permissions import shared
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of

if TYPE_CHECKING:
    from app.outcome import Outcome


@dataclass(frozen=True)
class InferenceSummary(RunSummary):
    """What a batch inference adds."""

    rows: int
    output: str
    serving: dict[str, Any]
    """Version and digest that scored."""
    distribution: dict[str, Any]
    logged: int
    prediction_ids: str
    """What they begin with."""
    findings: list[str]
    notes: list[str]
    """What was read otherwise than it stands there, or left out."""
    report: str
    parts: dict[str, Any] | None = None
    """Of a table that is scored file by file: `all`, those done `before`, the `rows` of all, the `manifest`, and a `sentence`."""

    @classmethod
    def gather(cls, outcome: Outcome, output: str, report: Path) -> Self:
        """The summary, from the artifacts of a finished run."""
        found = outcome.artifact("scoring_report")
        scored = found.scored
        return cls(
            **run_facts(outcome, "inference"),
            rows=scored.rows,
            output=output,
            serving={"version": scored.version, "digest": scored.digest},
            distribution=scored.distribution,
            logged=scored.logged,
            prediction_ids=scored.request_id,
            findings=list(found.findings),
            notes=list(scored.notes),
            report=str(report),
            parts=None if scored.parts is None else {**scored.parts.model_dump(), "sentence": scored.parts.sentence},
        )


def plan(
    request: Request,
    *,
    data: str | None,
    output: str | None,
    version: str | None,
    query: str | None,
    extra: str,
    explain: bool,
    no_log: bool,
) -> Plan:
    """What scoring the table would run.

    Raises
    ------
    InputError
        Table or output is missing, holds a password, or can't be what it is said to be.
    """
    from pipelines.inference import inference
    from stacks.secrets import refuse_plain, with_secrets
    from steps.inference.order import ScoringOrder
    from switchyard.tabular.batch.output import format_of
    from switchyard.tabular.tables.reading.credentials import without_credentials

    if not data or not output:
        raise InputError("inference needs --data TABLE and --output FILE")
    refuse_plain("--data", data)
    refuse_plain("--output", output)
    label = without_credentials(data)
    source, target = Path(data).expanduser(), Path(output).expanduser().resolve()
    if output.endswith("/") or (_is_path(output) and target.is_dir()):
        _require_files(data, output, query)
        output = f"{target}/"
    else:
        format_of(with_secrets(output))
        if _is_path(output) and _is_file(data) and source.resolve() == target:
            raise InputError(f"--output {output} is the table itself; name another file")
    order = ScoringOrder(
        source=data, label=label, query=query, output=output, version=version, extra=extra, explain=explain, log=not no_log
    )
    where = f"on stack {request.stack} (config: {request.where})"
    title = f"[bold]inference[/] {request.problem.name}: {label} -> {without_credentials(output)} {where}"
    return Plan(title, inference, {"problem": request.problem, "order": order})


def run(request: Request, plan: Plan, **_own: Any) -> Result:
    """Score the table on the active stack, bring the answers to where they are wanted, and sum them up.

    Raises
    ------
    SwitchyardError
        The table can't be scored; nothing was written.
    """
    from app.running import execute, name_of_run
    from deployment.registration import ensure_served
    from stacks.active import is_local
    from stacks.files import bring, reachable_output, reachable_source
    from switchyard.tabular.tables.reading.credentials import without_credentials

    asked = plan.arguments["order"]
    if asked.log:
        ensure_served(request.problem.name)
    run_name = name_of_run("inference", request.problem.name)
    is_path, target = _is_path(asked.output), Path(asked.output).expanduser().resolve()
    if asked.by_parts and not is_local():
        raise InputError(
            f"--output {asked.output} is a folder of this machine, which steps on stack {request.stack} do not see; name a file"
        )
    fetched = is_path and not is_local()
    staged = {
        "source": reachable_source(asked.source),
        "output": (reachable_output(target.name, run_name) if fetched else _place(asked.output, target)) if is_path else asked.output,
    }
    order = asked.model_copy(update=staged)
    outcome = execute(plan.pipeline, {**plan.arguments, "order": order}, run_name, request.console)
    if fetched:
        bring(order.output, target)
    report = request.root / "reports" / request.problem.name / "inference.html"
    with shared():
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(outcome.page("scoring_report") or "", encoding="utf-8")
    written = _place(asked.output, target) if is_path else without_credentials(asked.output)
    summary = InferenceSummary.gather(outcome, written, report.relative_to(request.root))
    _print(summary, outcome, request.console)
    return Result(summary.told())


def _is_file(source: str) -> bool:
    return "://" not in source and Path(source).expanduser().is_file()


def _require_files(data: str, output: str, query: str | None) -> None:
    """Refuse a folder of answers to a table that is not in files of this machine."""
    if not _is_path(output):
        raise InputError(f"--output {output}: a folder of answers is one of this machine; name it, or a file")
    if query or "://" in data or data.startswith(("builtin:", "openml:")):
        raise InputError(f"--output {output} is a folder, for the parts of a table in files of this machine; name a file")


def _place(output: str, target: Path) -> str:
    return f"{target}/" if output.endswith("/") else str(target)


def _is_path(output: str) -> bool:
    from stacks.secrets import with_secrets

    return "://" not in with_secrets(output)


def _print(summary: InferenceSummary, outcome: Outcome, console: Console) -> None:
    lines = [
        f"scored   {summary.rows:,} rows with version {summary.serving['version']}, {summary.serving['digest']}",
        f"output   {summary.output}",
    ]
    if summary.parts:
        lines.append(f"parts    {summary.parts['sentence']}; manifest {summary.parts['manifest']}")
    labels, kept = summary.distribution.get("labels"), summary.distribution.get("score")
    if summary.rows and labels:
        lines.append("answers  " + ", ".join(f"{name} {count / summary.rows:.1%}" for name, count in labels.items()))
    elif summary.rows and kept:
        lines.append(f"answers  median {kept['q50']:.4g}, 90 % between {kept['q05']:.4g} and {kept['q95']:.4g}")
    lines += [f"note     {note}" for note in summary.notes]
    lines += [f"look     {finding}" for finding in summary.findings]
    ids = "ids in the manifest" if summary.parts else f"{summary.prediction_ids}/ROW"
    logged = f"{count_of(summary.logged, 'prediction')}, {ids}" if summary.logged or not summary.rows else "left out"
    lines.append(f"log      {logged}")
    lines.append(f"report   {summary.report}")
    lines.append(f"run      {summary.run_id}, {summary.steps} steps, {outcome.duration_s:.0f} s")
    for line in lines:
        console.print(line, highlight=False, markup=False)


COMMAND = Command(
    "Score a table with the version in production.",
    plan,
    run,
    changes=(CONFIG, NAME),
    own=(
        TABLE,
        click.Option(
            ["--output"],
            help="Where the answers go: PATH or URL, .csv, .tsv or .parquet, text also .gz; or FOLDER/, a file for each part of the table.",
        ),
        click.Option(["--version"], help="The version to score with instead of the champion."),
        QUERY,
        click.Option(
            ["--extra"],
            type=click.Choice(("refuse", "drop", "keep")),
            default="drop",
            show_default=True,
            help="Columns that are not the model's: unknown ones an error or left out, or all of them taken into the output.",
        ),
        click.Option(["--explain"], is_flag=True, help="Add the contributions of the columns to each answer; some milliseconds a row."),
        click.Option(["--no-log"], is_flag=True, help="Leave the predictions out of the prediction log."),
    ),
)
