"""`monitoring`: a look at production, one decision, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console

from app.command import Command, Plan, Request, Result
from app.options import CONFIG, NAME, TABLE
from app.summary import RunSummary, run_facts
from app.tasks import refuse_without_labels
from switchyard.permissions import shared
from switchyard.tabular.errors import InputError
from switchyard.tabular.report.terminal import table
from switchyard.tabular.report.words import count_of

if TYPE_CHECKING:
    from app.outcome import Outcome
    from switchyard.monitoring.look import Look
    from switchyard.tabular.config.problem import Problem

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
    def gather(cls, outcome: Outcome, reports: dict[str, str]) -> Self:
        """The summary, from the artifacts of a finished run; nothing is computed again."""
        from switchyard.monitoring.decide import window_key

        window, drift, performance, decision, alert = (
            outcome.artifact(name) for name in ("window", "drift", "performance", "decision", "alert")
        )
        facts, score = window.facts, performance.score
        return cls(
            **run_facts(outcome, "monitoring"),
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
                **({"shown": performance.shown.shares()} if performance.shown else {}),
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


def plan(
    request: Request,
    *,
    since: str | datetime | None,
    until: str | datetime | None,
    window: str | None,
    of: str | None,
    data: str | None,
    act: bool | None,
    schedule: str | None,
) -> Plan:
    """What a look at production would run.

    Raises
    ------
    InputError
        The window makes no sense, or a retraining would be of another model than the config's.
    """
    if _acts(request.problem, act):
        refuse_without_labels(request.problem, "acting on what monitoring finds")
    from pipelines.monitoring import monitoring
    from stacks.secrets import refuse_plain
    from switchyard.tabular.config.problem import read_settings

    problem, where = request.problem, request.where
    if _acts(problem, act) and Path(where).is_file() and read_settings(where).get("name") != problem.name:
        raise InputError(f"--act trains {problem.name!r} again by its config: name that by --config, or look only (--no-act)")
    if data:
        refuse_plain("--data", data)
    look, shown = _look(since, until, window, of, data)
    default = f"the last {problem.monitoring.window}"
    title = f"[bold]monitoring[/] {problem.name}: {shown or default} on stack {request.stack} (config: {where})"
    return Plan(title, monitoring, {"problem": problem, "look": look})


def run(request: Request, plan: Plan, *, data: str | None, act: bool | None, schedule: str | None, **_window: Any) -> Result:
    """Look at production by the monitoring pipeline and, where the config or the command line wants it, act on the decision.

    Exit code 0 whatever was decided; with a schedule, this again and again instead of once now.

    Raises
    ------
    SwitchyardError
        The window can't be looked at, or a retraining failed for a reason that may pass.
    """
    from app.scheduling import keep_running
    from app.windows import show_window

    acts = _acts(request.problem, act)
    if schedule is not None:
        keep_running(schedule, request, acts=acts, data=data)
        return Result()
    outcome = _monitor(request, plan)
    summary = MonitoringSummary.gather(outcome, _write_pages(outcome, request.root, request.problem.name))
    _print(outcome, summary, _next(summary, request.problem, request.where), request.console)
    told = summary.told()
    show_window(request.problem.name, told)
    if acts:
        from app.loop import act as act_on

        told["retraining"] = asdict(act_on(request, outcome.artifact("decision")))
    return Result(told)


def _acts(problem: Problem, act: bool | None) -> bool:
    return problem.retraining.act if act is None else act


def _monitor(request: Request, plan: Plan) -> Outcome:
    from app.running import execute, name_of_run
    from deployment.registration import ensure_served
    from stacks.files import stage_source

    ensure_served(request.problem.name)
    look = plan.arguments["look"]
    if look.source:
        look = look.model_copy(update={"location": stage_source(look.source)})
    arguments = {**plan.arguments, "look": look}
    return execute(plan.pipeline, arguments, name_of_run("monitoring", request.problem.name), request.console)


def _look(since: str | datetime | None, until: str | datetime | None, window: str | None, of: Any, data: str | None) -> tuple[Look, str]:
    """The look, and that in words."""
    from pydantic import ValidationError

    from switchyard.monitoring.look import Look, span_of

    if window is not None:
        span_of(window)
    given = {"since": _moment(since, "--since"), "until": _moment(until, "--until"), "window": window, "of": of}
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


@shared()
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
    from app.settings import options_for
    from switchyard.tabular.tasks import kind_of

    if summary.decision == "retrain" and not kind_of(problem.task).labels:
        return f"python run.py --pipeline training {options_for(problem, where)}   (on rows of now)"
    if summary.decision == "retrain":
        return f"python run.py --pipeline retraining {options_for(problem, where)}   (on old rows and those whose labels have come)"
    return f"python run.py --pipeline monitoring {options_for(problem, where)}   (the next window)"


def _print(outcome: Outcome, summary: MonitoringSummary, following: str, console: Console) -> None:
    from switchyard.monitoring.columns import drift_table

    window, drift = summary.window, outcome.artifact("drift")
    console.print(table(outcome.artifact("decision").rule_table(), "Rules"))
    if drifting := drift.worst[:_SHOWN]:
        headers = ("column", "verdict", "weight", "moves the mean answer by", "how far", "within training", "method")
        console.print(table(drift_table(drifting).only(*headers), "Drift, what matters for the score first"))
    lines = [
        f"model     {summary.model['name']} version {summary.model['version']}",
        f"window    {drift.window}: {count_of(window['rows'], 'prediction')}"
        + ("" if window["rows"] == window["looked_at"] else f", {window['looked_at']:,} looked at"),
        *(
            f"{of:<9} {count_of(window[key], 'prediction')} of {what} left out; to look at them: --of {of}"
            for of, key, what in (("tables", "batch", "whole tables"), ("requests", "requests", "requests"))
            if window[key]
        ),
        f"labels    {count_of(window['labelled'], 'prediction')} with one; {window['received']:,} received, "
        f"of them {window['repeated']:,} repeated and {window['corrected']:,} corrected; {window['late']:,} became known once the window "
        "was over, and count",
        f"score     {_score(summary.scores)}",
        *(
            [f"shown     {', '.join(f'{name} {share:.1%}' for name, share in summary.scores['shown'].items())}"]
            if "shown" in summary.scores
            else []
        ),
        f"decision  {summary.decision}: {summary.reason.removeprefix(summary.decision + ': ')}",
    ]
    if summary.alert:
        told = ", ".join(
            f"{one['channel']} {one['state']}{' (' + one['detail'] + ')' if one['detail'] else ''}" for one in summary.alert["channels"]
        )
        lines.append(f"alert     {summary.alert['severity']}; {told}")
    lines += [f"report    {path}" for name, path in summary.reports.items() if name in ("drift", "performance")]
    lines.append(f"run       {summary.run_id}, {summary.steps} steps, {outcome.duration_s:.0f} s")
    lines.append(f"next      {following}")
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _score(scores: dict[str, Any]) -> str:
    if scores["value"] is None:
        return f"none; {scores['metric']} on the holdout {scores['holdout']:.4f}"
    interval = "" if scores["low"] is None else f" ({scores['low']:.4f} to {scores['high']:.4f})"
    return f"{scores['basis']} {scores['metric']} {scores['value']:.4f}{interval}; on the holdout {scores['holdout']:.4f}"


COMMAND = Command(
    "Look at production: drift, live performance, one decision, and what follows from it.",
    plan,
    run,
    changes=(CONFIG, NAME),
    own=(
        click.Option(["--since"], help="Beginning of the window, ISO 8601, UTC where it names no zone."),
        click.Option(["--until"], help="End of the window; with the newest prediction where it is not given."),
        click.Option(["--window"], help="Instead of --since: a time (30m, 12h, 7d, 2w), or the last rows (2000)."),
        click.Option(
            ["--of"],
            type=click.Choice(("auto", "requests", "tables")),
            help="Look at predictions of requests, or of tables that inference scored, instead of the config's monitoring.of.",
        ),
        TABLE,
        click.Option(["--act/--no-act"], default=None, help="Retrain where the decision says so, instead of the config's retraining.act."),
        click.Option(
            ["--schedule"], help='Again and again at the times of a cron expression, in UTC: "0 * * * *"; on a cluster, off ends it.'
        ),
    ),
)
