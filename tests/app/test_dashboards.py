"""What a person sees: the pages in a real browser, after a real run. Screenshots go where SWITCHYARD_SCREENSHOTS says."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.app.project import Project
from tests.browser import CHROMIUM, WITHOUT, chromium

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


WINDOWS = """
from datetime import datetime
from switchyard.monitoring.workspace import WindowFigures, record_window
from app.pages import workspace_folder
for month in (1, 2, 3, 3):
    values = {"drift_share": month / 10, "drift_share_limit": 0.1, "score": 0.9 - month / 100, "rows": 500}
    values |= {"version": 1, "latency_p95_ms": None}
    record_window(workspace_folder(), "loans", WindowFigures(f"window {month}", datetime(2026, month, 1), "1", values, ("alert",)))
"""


def options(ports) -> list[str]:
    names = ("zenml", "mlflow", "evidently")
    return [part for name, port in zip(names, ports, strict=True) for part in (f"--{name}-port", str(port))]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Project, dict]:
    project = Project(tmp_path_factory.mktemp("dashboards"))
    result = project.run("--pipeline", "training", "--config", "configs/loans.yaml", "--trials", "1")
    assert result.code == 0, result.output
    return project, result.summary


@pytest.fixture(scope="module")
def pages(trained) -> Iterator[tuple[str, str, str]]:
    project, _ = trained
    ports = [free_port() for _ in range(3)]
    project.python(WINDOWS)
    done = project.run("dashboard", *options(ports))
    assert done.code == 0, done.output
    yield tuple(f"http://127.0.0.1:{port}" for port in ports)
    assert project.run("dashboard", "--stop").code == 0


@pytest.fixture(scope="module")
def browser():
    with chromium(viewport={"width": 1600, "height": 1000}) as context:
        yield context


def keep(page, name: str) -> None:
    folder = os.environ.get("SWITCHYARD_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def open_run(browser, pages, summary):
    """The run's page with the whole DAG in view."""
    page = browser.new_page()
    page.goto(f"{pages[0]}/projects/default/runs/{summary['run_id']}", wait_until="domcontentloaded")
    page.get_by_text("load_table").first.wait_for(timeout=90_000)
    page.get_by_label("Fit view").click()
    page.get_by_text("register_model", exact=True).first.wait_for(timeout=30_000)
    return page


def test_zenml_shows_the_dag(trained, pages, browser):
    _, summary = trained
    page = open_run(browser, pages, summary)
    for name in ("load_table", "tune_lightgbm", "tune_neural_network", "build_ensemble", "explain_model", "register_model"):
        assert page.get_by_text(name, exact=True).count() > 0, name
    keep(page, "dashboard_dag")
    page.close()


@pytest.mark.parametrize(
    ("artifact", "heading"),
    [("profile", "Data profile"), ("validation", "Validation"), ("evaluation", "Evaluation"), ("documents", "Model card: loans")],
)
def test_zenml_shows_the_reports(trained, pages, browser, artifact, heading):
    _, summary = trained
    page = open_run(browser, pages, summary)
    page.get_by_text(artifact, exact=True).first.dispatch_event("click")
    page.get_by_role("tab", name="Visualization").click()
    load = page.get_by_role("button", name="Load Preview")
    frame = page.locator("iframe")
    load.or_(frame).first.wait_for(timeout=30_000)
    if load.count():
        load.click()
    frame.first.wait_for(timeout=30_000)
    shown = frame.first.content_frame
    shown.locator("h1").first.wait_for(timeout=30_000)
    assert heading in shown.locator("h1").first.inner_text()
    assert shown.locator("table").count() > 0
    keep(page, f"dashboard_{artifact}")
    page.close()


def test_mlflow_shows_the_run_and_its_files(trained, pages, browser):
    project, _ = trained
    run = project.versions("loans")[0]["run"]
    experiment = project.python(
        "import mlflow; from stacks.active import connect_mlflow; connect_mlflow()\n"
        f"print(mlflow.MlflowClient().get_run('{run}').info.experiment_id)"
    ).split()[-1]
    page = browser.new_page()
    page.goto(f"{pages[1]}/#/experiments/{experiment}/runs/{run}/artifacts/reports/evaluation.html", wait_until="domcontentloaded")
    for name in ("bundle", "data_docs", "documents", "reports"):
        page.get_by_text(name, exact=True).first.wait_for(timeout=60_000)
    report = page.frame_locator("iframe").first.locator("h1").first
    report.wait_for(timeout=30_000)
    assert "Evaluation" in report.inner_text()
    keep(page, "mlflow_run")
    page.close()


def test_evidently_shows_the_windows_over_time(pages, browser):
    page = browser.new_page()
    page.goto(pages[2], wait_until="domcontentloaded")
    page.get_by_text("loans", exact=True).first.click(timeout=90_000)
    for title in ("Drift share", "Score", "Volume", "Version in production"):
        page.get_by_text(title, exact=True).first.wait_for(timeout=60_000)
    page.get_by_text("columns that drifted").first.wait_for(timeout=60_000)
    keep(page, "evidently_windows")
    page.get_by_text("Reports", exact=True).first.click()
    page.get_by_text("2026-03-01 00:00, version 1").first.wait_for(timeout=60_000)
    # A window that was looked at twice is there once.
    assert page.get_by_text("2026-03-01 00:00, version 1").count() == 1
    page.close()


def test_second_start_finds_the_pages_running(trained, pages):
    project, _ = trained
    ports = [address.rsplit(":", 1)[1] for address in pages]
    again = project.run("dashboard", *options(ports))

    assert again.code == 0
    assert again.output.count("already running") == 3


def test_they_are_three_processes_of_less_than_800_mb(trained, pages):
    records = (trained[0].store / "local_stores" / "switchyard" / "dashboards").glob("*.pid")
    parents = [psutil.Process(int(record.read_text())) for record in records]
    processes = [process for parent in parents for process in (parent, *parent.children(recursive=True))]

    assert len(processes) == 3
    assert sum(process.memory_full_info().pss for process in processes) < 800e6
