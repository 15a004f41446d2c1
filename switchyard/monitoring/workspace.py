"""Evidently's workspace of windows: `record_window` adds one look at a model, and Evidently's own pages show them over time.

A window's figures are a table of one row, so that the library's own metrics, panels and comparisons work on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_SAME_WINDOW_AMONG = 500
"""Snapshots, the newest first, that a repeated window is looked for in."""


@dataclass(frozen=True)
class WindowFigures:
    """What one window comes to."""

    key: str
    """Key of the decision: a repeated look at the same window replaces the one before."""
    until: datetime
    version: str
    values: Mapping[str, float | None]
    """Values by the names in `PANELS`; what is None is left out."""
    tags: tuple[str, ...] = ()


PANELS: dict[str, tuple[tuple[str, str], ...]] = {
    "Drift share": (("drift_share", "columns that drifted"), ("drift_share_limit", "allowed")),
    "Score": (
        ("score", "on labels that arrived"),
        ("estimated_score", "estimated"),
        ("reference_score", "holdout"),
        ("score_floor", "floor"),
    ),
    "Volume": (("rows", "predictions"), ("labelled", "with a label")),
    "Latency, ms": (("latency_p50_ms", "p50"), ("latency_p95_ms", "p95")),
    "Version in production": (("version", "version"),),
    "Columns that broke a limit of data quality": (("quality", "columns"),),
}
"""Panel -> figures that it shows, with their legends."""


def record_window(folder: Path, model: str, figures: WindowFigures) -> None:
    """Add a window to the workspace in `folder`, in the project of `model`, which is made with its dashboard where it is new.

    Parameters
    ----------
    folder : Path
        Of the workspace; `evidently ui --workspace` shows it.
    model : str
    figures : WindowFigures
    """
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import MeanValue
    from evidently.ui.workspace import Workspace

    folder.mkdir(parents=True, exist_ok=True)
    workspace = Workspace.create(str(folder))
    project = next((found for found in workspace.search_project(model) if found.name == model), None)
    if project is None:
        project = workspace.create_project(model, f"Windows of {model}: drift, score, volume, latency, version")
    if not project.dashboard.model().panels:
        _lay_out(project.dashboard)
    known = {name: float(value) for name, value in figures.values.items() if value is not None}
    row = Dataset.from_pandas(pd.DataFrame({name: [value] for name, value in known.items()}), DataDefinition(numerical_columns=list(known)))
    report = Report([MeanValue(column=name) for name in known])
    moment = figures.until.replace(tzinfo=None)
    snapshot = report.run(
        row, None, timestamp=moment, name=f"{moment:%Y-%m-%d %H:%M}, version {figures.version}", tags=list(figures.tags),
        metadata={"key": figures.key, "version": figures.version},
    )  # fmt: skip
    before = _with_key(workspace, project.id, figures.key)
    workspace.add_run(project.id, snapshot)
    for run in before:
        workspace.delete_run(project.id, run)


def _with_key(workspace: Any, project: Any, key: str) -> list[Any]:
    # Run ids begin with the time that they were made at.
    newest = sorted(workspace.list_runs(project), key=str, reverse=True)[:_SAME_WINDOW_AMONG]
    found = [(run, workspace.get_run(project, run)) for run in newest]
    return [run for run, snapshot in found if snapshot is not None and snapshot.metadata.get("key") == key]


def _lay_out(dashboard: Any) -> None:
    from evidently.sdk.models import PanelMetric
    from evidently.sdk.panels import line_plot_panel

    for title, lines in PANELS.items():
        values = [PanelMetric(legend=legend, metric="MeanValue", metric_labels={"column": name}) for name, legend in lines]
        dashboard.add_panel(line_plot_panel(title, values, size="half"))
