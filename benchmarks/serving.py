"""Our serving component against the usual ways to serve the same model: one row, the same machine, one run.

    python -m benchmarks.serving --out serving.json

Trains one LightGBM model on the built-in loans and serves it, one after the other, by: our component in Seldon's
microservice, with prediction log and validation; the same behind the front door, as it is deployed; the same model as a
pickled scikit-learn pipeline in the stock microservice; MLServer and FastAPI around the same scorer; and, without any
server, the scorer and onnxruntime alone. What a contestant needs is installed into an environment of its own first
(`.venv-benchmark-*`; the first run takes some minutes more). `--only` picks contestants.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contestants import CONTESTANTS, Contestant, Trained
from benchmarks.load import generate


def train(folder: Path, iterations: int) -> Trained:
    """Fit LightGBM to the loans; write the bundle and the pickled pipeline."""
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.export.bundle import write_bundle
    from switchyard.tabular.families import FAMILIES
    from switchyard.tabular.features.plan import plan_features
    from switchyard.tabular.features.preprocess import build_preprocessor
    from switchyard.tabular.model.model import Member, Model
    from switchyard.tabular.tables.reading.sources import read_source
    from switchyard.tabular.tables.resolve import resolve
    from switchyard.tabular.tables.split import split_table
    from switchyard.tabular.tables.table import model_frame
    from switchyard.tabular.tuning.crossval import training_target

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

    from switchyard.bundle import Scorer

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


def measure(
    trained: Trained, contestants: Sequence[Contestant], workers: int, connections: int, seconds: float, console: Console
) -> dict[str, dict[str, Any]]:
    """Every contestant on one connection and on several; one that can't be installed or started is left out, and said so."""
    results = without_server(trained, seconds)
    for contestant in contestants:
        console.print(f"{contestant.name}: {contestant.what}", highlight=False)
        try:
            contestant.prepare()
            started = time.monotonic()
            with contestant.start(trained, workers) as target:
                ready = time.monotonic() - started
                results[contestant.name] = {"start_s": ready, **_measured(contestant.name, target, connections, seconds)}
        except (subprocess.CalledProcessError, RuntimeError) as error:
            console.print(f"  left out: {error}", highlight=False, markup=False)
    return results


def _measured(name: str, target: Any, connections: int, seconds: float) -> dict[str, Any]:
    body = json.dumps(target.message).encode()
    warm = generate(target.port, target.path, body, connections, 2.0, target.headers)
    if warm.errors:
        raise RuntimeError(f"{name} answers {warm.errors} of {len(warm.latencies)} requests with errors")
    return {
        "alone": generate(target.port, target.path, body, 1, seconds, target.headers).summary(),
        "loaded": generate(target.port, target.path, body, connections, seconds, target.headers).summary(),
    }


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Requests a second under load of ours, alone and as deployed, as multiples of the others'."""
    served = {name: result["loaded"]["per_second"] for name, result in results.items() if "loaded" in result}
    ours = [name for name in ("component", "front door") if name in served]
    return {name: {other: served[name] / rate for other, rate in served.items() if other != name} for name in ours}


def show(results: dict[str, dict[str, Any]], connections: int, console: Console) -> None:
    """The results as a table."""
    table = Table("contestant", "p50", "p99", f"p50 at {connections}", f"p99 at {connections}", "per s", "errors", "ours is", "deployed")
    for column in table.columns[1:]:
        column.justify = "right"
    times = ratios(results)
    for name, result in results.items():
        alone, loaded = result["alone"], result.get("loaded", {})
        cells = [f"{part[key]:.2f}" if part else "" for part in (alone, loaded) for key in ("p50_ms", "p99_ms")]
        rate, errors = (loaded or alone)["per_second"], alone["errors"] + loaded.get("errors", 0)
        multiples = [f"{times[mine][name]:.1f} x" if name in times.get(mine, {}) else "" for mine in ("component", "front door")]
        table.add_row(name, *cells, f"{rate:,.0f}", str(errors), *multiples)
    console.print(table, "Times in milliseconds, one row a request.", sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=200, help="trees of the model")
    parser.add_argument("--only", nargs="*", choices=[contestant.name for contestant in CONTESTANTS], help="these contestants")
    arguments = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder:
        trained = train(Path(folder), arguments.iterations)
        chosen = [contestant for contestant in CONTESTANTS if not arguments.only or contestant.name in arguments.only]
        results = measure(trained, chosen, arguments.workers, arguments.connections, arguments.seconds, console)
    show(results, arguments.connections, console)
    if arguments.out:
        settings = {key: value for key, value in vars(arguments).items() if key != "out"}
        arguments.out.write_text(json.dumps({"settings": settings, "results": results, "ratios": ratios(results)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
