"""Windows in Evidently's workspace: one project a model, one entry a window, however often it is looked at."""

from datetime import datetime

from switchyard.monitoring.workspace import PANELS, WindowFigures, record_window


def figures(number, **values):
    return WindowFigures(
        f"window {number}", datetime(2026, number, 1), "1", {"score": 0.9, "drift_share": 0.05 * number, **values}, ("alert",)
    )


def test_a_window_is_there_once_with_its_latest_figures(tmp_path):
    from evidently.ui.workspace import Workspace

    for number in (1, 2, 2):
        record_window(tmp_path, "loans", figures(number))
    record_window(tmp_path, "loans", figures(2, score=0.7, estimated_score=None))
    record_window(tmp_path, "loans-demo", figures(1))
    workspace = Workspace.create(str(tmp_path))
    projects = {project.name: project for project in workspace.list_projects()}

    assert set(projects) == {"loans", "loans-demo"}
    runs = [workspace.get_run(projects["loans"].id, run) for run in workspace.list_runs(projects["loans"].id)]
    assert sorted(run.metadata["key"] for run in runs) == ["window 1", "window 2"]
    last = next(run for run in runs if run.metadata["key"] == "window 2")
    values = [result.value for result in last.metric_results.values() if hasattr(result, "value")]
    assert 0.7 in values and 0.9 not in values
    assert [panel.title for panel in projects["loans"].dashboard.model().panels] == list(PANELS)
