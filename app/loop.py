"""The closed loop: one look at production by the monitoring pipeline, and what run.py does about it."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from app.commands import is_local_file, terminal
from app.summary import write_summary
from switchyard.tabular.config.problem import Problem, read_settings
from switchyard.tabular.errors import InputError

NEVER = "off"
"""Instead of a cron expression: end the schedule."""


def watch(
    problem: Problem,
    where: str,
    *,
    root: Path,
    summary_path: Path,
    act: bool | None = None,
    schedule: str | None = None,
    dry_run: bool = False,
    started: float | None = None,
    **looked: Any,
) -> int:
    """Monitor, show the window on the dashboard and, where the config or the command line wants it, act on the decision.

    Parameters
    ----------
    problem : Problem
    where : str
        What to call the config's origin.
    root : Path
    summary_path : Path
        Gets the monitoring run's summary and, under `retraining`, what was done.
    act : bool, optional
        Instead of `retraining.act`.
    schedule : str, optional
        Cron expression: do this again and again instead of once now.
    looked : dict
        Options of `app.monitoring.monitor`.

    Raises
    ------
    SwitchyardError
        The window can't be looked at, or a retraining failed for a reason that may pass.
    """
    from app.monitoring import monitor

    acts = problem.retraining.act if act is None else act
    if acts and Path(where).is_file() and read_settings(where).get("name") != problem.name:
        raise InputError(f"--act trains {problem.name!r} again by its config: name that by --config, or look only (--no-act)")
    if schedule is not None and not dry_run:
        return _keep_running(schedule, problem, where, root, acts=acts, data=looked.get("data"))
    code = monitor(problem, where, root=root, dry_run=dry_run, summary_path=summary_path, started=started, **looked)
    if dry_run or code:
        return code
    summary = json.loads(summary_path.read_text(encoding="utf-8"))
    _show(problem, summary)
    if acts:
        from app.retraining import act as act_on

        began = time.monotonic()
        found = act_on(problem, where, decision_of(summary["run_id"]), root=root, console=terminal())
        summary |= {"retraining": asdict(found), "duration_s": round(summary["duration_s"] + time.monotonic() - began, 2)}
        write_summary(summary_path, json.dumps(summary, indent=1) + "\n")
    return 0


def decision_of(run: str) -> Any:
    """The decision that the monitoring run with this id came to."""
    from zenml.client import Client

    from app.outcome import Outcome

    return Outcome(Client().get_pipeline_run(run)).artifact("decision")


def _keep_running(schedule: str, problem: Problem, where: str, root: Path, *, acts: bool, data: str | None) -> int:
    """As the active stack keeps schedules: a CronJob on a cluster, a loop in the foreground here."""
    from app.commands import ensure_stack
    from app.scheduling import check_schedule, on_schedule
    from stacks.active import is_local

    if schedule != NEVER:
        check_schedule(schedule)
    arguments = without(sys.argv[1:], "--schedule")
    console = terminal()
    ensure_stack(root)
    if is_local():
        if schedule == NEVER:
            raise InputError("this stack keeps no schedule: its loop runs in the foreground until Ctrl-C ends it")
        on_schedule(schedule, [sys.executable, "run.py", *arguments], console, cwd=str(root))
        return 0
    from stacks.active import pipelines_image
    from stacks.cluster import schedule as cluster
    from steps.provenance import code_commit

    name = f"monitoring-{problem.name}"
    if schedule == NEVER:
        if not cluster.unschedule(name):
            raise InputError(f"the cluster keeps no schedule {name!r}; there is {', '.join(cluster.scheduled()) or 'none'}")
        console.print(f"schedule  CronJob {name} is gone", highlight=False, markup=False)
        return 0
    if data and is_local_file(data):
        raise InputError(
            f"--data {data} is a file of this machine, which a CronJob does not see; name a table that pods can read (s3://..., an SQL address)"
        )
    config = _config_for_pods(Path(where), problem, acts, console) if Path(where).is_file() else None
    job = cluster.schedule(name, schedule, without(arguments, "--config"), pipelines_image(console.print), config, commit=code_commit())
    console.print(f"schedule  CronJob {job} runs by {schedule!r} (UTC): run.py {' '.join(arguments)}", highlight=False, markup=False)
    console.print(f"end it    python run.py {' '.join(arguments)} --schedule {NEVER}", highlight=False, markup=False)
    return 0


def _config_for_pods(config: Path, problem: Problem, acts: bool, console: Console) -> tuple[str, str]:
    """Name and content of the config as the CronJob gets it; a table of this machine that a retraining would read goes into the store."""
    text = config.read_text(encoding="utf-8")
    source = problem.data.source
    if acts and is_local_file(source):
        from stacks.active import stage_file

        settings = read_settings(config)
        settings["data"]["source"] = stage_file(Path(source).expanduser())
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        console.print(
            f"table     {source}, as it is now, is kept in the artifact store: a retraining begins with its rows",
            highlight=False,
            markup=False,
        )
    return config.name, text


def without(arguments: list[str], option: str) -> list[str]:
    """A command line's arguments without `option` and its value."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument == option or argument.startswith(f"{option}="):
            skip = argument == option
            continue
        kept.append(argument)
    return kept


def _show(problem: Problem, summary: Mapping[str, Any]) -> None:
    """Put the window onto Evidently's pages; those who can't be told are warned, nothing fails for it."""
    from app.dashboards import workspace_folder
    from switchyard.monitoring.workspace import WindowFigures, record_window

    scores, drift, window, rules = summary["scores"], summary["drift"], summary["window"], {rule["name"]: rule for rule in summary["rules"]}
    latency = _latency(problem.name, summary["model"]["version"])
    measured, estimated = (scores[kind].get(scores["metric"]) for kind in ("measured", "estimated"))
    version = str(summary["model"]["version"])
    values = {
        "drift_share": rules.get("drift_share", {}).get("value"),
        "drift_share_limit": rules.get("drift_share", {}).get("threshold"),
        "score": measured,
        "estimated_score": estimated,
        "reference_score": scores["holdout"],
        "score_floor": rules.get("performance_floor", {}).get("threshold"),
        "rows": window["rows"],
        "labelled": window["labelled"],
        "version": float(version) if version.replace(".", "", 1).isdigit() else None,
        "latency_p50_ms": latency.get(0.5),
        "latency_p95_ms": latency.get(0.95),
        "quality": rules.get("data_quality", {}).get("value"),
    }
    figures = WindowFigures(summary["key"], datetime.fromisoformat(window["until"]), version, values, (summary["decision"],))
    try:
        record_window(workspace_folder(), problem.name, figures)
    except Exception as error:
        logging.getLogger(__name__).warning("the window is not on the dashboard: %s", error)


def _latency(model: str, version: str) -> dict[float, float | None]:
    """Milliseconds within which a share of the requests was answered, as the front door has counted since it started."""
    from deployment.host import DeploymentError
    from deployment.registration import active_deployer
    from switchyard.monitoring.experiment.counts import Counts
    from switchyard.serving.frontdoor.statistics import read_statistics

    host = active_deployer().host
    deployment = host.inspect(model)
    instance = next((one for one in deployment.instances if one.version == version), None) if deployment else None
    try:
        counted = read_statistics(host.statistics(model)).get(instance.name) if instance else None
    except DeploymentError as error:
        logging.getLogger(__name__).warning("the window is shown without latency: %s", error)
        return {}
    if counted is None:
        return {}
    counts = Counts(latency=tuple(sorted(counted.latency.items())))
    return {level: counts.quantile(level) for level in (0.5, 0.95)}
