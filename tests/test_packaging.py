"""The library is a package, and what is installed, built and said has one version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from stacks.images import DOCKERFILES
from switchyard import __version__

ROOT = Path(__file__).resolve().parents[1]


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


def test_the_wheel_holds_what_the_library_has_besides_python():
    """Templates, the locks that serving is installed from, and the page of the API."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = settings["package-data"]["*"]
    others = [path for path in (ROOT / "switchyard").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]

    assert [path.name for path in others if not any(path.match(pattern) for pattern in patterns) and "Dockerfile" not in path.name] == []
