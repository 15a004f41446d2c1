"""`monitor`: what run.py does for the monitoring pipeline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from app.commands import ensure_stack, is_local_file, options_for, terminal
from app.outcome import Outcome
from app.running import execute, name_of_run, show_steps
from app.summary import RunSummary, run_facts, write_summary
from stacks.secrets import refuse_plain
from switchyard.monitoring.decide import window_key
from switchyard.monitoring.look import Look, span_of
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.words import count_of

_PAGES = ("window", "validation", "drift", "performance", "decision", "alert", "reference")
_SHOWN = 8


@dataclass(frozen=True)
class MonitoringSummary(RunSummary):
    """What a monitoring run adds."""

    model: dict[str, Any]
    window: dict[str, Any]
    decision: str
    reason: str
    key: str
    rules: list[dict[str, Any]]
    scores: dict[str, Any]
    drift: dict[str, Any]
    alert: dict[str, Any] | None
    reports: dict[str, str]

    @classmethod
    def gather(cls, outcome: Outcome, reports: dict[str, str], duration_s: float) -> Self:
        """From the artifacts of a finished run; nothing is computed again."""
        window, drift, performance, decision, alert = (
            outcome.artifact(name) for name in ("window", "drift", "performance", "decision", "alert")
        )
        facts, score = window.facts_, performance.score
        return cls(
            **run_facts(outcome, "monitoring", duration_s),
            model={"name": facts.model, "version": facts.version, "digest": facts.digest},
            window={**facts.model_dump(mode="json", exclude={"model", "version", "digest", "identity"}), "key": window_key(facts)},
            decision=decision.action,
            reason=decision.reason,
            key=decision.key,
            rules=[rule.model_dump() for rule in decision.rules],
            scores={
                "metric": performance.metric,
                "basis": performance.basis,
                "value": score and score.value,
                "low": score and score.low,
                "high": score and score.high,
                "holdout": performance.holdout.value,
                "drop": performance.drop,
                "estimated": {name: estimate.value for name, estimate in performance.estimated.items()},
                "measured": {name: estimate.value for name, estimate in performance.measured.scores.items()}
                if performance.measured
                else {},
            },
            drift={
                "share": drift.share,
                "weighted_share": drift.weighted_share,
                "columns": [column.model_dump() for column in drift.columns if column.drifted],
                "prediction": drift.prediction and drift.prediction.model_dump(),
                "target": drift.target and drift.target.model_dump(),
                "quality": {part.column: list(part.findings) for part in drift.quality if part.findings},
            },
            alert=alert.alert
            and {
                "severity": alert.alert.severity,
                "title": alert.alert.title,
                "worst": list(alert.alert.worst),
                "channels": [delivery.model_dump() for delivery in alert.deliveries],
            },
            reports=reports,
        )


def monitor(
    problem: Problem,
    where: str,
    *,
    root: Path,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    window: str | None = None,
    data: str | None = None,
    dry_run: bool = False,
    summary_path: Path | None = None,
    started: float | None = None,
) -> int:
    """Run the monitoring pipeline on the active stack and return the exit code, which is 0 whatever was decided.

    Parameters
    ----------
    problem : Problem
        Its name says which model; its section `monitoring` holds the thresholds.
    where : str
        What to call the config's origin.
    root : Path
        Of the repository.
    since, until : str or datetime, optional
        Of the window; text is ISO 8601, UTC where it names no zone.
    window : str, optional
        Instead of `since`: 7d, 2000, ...
    data : str, optional
        A table instead of the prediction log.

    Raises
    ------
    SwitchyardError
        The window cannot be looked at.
    """
    began = time.monotonic() if started is None else started
    if data:
        refuse_plain("--data", data)
    look, shown = _look(since, until, window, data)
    from deployment.registration import ensure_deployer
    from pipelines.monitoring import monitoring as pipeline
    from stacks.active import stage_file

    stack, console = ensure_stack(root), terminal()
    default = "the whole table" if data else f"the last {problem.monitoring.window}"
    console.print(f"[bold]monitoring[/] {problem.name}: {shown or default} on stack {stack} (config: {where})", highlight=False)
    if data:
        location = stage_file(Path(data).expanduser()) if is_local_file(data) else data
        look = look.model_copy(update={"location": location, "source": data})
    if dry_run:
        show_steps(pipeline, {"problem": problem, "look": look}, console)
        return 0
    ensure_deployer()
    run_name = name_of_run("monitoring", problem.name)
    outcome = execute(pipeline, {"problem": problem, "look": look}, run_name, console)
    summary = MonitoringSummary.gather(outcome, _write_pages(outcome, root, problem.name), time.monotonic() - began)
    if summary_path:
        write_summary(summary_path, summary.to_json())
    _print(outcome, summary, _next(summary, problem, where), console)
    return 0


def _look(since: str | datetime | None, until: str | datetime | None, window: str | None, data: str | None) -> tuple[Look, str]:
    """The look, and that in words."""
    if window is not None:
        span_of(window)
    given = {"since": _moment(since, "--since"), "until": _moment(until, "--until"), "window": window}
    words = [f"{name} {value}" for name, value in given.items() if value is not None]
    try:
        return Look(**given, source=data or ""), " ".join([*([data] if data else []), *words])
    except ValidationError as error:
        raise InputError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def _moment(value: str | datetime | None, option: str) -> datetime | None:
    if value is None or isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise InputError(f"{option} {value!r} is no moment; use ISO 8601, as in 2026-11-24 or 2026-11-24T08:00:00Z") from None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _write_pages(outcome: Outcome, root: Path, name: str) -> dict[str, str]:
    folder = root / "reports" / name / "monitoring"
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for artifact in _PAGES:
        if page := outcome.page(artifact):
            path = folder / f"{artifact}.html"
            path.write_text(page, encoding="utf-8")
            written[artifact] = str(path.relative_to(root))
    return written


def _next(summary: MonitoringSummary, problem: Problem, where: str) -> str:
    """What to type next."""
    if summary.decision == "retrain":
        return f"python run.py --pipeline retraining {options_for(problem, where)}   (on old rows and those whose labels have come)"
    return f"python run.py --pipeline monitoring {options_for(problem, where)}   (the next window)"


def _print(outcome: Outcome, summary: MonitoringSummary, following: str, console: Console) -> None:
    window, drift = summary.window, outcome.artifact("drift")
    rules = Table(title="Rules", title_justify="left")
    for header in ("rule", "value", "limit", "verdict", "reason"):
        rules.add_column(header, no_wrap=header in ("rule", "verdict"))
    colours = {"nothing": "green", "alert": "yellow", "retrain": "red"}
    for rule in summary.rules:
        numbers = ["" if rule[key] is None else f"{rule[key]:.4g}" for key in ("value", "threshold")]
        rules.add_row(rule["name"], *numbers, f"[{colours[rule['verdict']]}]{rule['verdict']}[/]", rule["reason"].replace("[", "\\["))
    console.print(rules)
    drifting = drift.worst[:_SHOWN]
    if drifting:
        columns = Table(title="Drift, what matters for the score first", title_justify="left")
        for header in ("column", "verdict", "weight", "moves the mean answer by", "how far", "within training", "method"):
            columns.add_column(header)
        for column in drifting:
            verdict = "drift" if column.unusual else "as within training"
            values = [f"{column.weight or 0:.1%}", "" if column.effect is None else f"{column.effect:+.4f}"]
            values += ["" if value is None else f"{value:.3f}" for value in (column.distance, column.usual)]
            columns.add_row(column.column, verdict, *values, column.method)
        console.print(columns)
    lines = [
        f"model     {summary.model['name']} version {summary.model['version']}",
        f"window    {drift.window}: {count_of(window['rows'], 'prediction')}"
        + ("" if window["rows"] == window["looked_at"] else f", {window['looked_at']:,} looked at"),
        *(
            [f"tables    {count_of(window['batch'], 'prediction')} of whole tables left out; to look at a table: --data TABLE"]
            if window["batch"]
            else []
        ),
        f"labels    {count_of(window['labelled'], 'prediction')} with one; {window['received']:,} received, of them {window['repeated']:,} repeated"
        f" and {window['corrected']:,} corrected; {window['late']:,} came after the window",
        f"score     {_score(summary.scores)}",
        f"decision  {summary.decision}: {summary.reason.removeprefix(summary.decision + ': ')}",
    ]
    if summary.alert:
        told = ", ".join(
            f"{one['channel']} {one['state']}{' (' + one['detail'] + ')' if one['detail'] else ''}" for one in summary.alert["channels"]
        )
        lines.append(f"alert     {summary.alert['severity']}; {told}")
    lines += [f"report    {path}" for name, path in summary.reports.items() if name in ("drift", "performance")]
    lines.append(f"run       {summary.run_id}, {summary.steps} steps, {summary.duration_s:.0f} s")
    lines.append(f"next      {following}")
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _score(scores: dict[str, Any]) -> str:
    if scores["value"] is None:
        return f"none; {scores['metric']} on the holdout {scores['holdout']:.4f}"
    interval = "" if scores["low"] is None else f" ({scores['low']:.4f} to {scores['high']:.4f})"
    return f"{scores['basis']} {scores['metric']} {scores['value']:.4f}{interval}; on the holdout {scores['holdout']:.4f}"
