"""`score`: what run.py does for the inference pipeline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from app.commands import ensure_stack, terminal
from app.outcome import Outcome
from app.running import execute, name_of_run
from app.summary import RunSummary, run_facts, write_summary
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of


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
    report: str

    @classmethod
    def gather(cls, outcome: Outcome, output: str, report: Path, root: Path, duration_s: float) -> Self:
        """From the artifacts of a finished run."""
        found = outcome.artifact("scoring_report")
        scored = found.scored
        return cls(
            **run_facts(outcome, "inference", duration_s),
            rows=scored.rows,
            output=output,
            serving={"version": scored.version, "digest": scored.digest},
            distribution=scored.distribution,
            logged=scored.logged,
            prediction_ids=scored.request_id,
            findings=list(found.findings),
            report=str(report.relative_to(root)),
        )


def score(
    problem: Problem,
    where: str,
    *,
    root: Path,
    data: str | None,
    output: str | None,
    version: str | None = None,
    query: str | None = None,
    extra: str = "refuse",
    no_log: bool = False,
    dry_run: bool = False,
    summary_path: Path | None = None,
    started: float | None = None,
) -> int:
    """Run the inference pipeline on the active stack and return the exit code.

    Parameters
    ----------
    problem : Problem
        Its name says which model, its data section what a row's entity and time are.
    where : str
        What to call the config's origin.
    root : Path
        Of the repository.
    data : str
        The table: path, URL, builtin:NAME, openml:NAME or a SQLAlchemy URL with `query`.
    output : str
        Where the answers go: path or URL.
    version : str, optional
        Instead of the one in production.
    extra : str
        refuse, drop or keep: columns that neither model nor config knows.
    no_log : bool
        Leave the predictions out of the prediction log.

    Raises
    ------
    SwitchyardError
        The table can't be scored; nothing was written.
    """
    began = time.monotonic() if started is None else started
    from deployment.registration import ensure_deployer
    from pipelines.inference import inference
    from stacks.files import bring, reachable, reachable_output, steps_run_here
    from stacks.secrets import refuse_plain, with_secrets
    from steps.inference.order import ScoringOrder
    from switchyard.tabular.batch.output import format_of
    from switchyard.tabular.tables.reading.credentials import without_credentials

    if not data or not output:
        raise InputError("inference needs --data TABLE and --output FILE")
    refuse_plain("--data", data)
    refuse_plain("--output", output)
    format_of(with_secrets(output))
    stack, console = ensure_stack(root), terminal()
    label, named = without_credentials(data), without_credentials(output)
    console.print(f"[bold]inference[/] {problem.name}: {label} -> {named} on stack {stack} (config: {where})")
    source, target = Path(data).expanduser(), Path(output).expanduser().resolve()
    is_file, is_path = "://" not in data and source.is_file(), "://" not in with_secrets(output)
    if is_path and (target.is_dir() or (is_file and source.resolve() == target)):
        raise InputError(f"--output {output} is {'a folder' if target.is_dir() else 'the table itself'}; name another file")
    if dry_run:
        for name in ("pick_production", "score_table", "report_scoring"):
            console.print(f"  {name}", highlight=False)
        return 0
    if not no_log:
        ensure_deployer()
    run_name = name_of_run("inference", problem.name)
    fetched = is_path and not steps_run_here()
    order = ScoringOrder(
        source=reachable(source) if is_file else data,
        label=label,
        query=query,
        output=(reachable_output(target.name, run_name) if fetched else str(target)) if is_path else output,
        version=version,
        extra=extra,
        log=not no_log,
    )
    outcome = execute(inference, {"problem": problem, "order": order}, run_name, console)
    if fetched:
        bring(order.output, target)
    report = root / "reports" / problem.name / "inference.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(outcome.page("scoring_report") or "", encoding="utf-8")
    summary = InferenceSummary.gather(outcome, str(target) if is_path else named, report, root, time.monotonic() - began)
    if summary_path:
        write_summary(summary_path, summary.to_json())
    _print(summary, console)
    return 0


def _print(summary: InferenceSummary, console: Any) -> None:
    lines = [
        f"scored   {summary.rows:,} rows with version {summary.serving['version']}, {summary.serving['digest']}",
        f"output   {summary.output}",
    ]
    if labels := summary.distribution.get("labels"):
        lines.append("answers  " + ", ".join(f"{name} {count / summary.rows:.1%}" for name, count in labels.items()))
    else:
        kept = summary.distribution["score"]
        lines.append(f"answers  median {kept['q50']:.4g}, 90 % between {kept['q05']:.4g} and {kept['q95']:.4g}")
    lines += [f"look     {finding}" for finding in summary.findings]
    logged = f"{count_of(summary.logged, 'prediction')}, {summary.prediction_ids}/ROW" if summary.logged else "left out"
    lines.append(f"log      {logged}")
    lines.append(f"report   {summary.report}")
    lines.append(f"run      {summary.run_id}, {summary.steps} steps, {summary.duration_s:.0f} s")
    for line in lines:
        console.print(line, highlight=False, markup=False)
