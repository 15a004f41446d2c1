"""An installation on a real cluster, made by run.py as a user makes it; one that is there already is taken."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass

import pytest

from tests.pipelines.project import ROOT, Project, Result

FILES = ("Dockerfile", "docs/kubernetes.md")


@dataclass
class Installation:
    """The project that installed it, and how that ended."""

    project: Project
    namespace: str
    first: Result
    took_s: float

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(["kubectl", "-n", self.namespace, *arguments], capture_output=True, text=True)
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout

    def items(self, *what: str) -> list[dict]:
        return json.loads(self.kubectl("get", *what, "-o", "json"))["items"]

    def up(self) -> tuple[Result, float]:
        began = time.monotonic()
        result = self.project.run("stack", "up", "kubernetes", "--namespace", self.namespace)
        return result, time.monotonic() - began


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Installation:
    if not (os.environ.get("KUBECONFIG") and os.environ.get("CONTAINER_REGISTRY")):
        pytest.skip("no cluster: set KUBECONFIG and CONTAINER_REGISTRY to those of one that tests may use")
    project = Project(tmp_path_factory.mktemp("installation"))
    for name in FILES:
        (project.root / name).parent.mkdir(exist_ok=True)
        (project.root / name).write_text((ROOT / name).read_text())
    made = Installation(project, os.environ.get("SWITCHYARD_NAMESPACE", "switchyard"), Result(0, "", None), 0.0)
    made.first, made.took_s = made.up()
    assert made.first.code == 0, made.first.output
    return made
