"""`make demo`, shortened: the drift is seen in the month in which it begins, and not before."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.app.project import ROOT
from tests.deployment.conftest import installed  # noqa: F401 - a fixture
from tests.deployment.project import ServingProject

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def project(installed, tmp_path):  # noqa: F811
    made = ServingProject(tmp_path)
    shutil.copytree(ROOT / "demo", made.root / "demo", ignore=shutil.ignore_patterns("__pycache__"))
    yield made
    made.end("loans-demo")


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.full)], ids=["once", "and again by the next demo"])
def test_the_drift_is_seen_when_it_begins(project, times):
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-m", "demo", "--months", "3", "--rows", "600"], cwd=project.root, env=project.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

        assert done.returncode == 0, done.stdout
        assert "trained   version 1 " in done.stdout and "the drift begins in 2025-01; it was seen in 2025-01" in done.stdout
        decisions = [line.rsplit("decision: ", 1)[1] for line in done.stdout.splitlines() if "decision: " in line]
        # Windows of the demo before would make it the third that drifts.
        assert decisions == ["nothing", "nothing", "alert"], done.stdout
