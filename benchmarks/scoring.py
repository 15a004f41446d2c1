"""Batch inference and the window that monitors it, by the number of rows: `python -m benchmarks.scoring --rows 200000 1000000`.

The table is that of `benchmarks.monitoring` (12 numbers, 8 categories) as Parquet, the model an ensemble of LightGBM and XGBoost.
For each size, each in a fresh process: the graph alone on prepared inputs; then what the step does (both readings, the answers
written as Parquet, every prediction logged in SQLite); then what monitoring does with that window. `--by-row` has the log keep
a row for each prediction too, as it did before there were blocks. Seconds are of the clock and, since a machine may have other
work, of the processors; peak memory is the process's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.monitoring import DIGEST, chance_of, frame_of, make_reference
from benchmarks.processes import in_a_process

_CHUNK = 100_000
_LEARNT = 20_000
_ORIGIN = {"model": "bench", "version": "1", "digest": DIGEST}


def main() -> None:
    """Measure each size and print a Markdown table; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--by-row", type=int, default=200_000, help="Largest size at which the log keeps a row for each prediction too.")
    parser.add_argument("--folder", type=Path, help="Keeps bundle, tables and logs, and uses those that are there.")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(_TASKS[options.task](options.rows[0], options.folder)))
        return
    found = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "bundle").exists():
            _in_a_process("learn", _LEARNT, folder)
        print("| rows | what | s | of the processors | rows/s | peak memory |\n|---:|---|---:|---:|---:|---:|")
        for rows in options.rows:
            if not _table(rows, folder).exists():
                _in_a_process("make", rows, folder)
            for task in ("graph", "score", *(["by_row"] if rows <= options.by_row else []), "watch"):
                one = {"rows": rows, "task": task, **_in_a_process(task, rows, folder)}
                found.append(one)
                speed = f"{one['done'] / one['seconds']:,.0f}"
                print(f"| {rows:,} | {one['what']} | {one['seconds']:.1f} | {one['cpu']:.1f} | {speed} | {one['peak_mb']:.0f} MB |")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def _in_a_process(task: str, rows: int, folder: Path) -> dict[str, Any]:
    return in_a_process("benchmarks.scoring", "--task", task, "--rows", rows, "--folder", folder)


def _table(rows: int, folder: Path) -> Path:
    return folder / f"table-{rows}.parquet"


def _measured(what: str, done: int, work: Callable[[], Any]) -> dict[str, Any]:
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"what": what, "done": done, "seconds": seconds, "cpu": cpu, "peak_mb": peak}


def learn(rows: int, folder: Path) -> dict[str, Any]:
    """The bundle that scores."""
    import switchyard

    frame = frame_of(0, rows, drifting=False)
    frame["y"] = np.where(np.random.default_rng(0).random(rows) < chance_of(frame), "yes", "no")
    (folder / "bundle").mkdir(parents=True)
    switchyard.fit(frame, "y", trials=2, families=("lightgbm", "xgboost")).bundle.write(folder / "bundle")
    return {}


def make(rows: int, folder: Path) -> dict[str, Any]:
    """The table to score."""
    parts = [frame_of(1 + first, min(_CHUNK, rows - first), drifting=True) for first in range(0, rows, _CHUNK)]
    tables = [pa.Table.from_pandas(part, preserve_index=False) for part in parts]
    pq.write_table(pa.concat_tables(tables), _table(rows, folder), compression="zstd")
    return {}


def _opened(rows: int, folder: Path) -> tuple[Any, Any, Any]:
    from switchyard.bundle import Bundle
    from switchyard.tabular.batch.columns import layout_of
    from switchyard.tabular.config.problem import Problem
    from switchyard.tabular.tables.reading.opening import open_rows

    scorer = Bundle.read(folder / "bundle").scorer(threads=os.cpu_count() or 1)
    table = open_rows(_table(rows, folder), "the table", [column.name for column in scorer.signature.columns])
    return table, scorer, layout_of(table, scorer.signature, Problem(name="bench", data={"source": "-", "target": "y"}))


def graph(rows: int, folder: Path) -> dict[str, Any]:
    """Prepared inputs through the graph."""
    from itertools import islice

    from switchyard.tabular.batch.columns import model_columns

    table, scorer, _ = _opened(rows, folder)
    inputs = [scorer.encode(model_columns(chunk, scorer.signature)) for chunk in islice(table.chunks(), 12)]
    done = sum(len(next(iter(each.values()))) for each in inputs)
    return _measured("the graph alone", done, lambda: [scorer.answer(each) for each in inputs])


def score(rows: int, folder: Path) -> dict[str, Any]:
    """What the step does, from the opened table to the last prediction in the log."""
    from switchyard.predictionlog import TableLog, connect, create_tables
    from switchyard.tabular.batch.output import TableWriter
    from switchyard.tabular.batch.scoring import Origin, check_table, score_rows

    log = folder / f"log-{rows}.db"
    log.unlink(missing_ok=True)
    engine = connect(f"sqlite:///{log}")
    create_tables(engine)
    table, scorer, layout = _opened(rows, folder)

    def work() -> None:
        checked = check_table(table, scorer, layout)
        kept = TableLog(engine, "batch-1", time.time(), _ORIGIN, checked.rows)
        with TableWriter(folder / "scored.parquet", ".parquet") as writer:
            score_rows(table, scorer, layout, Origin(**_ORIGIN, request_id="batch-1"), writer, checked.rows, kept.add)

    return _measured("checked, scored, written, logged", rows, work)


def by_row(rows: int, folder: Path) -> dict[str, Any]:
    """The same with a row of the log for each prediction, into a log of its own."""
    from switchyard.predictionlog import batch

    batch.BLOCKS_FROM = sys.maxsize
    with tempfile.TemporaryDirectory() as apart:
        for name in ("bundle", _table(rows, folder).name):
            (Path(apart) / name).symlink_to((folder / name).resolve())
        return {**score(rows, Path(apart)), "what": "the same, a row of the log for each"}


def watch(rows: int, folder: Path) -> dict[str, Any]:
    """What monitoring does with the window that `score` logged."""
    from switchyard.monitoring.decide import decide
    from switchyard.monitoring.drift import measure_drift
    from switchyard.monitoring.expectations import validate_window
    from switchyard.monitoring.log_window import window_of_log
    from switchyard.monitoring.look import Look
    from switchyard.monitoring.performance import measure_performance
    from switchyard.predictionlog import connect
    from switchyard.tabular.config.monitoring import Monitoring

    reference, settings, engine = make_reference(), Monitoring(), connect(f"sqlite:///{folder / f'log-{rows}.db'}")
    now = datetime.now(UTC)
    look = Look(since=now - timedelta(days=1), until=now + timedelta(days=1))

    def work() -> None:
        window = window_of_log(engine, "bench", "1", reference.facts, look, settings.window, settings.sample_rows)
        assert window.facts.rows == rows, "not every row was counted"
        validation, drift = validate_window(window, reference), measure_drift(window, reference, settings)
        decide(window.facts, validation, drift, measure_performance(window, reference, settings), settings)

    return _measured("monitoring of the window", rows, work)


_TASKS = {"learn": learn, "make": make, "graph": graph, "score": score, "by_row": by_row, "watch": watch}

if __name__ == "__main__":
    main()
