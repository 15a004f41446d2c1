"""A workspace of 300 models and 5,000 runs beside one of three models and 50: what each command takes in both.

    python -m benchmarks.many             # makes both (minutes; 4 GB below the folder of temporary files), then measures
    python -m benchmarks.many --keep FOLDER   # makes them there, or finds them there, and leaves them

Both begin with one model of the built-in loans that run.py trains, deploys and scores a table with; the others are copies of its
rows and files (`benchmarks.copied`), and so generated. Commands are run in turn, in both, several times; the median is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.copied import Workspace, fill
from benchmarks.processes import ROOT

MODEL = "loans"
SIZES = {"few": {"models": 3, "runs": 50}, "many": {"models": 300, "runs": 5000}}
TRAININGS, DEPLOYED = 2, 2
_CHANGES = {
    "data": {"source": "builtin:loans?rows=1500"},
    "tuning": {"families": ["lightgbm"], "trials": 2, "folds": 3},
    "evaluation": {"explained_rows": 20, "lime_rows": 1, "bootstrap": 50},
    "constraints": {"metric_floor": 0.5},
}
"""Of configs/loans.yaml, so that a training takes seconds."""
_OF_MODEL = ("--config", f"configs/{MODEL}.yaml")
COMMANDS = {
    "`status`": ("status",),
    "`status loans`": ("status", MODEL),
    "`doctor`": ("doctor",),
    "`models delete NAME --dry-run`": ("models", "delete", f"{MODEL}_002", "--dry-run"),
    "`stack up local`": ("stack", "up", "local"),
    "training again, cached": ("training", *_OF_MODEL),
    "deployment, the version that serves": ("deployment", *_OF_MODEL),
    "`prune --dry-run`": ("prune", "--dry-run"),
}
_ZENML, _MLFLOW, _EVIDENTLY = 18737, 18738, 18739
PAGES = {
    "ZenML, pipelines": (f"http://127.0.0.1:{_ZENML}/api/v1/pipelines?page=1&size=20&sort_by=desc:updated&hydrate=true", None),
    "ZenML, runs": (f"http://127.0.0.1:{_ZENML}/api/v1/runs?page=1&size=20&sort_by=desc:created&hydrate=true", None),
    "MLflow, experiments": (f"http://127.0.0.1:{_MLFLOW}/ajax-api/2.0/mlflow/experiments/search", {"max_results": 25}),
    "MLflow, models": (f"http://127.0.0.1:{_MLFLOW}/ajax-api/2.0/mlflow/registered-models/search?max_results=25", None),
}


@dataclass(frozen=True)
class Place:
    """A folder of its own with run.py and a ZenML of its own."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "project"

    @property
    def environment(self) -> dict[str, str]:
        without = {key: value for key, value in os.environ.items() if not key.startswith(("ZENML_", "MLFLOW_"))}
        return {**without, "ZENML_CONFIG_PATH": str(self.folder / "zenml"), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}

    def run(self, *arguments: str, root: Path | None = None) -> tuple[float, float]:
        """Seconds by the clock and of processor time that a command takes; the benchmark ends where it fails."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "run.py", *arguments]
        done = subprocess.run(command, cwd=root or self.root, env=self.environment, capture_output=True, text=True)
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        # `doctor` and `status` find the services that were stopped.
        if done.returncode and arguments[0] not in ("doctor", "status"):
            sys.exit(f"{' '.join(command)} failed in {self.folder}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def make(self, models: int, runs: int, deployed: int) -> None:
        """Train, deploy and score once, and copy what that left."""
        self.folder.mkdir(parents=True)
        self.run("init", str(self.root), root=ROOT)
        config = yaml.safe_load((ROOT / "configs" / f"{MODEL}.yaml").read_text(encoding="utf-8"))
        small = {key: {**config.get(key, {}), **changes} for key, changes in _CHANGES.items()}
        (self.root / "configs" / f"{MODEL}.yaml").write_text(yaml.safe_dump({**config, **small}))
        self.run("training", *_OF_MODEL)
        self.run("deployment", *_OF_MODEL)
        self.run("inference", *_OF_MODEL, "--data", "builtin:loans?rows=200", "--output", str(self.folder / "answers.csv"))
        fill(Workspace(self.folder / "zenml" / "local_stores", self.root, MODEL), models, runs, TRAININGS, deployed)

    @contextmanager
    def dashboards(self) -> Iterator[float]:
        """The three dashboards; seconds until all answer."""
        ports = ("--zenml-port", str(_ZENML), "--mlflow-port", str(_MLFLOW), "--evidently-port", str(_EVIDENTLY))
        try:
            yield self.run("dashboard", *ports)[0]
        finally:
            self.run("dashboard", "--stop")
            time.sleep(3)


def ask(address: str, body: dict[str, int] | None) -> float:
    """Milliseconds until a page's data is there."""
    content = json.dumps(body).encode() if body is not None else None
    began = time.monotonic()
    with urllib.request.urlopen(urllib.request.Request(address, content, {"content-type": "application/json"}), timeout=120) as answer:
        answer.read()
    return 1000 * (time.monotonic() - began)


def measure(places: dict[str, Place], times: int, only: str) -> None:
    """Print a line of the table for each command and page."""
    for what, arguments in COMMANDS.items():
        if only in what:
            taken = [{name: place.run(*arguments) for name, place in places.items()} for _ in range(times)]
            print(_line(what, {name: [one[name] for one in taken] for name in places}), flush=True)
    if only and only not in "dashboards":
        return
    for name, place in places.items():
        with place.dashboards() as seconds:
            print(f"{name}: dashboards answer after {seconds:.1f} s")
            for what, (address, body) in PAGES.items():
                first, again = ask(address, body), statistics.median(ask(address, body) for _ in range(5))
                print(f"{name}: {what}: first {first:,.0f} ms, then {again:,.0f} ms")


def _line(what: str, taken: dict[str, list[tuple[float, float]]]) -> str:
    medians = {name: [statistics.median(figures) for figures in zip(*found)] for name, found in taken.items()}
    cells = [f"{wall:.1f} s ({cpu:.1f})" for wall, cpu in medians.values()]
    first, *_, last = medians.values()
    return f"| {what} | {' | '.join(cells)} | {last[1] / first[1]:.2f} |"


def main() -> None:
    """Make what is not there, measure, and stop what serves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--deployed", type=int, default=DEPLOYED, help="copied models with a (stopped) service")
    parser.add_argument("--only", default="", help="commands with this in their name")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        places = {name: Place((asked.keep or Path(made)) / name) for name in SIZES}
        for name, place in places.items():
            if not place.folder.is_dir():
                place.make(**SIZES[name], deployed=asked.deployed)
        print(f"| command | {' | '.join('{models} models, {runs:,} runs'.format(**size) for size in SIZES.values())} | ratio of CPU |")
        print("|---|---|---|---|")
        measure(places, asked.times, asked.only)
        if asked.keep is None:
            for place in places.values():
                place.run("stop", MODEL)


if __name__ == "__main__":
    main()
