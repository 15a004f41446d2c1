"""The last fit on a table larger than memory in this process, and by 1 and 2 workers of this machine (`training.workers`).

    python -m benchmarks.size_workers 1000000 100000

The table is that of `benchmarks.size_training`. Load and search are the same for all and come first; what is timed is the last fit,
and its memory is that of the process with all that it started, looked at five times a second (what processes share
counts in each).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import psutil
from sklearn.metrics import roc_auc_score

from benchmarks.processes import in_a_process
from benchmarks.size_training import BEST, make

FAMILIES = ("lightgbm", "xgboost")


class Memory(threading.Thread):
    """The largest resident size of this process with all that it started (`tree`), and of one of them (`largest`), in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.tree = self.largest = 0.0
        self.start()

    def run(self) -> None:
        me = psutil.Process()
        while True:
            sizes = []
            for process in (me, *me.children(recursive=True)):
                try:
                    sizes.append(process.memory_info().rss / 1e6)
                except psutil.NoSuchProcess:
                    continue
            self.tree, self.largest = max(self.tree, sum(sizes)), max(self.largest, *sizes)
            time.sleep(0.2)


def ours(folder: Path, in_memory: int, workers: int, family: str) -> dict[str, float]:
    """Load, search (one trial), and the last fit, which alone is measured."""
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.features.plan import plan_features
    from switchyard.tabular.fitting import read_rows, search
    from switchyard.tabular.model.refit import fit_again
    from switchyard.tabular.quality import check_quality
    from switchyard.tabular.tables.large.load import load
    from switchyard.tabular.tables.split import split_table

    source = str(folder / "table.parquet")
    asked = {
        "name": "size",
        "data": {"source": source, "target": "bought"},
        "tuning": {"trials": 1, "families": [family], "folds": 2},
        "training": {"in_memory": in_memory, "workers": workers},
    }
    table, problem, rest, _ = load(problem_from(asked, "benchmark"), source)
    split = split_table(table, problem)
    plan = plan_features(split, check_quality(split, problem).dropped, problem)
    model, _ = search(split, plan, problem)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    memory, began = Memory(), time.monotonic()
    fitted = fit_again(model, split, plan, problem, rest=rest)
    seconds = time.monotonic() - began
    test = pd.read_parquet(folder / "test.parquet")
    answers = fitted.predict_proba(read_rows(fitted, test.drop(columns=["bought", BEST])))[:, 1]
    score = roc_auc_score(np.asarray(test["bought"] == fitted.classes[1]), answers)
    return {
        "fit_s": seconds,
        "tree_mb": memory.tree,
        "largest_mb": memory.largest,
        "rounds": fitted.members[0].estimator.best_iteration_,
        "score": float(score),
    }


def main(rows: int, in_memory: int) -> None:
    """Each contestant on the same table, as lines of a table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make(folder, rows)
        print(f"{rows:,} rows x 19 columns, sample of {in_memory:,}, {joblib.cpu_count()} cores", flush=True)
        for family in FAMILIES:
            for workers in (0, 1, 2):
                found = in_a_process("benchmarks.size_workers", "ours", folder, in_memory, workers, family)
                size = f"{found['tree_mb']:,.0f} MB | {found['largest_mb']:,.0f} MB"
                by = workers or "in this process"
                line = f"{family} | {by} | {found['rounds']} | {found['fit_s']:.0f} s | {size} | {found['score']:.4f}"
                print(f"| {line} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        print(json.dumps(ours(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("rows", type=int, help="of the table")
        parser.add_argument("sample", type=int, nargs="?", default=100_000, help="rows that a training of ours holds at once")
        given = parser.parse_args()
        main(given.rows, given.sample)
