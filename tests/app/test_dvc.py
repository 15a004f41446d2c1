"""The training as a DVC stage: `dvc repro` trains, again does nothing, and `dvc metrics diff` shows what a change did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path) -> Project:
    project = Project(tmp_path)
    project.config("loans")
    # The stage calls the environment that `make` sets up.
    (project.root / ".venv").symlink_to(sys.prefix)
    (project.root / ".gitignore").write_text(".venv\n__pycache__\n/reports/\n/.zen/\n")
    run(project, "git", "init", "-q")
    dvc(project, "init", "-q")
    return project


def run(project: Project, *command: str) -> str:
    identity = {
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t@t",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t@t",
        "DVC_NO_ANALYTICS": "1",
    }
    done = subprocess.run(command, cwd=project.root, env={**project.environment, **identity}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dvc(project: Project, *arguments: str) -> str:
    return run(project, sys.executable, "-m", "dvc", *arguments)


def test_repro_and_metrics_diff(repository):
    params = repository.root / "params.yaml"
    params.write_text("name: loans\ntrials: 1\nseed: 0\n")
    dvc(repository, "repro")
    run(repository, "git", "add", "-A")
    run(repository, "git", "commit", "-qm", "first")

    assert "didn't change" in dvc(repository, "repro")
    params.write_text("name: loans\ntrials: 3\nseed: 7\n")
    dvc(repository, "repro")
    changes = dvc(repository, "metrics", "diff", "--json")

    assert "holdout.roc_auc" in changes


def test_data_under_dvc_is_known_by_its_revision(repository):
    table = repository.root / "data.csv"
    table.write_text("x,y\n" + "".join(f"{number % 17},{'yes' if number % 17 > 8 or number % 7 == 0 else 'no'}\n" for number in range(600)))
    dvc(repository, "add", "data.csv")
    md5 = next(
        line.split()[-1] for line in (repository.root / "data.csv.dvc").read_text().splitlines() if "md5:" in line and "hash" not in line
    )
    repository.config(
        "flowers", data={"source": "data.csv", "target": "y", "time_column": None, "entity_column": None}, tuning={"trials": 1}
    )
    result = repository.train("flowers")

    assert result.code == 0, result.output
    assert repository.versions("flowers")[0]["tags"]["data_revision"] == f"dvc:{md5}"
    assert f"dvc:{md5}" in Path(repository.root / result.summary["reports"]["model_card"]).read_text()
