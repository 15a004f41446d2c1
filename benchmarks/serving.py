"""Our serving component against the usual ways to serve the same model: one row, the same machine, one run.

    python -m benchmarks.serving --out serving.json --seconds 5

Trains one LightGBM model on the built-in loans and serves it by: our component in Seldon's microservice, with
prediction log and validation; the same model as a pickled scikit-learn pipeline in the stock microservice; FastAPI around
the same scorer; and, without any server, the scorer and onnxruntime alone. What is not installed is left out and said so:

    python -m serving.environment
    uv venv .venv-pickled && uv pip install --python .venv-pickled/bin/python -r serving/requirements.in \\
        scikit-learn==1.9.1 pandas==2.3.3 lightgbm==4.7.0 pydantic
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import generate
from benchmarks.pickled import FOLDER
from serving import environment, launch
from serving.settings import Settings

ROOT = environment.ROOT
PICKLED = ROOT / ".venv-pickled"


@dataclass(frozen=True)
class Trained:
    """One model in the forms that the contestants serve."""

    folder: Path
    row: dict[str, Any]

    @property
    def bundle(self) -> Path:
        """Folder of the bundle."""
        return self.folder / "bundle"


def train(folder: Path, iterations: int) -> Trained:
    """Fit LightGBM to the loans; write the bundle and the pickled pipeline."""
    from tabular.data.sources import read_source
    from tabular.export.bundle import write_bundle
    from tabular.families import FAMILIES
    from tabular.features.plan import plan_features
    from tabular.features.preprocess import build_preprocessor
    from tabular.inference import resolve
    from tabular.model import Member, Model
    from tabular.problem import problem_from
    from tabular.split import split_table
    from tabular.table import model_frame
    from tabular.tuning.crossval import training_target

    problem = problem_from({"name": "loans", "data": {"source": "builtin:loans", "target": "defaulted"}}, "benchmark")
    table, problem, *_ = resolve(read_source(problem.data), problem)
    split = split_table(table, problem)
    plan = plan_features(split, {}, problem)
    target, classes = training_target(split, problem)
    family = FAMILIES["lightgbm"]
    preprocessor = build_preprocessor(plan, family.style, {})
    features = preprocessor.fit_transform(model_frame(split.train, plan.used), target)
    params = {**family.default_params(problem.task, *features.shape), "iterations": iterations}
    estimator = family.build(problem.task, params, 0, len(classes), 1, preprocessor.categorical_sizes_).fit(features, target)
    model = Model(
        task=problem.task,
        target=problem.data.target,
        columns=plan.used,
        members=(Member("lightgbm", params, preprocessor, estimator),),
        classes=classes,
    )
    write_bundle(model, split, folder / "bundle", name="loans")
    kinds = {column.name: column.kind for column in plan.used}
    (folder / "pipeline.pkl").write_bytes(pickle.dumps((preprocessor, estimator, kinds)))
    examples = json.loads((folder / "bundle" / "examples.json").read_text())["examples"]
    return Trained(folder, examples[0]["row"])


def fastapi_app() -> Any:
    """FastAPI around the scorer, without log, ids and metrics."""
    import fastapi

    from bundle import Scorer

    scorer, app = Scorer(Path(os.environ[FOLDER]) / "bundle"), fastapi.FastAPI()

    @app.post("/predict")
    async def predict(message: dict) -> dict:
        answer = scorer.score({name: [value] for name, value in message["rows"][0].items()})
        return {"label": answer.labels[0], "probabilities": answer.probabilities[0].tolist()}

    return app


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def process(command: list[str], variables: dict[str, str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until the block ends, from when its port answers."""
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(command, env={**os.environ, **variables}, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{(folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)
        time.sleep(1.0)
        yield
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


@contextlib.contextmanager
def component(trained: Trained, workers: int) -> Iterator[tuple[int, str, Any]]:
    """Our component, with log and validation, alone."""
    port, folder = free_port(), trained.folder
    settings = Settings(str(trained.bundle), log_url=f"sqlite:///{folder}/log.db", journal=str(folder / "journal"))
    with process(launch.command(port, free_port(), workers=workers), launch.variables(settings), port, folder):
        yield port, "/api/v1.0/predictions", {"rows": [trained.row]}


@contextlib.contextmanager
def pickled(trained: Trained, workers: int) -> Iterator[tuple[int, str, Any]]:
    """The pickled pipeline in the stock wrapper, as its documentation starts it."""
    port = free_port()
    command = [str(PICKLED / "bin" / "seldon-core-microservice"), "benchmarks.pickled.Pickled", "--http-port", str(port)]
    command += ["--metrics-port", str(free_port()), "--grpc-workers", "0", "--workers", str(workers), "--log-level", "WARNING"]
    variables = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", FOLDER: str(trained.folder)}
    with process(command, variables, port, trained.folder):
        yield port, "/api/v1.0/predictions", {"data": {"names": list(trained.row), "ndarray": [list(trained.row.values())]}}


@contextlib.contextmanager
def fastapi(trained: Trained, workers: int) -> Iterator[tuple[int, str, Any]]:
    """FastAPI around the scorer, by uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.serving:fastapi_app", "--factory", "--port", str(port)]
    command += ["--workers", str(workers), "--log-level", "warning", "--no-access-log"]
    with process(command, {"OMP_NUM_THREADS": "1", FOLDER: str(trained.folder)}, port, trained.folder):
        yield port, "/predict", {"rows": [trained.row]}


def timed(call: Callable[[], Any], seconds: float) -> dict[str, float]:
    """One call after the other in this process."""
    took, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    took.sort()
    return {
        "per_second": len(took) / (time.perf_counter() - began),
        "p50_ms": 1e3 * took[len(took) // 2],
        "p99_ms": 1e3 * took[int(len(took) * 0.99)],
        "errors": 0,
    }


def without_server(trained: Trained, seconds: float) -> dict[str, dict[str, Any]]:
    """The scorer, and onnxruntime on arrays that are ready."""
    import onnxruntime

    from bundle import Scorer

    scorer = Scorer(trained.bundle)
    columns = {name: [value] for name, value in trained.row.items()}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(trained.bundle / "model.onnx", options, providers=["CPUExecutionProvider"])
    arrays = scorer.encode(columns)
    return {
        "scorer, in process": {"alone": timed(lambda: scorer.score(columns), seconds)},
        "onnxruntime, in process": {"alone": timed(lambda: session.run(None, arrays), seconds)},
    }


SERVERS: dict[str, tuple[Callable[[Trained, int], Any], Callable[[], str]]] = {
    "component": (component, lambda: "" if environment.is_installed() else "python -m serving.environment"),
    "pickled pipeline": (pickled, lambda: "" if (PICKLED / "bin").is_dir() else f"an environment in {PICKLED.name}"),
    "fastapi": (fastapi, lambda: "" if importlib.util.find_spec("uvicorn") and importlib.util.find_spec("fastapi") else "fastapi and uvicorn"),
}
"""Contestants by name: how to start one, and what it lacks."""


def measure(trained: Trained, workers: int, connections: int, seconds: float, console: Console) -> dict[str, dict[str, Any]]:
    """Every contestant on one connection and on several; what lacks its environment is left out."""
    results = without_server(trained, seconds)
    for name, (start, lacks) in SERVERS.items():
        if lacks():
            console.print(f"{name}: left out, needs {lacks()}")
            continue
        with start(trained, workers) as (port, path, message):
            body = json.dumps(message).encode()
            warm = generate(port, path, body, connections, 1.0)
            if warm.errors:
                raise RuntimeError(f"{name} answers {warm.errors} of {len(warm.latencies)} requests with errors")
            results[name] = {
                "alone": generate(port, path, body, 1, seconds).summary(),
                "loaded": generate(port, path, body, connections, seconds).summary(),
            }
    return results


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The component's requests a second under load, as multiples of the others'."""
    if "component" not in results:
        return {}
    ours = results["component"]["loaded"]["per_second"]
    return {name: ours / result["loaded"]["per_second"] for name, result in results.items() if "loaded" in result and name != "component"}


def show(results: dict[str, dict[str, Any]], connections: int, console: Console) -> None:
    """The results as a table."""
    table = Table("contestant", "p50", "p99", f"p50 at {connections}", f"p99 at {connections}", "per s", "errors", "ours is")
    for column in table.columns[1:]:
        column.justify = "right"
    times = ratios(results)
    for name, result in results.items():
        alone, loaded = result["alone"], result.get("loaded", {})
        cells = [f"{part[key]:.2f}" if part else "" for part in (alone, loaded) for key in ("p50_ms", "p99_ms")]
        rate, errors = (loaded or alone)["per_second"], alone["errors"] + loaded.get("errors", 0)
        table.add_row(name, *cells, f"{rate:,.0f}", str(errors), f"{times[name]:.1f} x" if name in times else "")
    console.print(table, "Times in milliseconds, one row a request.", sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=200, help="trees of the model")
    arguments = parser.parse_args()
    console = Console(width=100)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(Path(folder), arguments.iterations)
        results = measure(trained, arguments.workers, arguments.connections, arguments.seconds, console)
    show(results, arguments.connections, console)
    if arguments.out:
        settings = {key: value for key, value in vars(arguments).items() if key != "out"}
        arguments.out.write_text(json.dumps({"settings": settings, "results": results, "ratios": ratios(results)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
