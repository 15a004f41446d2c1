"""Metrics of pipeline runs for Prometheus: one file a pipeline and model, as a node exporter's textfile collector takes them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

from switchyard.files import write_whole
from switchyard.monitoring.decision import Action
from switchyard.permissions import shared
from switchyard.serving.exposition import head, labelled, shown

FOLDER_VARIABLE = "SWITCHYARD_METRICS"
"""Names the folder; one that a node exporter reads already, say."""

Sample = tuple[str, Mapping[str, str], float]
_HELP = {
    "switchyard_run_timestamp_seconds": "When the pipeline last ended.",
    "switchyard_run_duration_seconds": "How long its last run took.",
    "switchyard_run_exit_code": "Of its last run: 0 well, 1 failed, 2 wrong input, 3 stopped by a gate.",
    "switchyard_run_steps": "Steps of its last run.",
    "switchyard_run_score": "Scores of the last training, by where they were measured.",
    "switchyard_monitored_rows": "Predictions in the last window.",
    "switchyard_monitored_labelled": "Of them, with a label.",
    "switchyard_monitored_value": "What each rule of the last window measured.",
    "switchyard_monitored_threshold": "What each rule allows.",
    "switchyard_monitored_action": "1 for what the last window led to: nothing, alert or retrain.",
    "switchyard_monitored_score": "The problem's metric in the last window, measured on its labels or estimated.",
    "switchyard_monitored_drift_share": "Share of the columns that drifted in the last window; weighted: by their weight in the model.",
    "switchyard_retraining_stage": "1 for the stage of the last retraining.",
}


def metrics_folder() -> Path:
    """Where the files are: below ZenML's local stores, unless the variable says otherwise."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    from zenml.config.global_config import GlobalConfiguration

    return Path(GlobalConfiguration().local_stores_path) / "switchyard" / "metrics"


def publish(summary: Mapping[str, Any], model: str, code: int) -> Path:
    """Write the metrics of one run, in place of those of the run before it.

    Parameters
    ----------
    summary : mapping
        As `--summary` writes it.
    model : str
    code : int
        The exit code.
    """
    pipeline = str(summary["pipeline"])
    path = metrics_folder() / f"{pipeline}-{model}.prom"
    # A node exporter is another account.
    with shared() if FOLDER_VARIABLE in os.environ else nullcontext():
        path.parent.mkdir(parents=True, exist_ok=True)
        # A scrape finds one whole file or the other.
        write_whole(path, text_of(samples_of(summary, model, code)))
    return path


def samples_of(summary: Mapping[str, Any], model: str, code: int) -> Iterator[Sample]:
    """What Prometheus is told of one run."""
    same = {"pipeline": str(summary["pipeline"]), "model": model}
    yield "switchyard_run_timestamp_seconds", same, time.time()
    yield "switchyard_run_duration_seconds", same, float(summary.get("duration_s", 0))
    yield "switchyard_run_exit_code", same, code
    if "steps" in summary:
        cached = summary["cached_steps"]
        yield "switchyard_run_steps", {**same, "cached": "true"}, cached
        yield "switchyard_run_steps", {**same, "cached": "false"}, summary["steps"] - cached
    for where, scores in (summary.get("scores") or {}).items() if same["pipeline"] == "training" else ():
        for metric, value in scores.items():
            yield "switchyard_run_score", {"model": model, "measured": where, "metric": metric}, value
    if "decision" in summary and "rules" in summary:
        yield from _decided(summary, model)
    if isinstance(found := summary.get("retraining"), Mapping) and found["stage"] != "none":
        yield "switchyard_retraining_stage", {"model": model, "stage": found["stage"], "version": found["version"] or ""}, 1


def _decided(summary: Mapping[str, Any], model: str) -> Iterator[Sample]:
    same = {"model": model, "version": str(summary["model"]["version"])}
    yield "switchyard_monitored_rows", same, summary["window"]["rows"]
    yield "switchyard_monitored_labelled", same, summary["window"]["labelled"]
    for action in get_args(Action):
        yield "switchyard_monitored_action", {**same, "action": action}, summary["decision"] == action
    for rule in summary["rules"]:
        for name, value in (("value", rule["value"]), ("threshold", rule["threshold"])):
            if value is not None:
                yield f"switchyard_monitored_{name}", {**same, "rule": rule["name"]}, value
    score = summary["scores"]
    if score["value"] is not None:
        yield "switchyard_monitored_score", {**same, "metric": score["metric"], "basis": score["basis"]}, score["value"]
    for name in ("share", "weighted_share"):
        if summary["drift"][name] is not None:
            yield "switchyard_monitored_drift_share", {**same, "weighted": str(name != "share").lower()}, summary["drift"][name]


def text_of(samples: Iterator[Sample]) -> str:
    """Prometheus' text format, samples of one name together, as it demands."""
    grouped: dict[str, list[str]] = {}
    for name, labels, value in samples:
        grouped.setdefault(name, []).append(f"{name}{labelled(labels)} {shown(float(value))}")
    lines = [line for name, of in grouped.items() for line in (*head(name, "gauge", _HELP[name]), *of)]
    return "\n".join([*lines, ""])
