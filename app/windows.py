"""`show_window`: a monitored window on Evidently's pages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def show_window(model: str, summary: Mapping[str, Any]) -> None:
    """Put the window onto Evidently's pages; those who can't be told are warned, nothing fails for it."""
    from app.pages import workspace_folder
    from switchyard.monitoring.workspace import WindowFigures, record_window

    scores, window, rules = summary["scores"], summary["window"], {rule["name"]: rule for rule in summary["rules"]}
    latency = _latency(model, summary["model"]["version"])
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
        record_window(workspace_folder(), model, figures)
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
