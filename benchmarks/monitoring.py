"""Monitoring of large windows: time and memory by the number of predictions in the log, and beside Evidently on all of them.

    python -m benchmarks.monitoring --rows 1000000 10000000 --json monitoring.json

For each size: a log in SQLite with 20 input columns (12 numbers, 8 categories), a label for three rows in ten, two columns
drifting; then, in a fresh process, what the pipeline's steps do: read the window, validate, measure drift and performance,
decide. Peak memory is that process's. At the sizes up to `--whole` another fresh process holds all rows in a frame and has
Evidently measure the same columns by the same methods, without sampling: the differences are the sampling's true error,
printed beside the standard error that the report states. The whole frame is made anew instead of read, which spares
Evidently's side the reading.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.processes import in_a_process

NUMBERS, CATEGORIES = 12, 8
BEGIN = datetime(2026, 1, 1)
_CHUNK = 50_000
_LEVELS = np.array(["alpha", "beta", "gamma", "delta", "epsilon", "zeta"], dtype=object)
DIGEST = "sha256:" + "0" * 64


def main() -> None:
    """Measure each size and print a table; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--whole", type=int, default=1_000_000, help="Largest size at which Evidently measures all rows.")
    parser.add_argument("--folder", type=Path, help="Keeps the logs, about 0.8 GB for a million rows, and uses those that are there.")
    parser.add_argument("--fill", action="store_true", help="Only write the logs, which is not what is measured.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(_TASKS[options.task](options.rows[0], options.folder)))
        return
    found = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as temporary:
            folder = str(options.folder or temporary)
            if not _log(rows, Path(folder)).exists():
                _in_a_process("fill", rows, folder)
            if options.fill:
                continue
            watched = _in_a_process("watch", rows, folder)
            whole = _in_a_process("whole", rows, folder) if rows <= options.whole else None
        found.append({"rows": rows, **watched, "evidently": whole})
        _show(found[-1])
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _in_a_process(task: str, rows: int, folder: str) -> dict[str, Any]:
    return in_a_process("benchmarks.monitoring", "--task", task, "--rows", rows, "--folder", folder)


def _log(rows: int, folder: Path) -> Path:
    return folder / f"log-{rows}.db"


def _show(one: dict[str, Any]) -> None:
    per = 1e6 * one["seconds"] / one["rows"]
    print(
        f"{one['rows']:>12,} rows: {one['seconds']:8.1f} s ({per:.1f} us a row), "
        f"peak {one['peak_gb']:.2f} GB, looked at {one['looked_at']:,}"
    )
    print("              " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in one["parts"].items()))
    print(
        f"              labelled {one['labelled']:,}, received {one['received']:,}; drifting: {', '.join(one['drifted'])}; {one['action']}"
    )
    if one["evidently"]:
        whole = one["evidently"]
        off = {name: abs(one["distances"][name] - value) for name, value in whole["distances"].items()}
        worst = max(off, key=off.__getitem__)
        print(f"              Evidently on all rows: {whole['seconds']:.1f} s, peak {whole['peak_gb']:.2f} GB", end="; ")
        print(f"largest difference {off[worst]:.4f} ({worst}), stated standard error {one['errors'][worst]:.4f}")


def frame_of(seed: int, rows: int, drifting: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = {f"number_{place}": rng.normal(0.3 if drifting and place == 0 else 0.0, 1, rows).round(4) for place in range(NUMBERS)}
    for place in range(CATEGORIES):
        weights = np.ones(6) if not (drifting and place == 0) else np.array([3, 1, 1, 1, 1, 0.5])
        frame[f"category_{place}"] = _LEVELS[rng.choice(6, rows, p=weights / weights.sum())]
    return pd.DataFrame(frame)


def chance_of(frame: pd.DataFrame) -> np.ndarray:
    return 1 / (1 + np.exp(-2 * frame["number_0"].to_numpy() - frame["number_1"].to_numpy()))


def _chunks(rows: int) -> Iterator[tuple[int, pd.DataFrame]]:
    for place, first in enumerate(range(0, rows, _CHUNK)):
        yield first, frame_of(1 + place, min(_CHUNK, rows - first), drifting=True)


def fill(rows: int, folder: Path) -> dict[str, Any]:
    """Write the log, past SQLAlchemy, which is not what is measured."""
    from switchyard.predictionlog import connect, create_tables

    path = folder / "unfinished.db"
    path.unlink(missing_ok=True)
    engine = connect(f"sqlite:///{path}")
    create_tables(engine)
    engine.dispose()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    insert = (
        "INSERT INTO predictions"
        " (prediction_id, role, request_id, row, time, event_time, model, version, digest, inputs, probabilities, label)"
        " VALUES (?, 'live', ?, 0, ?, ?, 'bench', '1', ?, ?, ?, ?)"
    )
    of_label = "INSERT INTO labels (label_id, prediction_id, value, received, source) VALUES (?, ?, ?, ?, 'bench')"
    for first, frame in _chunks(rows):
        chance = chance_of(frame)
        rng = np.random.default_rng(first)
        truth, known = rng.random(len(frame)) < chance, rng.random(len(frame)) < 0.3
        predictions, labels = [], []
        for place, inputs in enumerate(frame.to_dict("records")):
            number, positive = first + place, float(chance[place])
            moment = str(BEGIN + timedelta(milliseconds=number)) + (".000000" if number % 1000 == 0 else "")
            answer = json.dumps({"no": 1 - positive, "yes": positive})
            given = (f"p{number}", f"p{number}", moment, moment, DIGEST, json.dumps(inputs), answer, "yes" if positive >= 0.5 else "no")
            predictions.append(given)
            if known[place]:
                labels.append((f"l{number}", f"p{number}", "yes" if truth[place] else "no", str(BEGIN + timedelta(days=30)) + ".000000"))
        connection.executemany(insert, predictions)
        connection.executemany(of_label, labels)
        connection.commit()
    connection.close()
    path.rename(_log(rows, folder))
    return {}


def make_reference() -> Any:
    """Of 20,000 rows like those of the log before it drifted."""
    from switchyard.monitoring.reference import Reference, ReferenceFacts
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.evaluation.resampling import Estimate
    from switchyard.tabular.tables.schema import Column, Schema
    from switchyard.tabular.tables.split import Split
    from switchyard.tabular.validation import infer_suite

    frame = frame_of(0, 20_000, drifting=False)
    chance = chance_of(frame)
    frame["y"] = np.where(np.random.default_rng(0).random(len(frame)) < chance, "yes", "no").astype(object)
    names = [name for name in frame if name != "y"]
    columns = [
        Column(
            name=name, kind="numeric" if name.startswith("number") else "categorical", role="feature",
            categories=() if name.startswith("number") else tuple(_LEVELS),
        )
        for name in names
    ]  # fmt: skip
    schema = Schema(columns=(*columns, Column(name="y", kind="categorical", role="target", categories=("no", "yes"))))
    settings = {"name": "bench", "task": "binary", "metric": "roc_auc", "data": {"source": "bench.csv", "target": "y"}}
    problem = problem_from(settings, "the benchmark")
    answers = pd.DataFrame({"actual": frame["y"], "probability.no": 1 - chance, "probability.yes": chance})
    answers["label"] = np.where(chance >= 0.5, "yes", "no").astype(object)
    from sklearn.metrics import roc_auc_score

    score = float(roc_auc_score(frame["y"] == "yes", chance))
    facts = ReferenceFacts(
        problem=problem, columns=schema, digest=DIGEST, classes=("no", "yes"), threshold=0.5, metric="roc_auc", greater_is_better=True,
        scores={"roc_auc": Estimate(value=score, low=score - 0.005, high=score + 0.005)}, importance=dict.fromkeys(names, 1 / len(names)),
        train_rows=16_000, holdout_rows=4_000, ordered=False,
    )  # fmt: skip
    suite = infer_suite(Split(frame, frame[:10], schema, "random", None), problem)
    return Reference(facts, frame, answers, suite)


def watch(rows: int, folder: Path) -> dict[str, Any]:
    """What the pipeline's steps do."""
    from switchyard.monitoring.decide import decide
    from switchyard.monitoring.drift import measure_drift
    from switchyard.monitoring.expectations import validate_window
    from switchyard.monitoring.log_window import window_of_log
    from switchyard.monitoring.look import Look
    from switchyard.monitoring.performance import measure_performance
    from switchyard.predictionlog import connect
    from switchyard.tabular.config.monitoring import Monitoring

    reference, settings, engine = make_reference(), Monitoring(), connect(f"sqlite:///{_log(rows, folder)}")
    look = Look(since=BEGIN, until=BEGIN + timedelta(milliseconds=rows))
    parts, start = {}, time.perf_counter()

    def timed(name: str, value: Any) -> Any:
        parts[name] = time.perf_counter() - start - sum(parts.values())
        return value

    window = timed("read", window_of_log(engine, "bench", "1", reference.facts, look, settings.window, settings.sample_rows))
    validation = timed("validate", validate_window(window, reference))
    drift = timed("drift", measure_drift(window, reference, settings))
    performance = timed("performance", measure_performance(window, reference, settings))
    decision = timed("decide", decide(window.facts, validation, drift, performance, settings))
    assert window.facts.rows == rows, "not every row was counted"
    return {
        "seconds": sum(parts.values()),
        "parts": parts,
        "peak_gb": _peak_gb(),
        "looked_at": window.facts.looked_at,
        "labelled": window.facts.labelled,
        "received": window.facts.received,
        "distances": {column.column: column.distance for column in drift.columns},
        "errors": {column.column: column.error or 0.0 for column in drift.columns},
        "drifted": [column.column for column in drift.columns if column.drifted],
        "score": performance.score and performance.score.model_dump(),
        "action": decision.action,
    }


def whole(rows: int, folder: Path) -> dict[str, Any]:
    """Evidently on all rows at once, by the same methods."""
    from switchyard.monitoring.evidently import measure

    past = frame_of(0, 20_000, drifting=False)
    current = pd.concat([frame for _, frame in _chunks(rows)], ignore_index=True)
    numeric = frozenset(name for name in past if name.startswith("number"))
    methods = {name: "wasserstein" if name in numeric else "jensenshannon" for name in past}
    start = time.perf_counter()
    distances = measure(past, current, methods, numeric)
    return {"seconds": time.perf_counter() - start, "peak_gb": _peak_gb(), "distances": distances}


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


_TASKS = {"fill": fill, "watch": watch, "whole": whole}

if __name__ == "__main__":
    main()
