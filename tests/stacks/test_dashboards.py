"""What a person sees: both pages in a real browser, after a real run. Screenshots go where SWITCHYARD_SCREENSHOTS says."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.project import Project

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Project, dict]:
    project = Project(tmp_path_factory.mktemp("dashboards"))
    result = project.run("--pipeline", "training", "--config", "configs/loans.yaml", "--trials", "1")
    assert result.code == 0, result.output
    return project, result.summary


@pytest.fixture(scope="module")
def pages(trained) -> Iterator[tuple[str, str]]:
    project, _ = trained
    zenml, mlflow = free_port(), free_port()
    done = project.run("dashboard", "--zenml-port", str(zenml), "--mlflow-port", str(mlflow))
    assert done.code == 0, done.output
    yield f"http://127.0.0.1:{zenml}", f"http://127.0.0.1:{mlflow}"
    assert project.run("dashboard", "--stop").code == 0


@pytest.fixture(scope="module")
def browser():
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium.new_context(viewport={"width": 1600, "height": 1000})
        chromium.close()


def keep(page, name: str) -> None:
    folder = os.environ.get("SWITCHYARD_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def test_zenml_shows_the_dag_and_the_reports(trained, pages, browser):
    _, summary = trained
    page = browser.new_page()
    page.goto(f"{pages[0]}/projects/default/runs/{summary['run_id']}")
    page.get_by_text("load_table").first.wait_for(timeout=60_000)
    for name in ("tune_lightgbm", "build_ensemble", "register_model"):
        assert page.get_by_text(name, exact=True).count() > 0, name
    keep(page, "dashboard_dag")


def test_second_start_finds_the_pages_running(trained, pages):
    project, _ = trained
    ports = [address.rsplit(":", 1)[1] for address in pages]
    again = project.run("dashboard", "--zenml-port", ports[0], "--mlflow-port", ports[1])

    assert again.code == 0
    assert again.output.count("already running") == 2
