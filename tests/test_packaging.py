"""The library is a package, and what is installed, built and said has one version."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stacks.images import DOCKERFILES
from switchyard import __version__
from tests.app.own import built, installed
from tests.app.project import ROOMS

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("docs/operations.md", "run.py", "Dockerfile", "requirements.txt", "LICENSE")


@pytest.mark.parametrize("dockerfile", sorted(DOCKERFILES.values()))
def test_an_image_says_its_version_in_a_label_and_a_variable(dockerfile):
    text = (ROOT / dockerfile).read_text()

    assert re.findall(r"^ARG RELEASE=(.*)$", text, re.MULTILINE) == [__version__]
    assert 'org.opencontainers.image.version="${RELEASE}"' in text
    assert 'ENV SWITCHYARD_RELEASE="${RELEASE}"' in text


def test_the_changelog_knows_the_version():
    assert re.search(rf"^## \[{re.escape(__version__)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_run_py_tells_its_version_without_loading_any_large_library():
    code = (
        "import sys, runpy; sys.argv = ['run.py', '--version']\n"
        "try: runpy.run_path('run.py', run_name='__main__')\nfinally: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    said, modules = done.stdout.splitlines()
    assert said == f"switchyard, version {__version__}" and done.returncode == 0
    assert not {"zenml", "mlflow", "numpy", "pandas", "pydantic"} & set(modules.split())


@pytest.mark.slow
def test_the_wheel_holds_the_project_and_makes_a_folder_that_calls_it(tmp_path):
    """Every file of every room, templates and locks included; the program `switchyard`; nothing called `app` beside other packages."""
    wheel = built(tmp_path / "built")
    python = installed(tmp_path / "venv", wheel)
    listed = subprocess.run(["git", "ls-files", "-z", *ROOMS, *DOCUMENTS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"switchyard_home/{name}" for name in listed.split("\0") if name and (ROOT / name).is_file()} <= names
    assert {name.split("/")[0] for name in names} == {"switchyard_home", "switchyard.pth", f"switchyard-{__version__}.dist-info"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SWITCHYARD_", "ZENML_"))}

    def call(*arguments, folder=tmp_path):
        return subprocess.run([*map(str, arguments)], cwd=folder, env=environment, capture_output=True, text=True)

    program = python.with_name("switchyard")
    refused = call(program, "status")
    assert refused.returncode == 1 and refused.stderr.splitlines() == [
        f"error: {tmp_path} is no folder that init made (it has no .switchyard.json): switchyard init FOLDER, then cd FOLDER"
    ]
    # Not the address of a clone that the environment happens to lie in.
    call("git", "init", "--quiet")
    call("git", "remote", "add", "origin", "https://git.example/ours.git")
    made = call(program, "init", "ours")
    assert made.returncode == 0 and f"switchyard=={__version__}\n" in (tmp_path / "ours" / "requirements.txt").read_text(), made.stderr
    assert call(program, "--version", folder=tmp_path / "ours").stdout == f"switchyard, version {__version__}\n"
