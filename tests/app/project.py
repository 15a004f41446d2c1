"""A copy of the project with a ZenML store of its own, driven through run.py as a user drives it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.forked import run_python

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "configs", "deployment", "materializers", "pipelines", "plugins", "registry", "stacks", "steps", "switchyard")
FILES = ("run.py", "requirements.txt", "dvc.yaml", "params.yaml", "pyproject.toml")


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    output: str
    summary: dict[str, Any] | None

    @property
    def cached(self) -> set[str]:
        """Names of the stages that were cached."""
        return {stage["name"] for stage in self.summary["stages"] if stage["cached"]}

    @property
    def ran(self) -> set[str]:
        """Names of the stages that ran."""
        return {stage["name"] for stage in self.summary["stages"] if not stage["cached"]}


class Project:
    """The project below `folder`, with nothing run in it yet."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir(parents=True)
        for room in ROOMS:
            shutil.copytree(ROOT / room, self.root / room, ignore=shutil.ignore_patterns("__pycache__"))
        for name in FILES:
            shutil.copy(ROOT / name, self.root / name)
        self.store = folder / "zenml"
        self._calls = 0

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the project's commands."""
        # Its code is compiled once, not by each command, whatever the machine's habit.
        dropped = ("ZENML_", "MLFLOW_", "PYTHONDONTWRITEBYTECODE")
        without = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        # Wide enough that no sentence a test looks for is on two lines.
        return {**without, "ZENML_CONFIG_PATH": str(self.store), "COLUMNS": "1000", "PYTHONPATH": str(self.root)}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `python run.py ARGUMENTS` in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> Result:
        """Run `python run.py ARGUMENTS` to its end."""
        self._calls += 1
        summary = self.root / f"summary-{self._calls}.json"
        wanted = ("--summary", str(summary)) if "--pipeline" in arguments else ()
        code, output, _ = run_python(("run.py", *arguments, *wanted), self.root, self.environment)
        found = json.loads(summary.read_text()) if summary.is_file() else None
        return Result(code, output, found)

    def config(self, name: str, **settings: Any) -> Path:
        """Write configs/NAME.yaml: a small LightGBM of two trials on built-in loans, changed by `settings`."""
        base = {
            "name": name,
            "data": {
                "source": "builtin:loans?rows=1500",
                "target": "defaulted",
                "time_column": "application_date",
                "entity_column": "applicant_id",
            },
            "tuning": {"families": ["lightgbm"], "trials": 2, "folds": 3},
            "evaluation": {"explained_rows": 20, "lime_rows": 1, "bootstrap": 50},
        }
        for key, value in settings.items():
            base[key] = {**base[key], **value} if isinstance(base.get(key), dict) and isinstance(value, dict) else value
        path = self.root / "configs" / f"{name}.yaml"
        path.write_text(yaml.safe_dump(base))
        return path

    def train(self, name: str, *arguments: str) -> Result:
        """Run the training pipeline on configs/NAME.yaml."""
        return self.run("--pipeline", "training", "--config", f"configs/{name}.yaml", *arguments)

    def batch(self, *commands: list[str]) -> list[Result]:
        """Run several run.py commands one after the other in one process, which spares ZenML's start for each."""
        program = str(Path(__file__).with_name("batch.py"))
        failed, output, errors = run_python((program, json.dumps(commands)), self.root, self.environment, apart=True)
        assert failed == 0, errors
        return [Result(code, said, None) for code, said in json.loads(output.splitlines()[-1])]

    def python(self, code: str) -> str:
        """Run `code` in the project and return what it prints; fails on any error."""
        failed, output, errors = run_python(("-c", code), self.root, self.environment, apart=True)
        assert failed == 0, errors
        return output

    def versions(self, name: str) -> list[dict[str, Any]]:
        """What MLflow's registry holds of `name`."""
        code = f"""
import json, mlflow
from stacks.active import connect_mlflow
connect_mlflow()
client = mlflow.MlflowClient()
models = client.search_registered_models("name = '{name}'")
aliases = models[0].aliases if models else {{}}
versions = client.search_model_versions("name = '{name}'")
print(json.dumps([
    dict(
        version=str(v.version),
        aliases=[alias for alias, at in aliases.items() if str(at) == str(v.version)],
        tags=dict(v.tags),
        run=v.run_id,
    )
    for v in versions
]))
"""
        return json.loads(self.python(code).splitlines()[-1])


def kill(process: subprocess.Popen[str]) -> None:
    """kill -9 the whole process group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Wait until `condition()` is true or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.1)
