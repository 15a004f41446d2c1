"""Training on tables of growing size, the sample searched and all rows fitted, beside a plain LightGBM script that holds them all.

    python -m benchmarks.size_training 1000000

The table is made here: 12 numbers (5 % missing in four), categories of 10 (three), 1,000 and 100,000 values, a date, a flag, and a
binary target drawn from known odds, so that the best score there can be is known. Each contestant is a process of its own, whose
peak memory is the kernel's. Both are scored on 100,000 rows that neither saw.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from benchmarks.processes import in_a_process

PART, TEST_ROWS, BEST = 250_000, 100_000, "odds"


def part(number: int, rows: int) -> pd.DataFrame:
    """One part of the table, with the odds that nobody is to see."""
    rng = np.random.default_rng(number)
    numbers = rng.normal(size=(rows, 12)).astype("float32")
    few = rng.integers(0, 10, (rows, 3))
    some, many = rng.zipf(1.3, rows) % 1000, rng.zipf(1.2, rows) % 100_000
    days = rng.integers(0, 1000, rows)
    effect = np.sin(np.arange(100_000) * 12.9898) * 0.8
    odds = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (few[:, 0] - 4.5) / 4 + effect[some] + effect[many] + 0.5 * (days % 7 > 4) - 0.5
    frame = pd.DataFrame({f"number_{i}": numbers[:, i] for i in range(12)})
    for i in range(4):
        frame.loc[rng.random(rows) < 0.05, f"number_{i + 8}"] = np.nan
    for i in range(3):
        frame[f"few_{i}"] = np.array([f"kind {k}" for k in range(10)], dtype=object)[few[:, i]]
    frame["some"] = "s" + pd.Series(some).astype(str)
    frame["many"] = "m" + pd.Series(many).astype(str)
    frame["day"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D")
    frame["flag"] = rng.random(rows) < 0.3
    frame["bought"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return frame.assign(**{BEST: odds})


def make(folder: Path, rows: int) -> None:
    """`table.parquet` of so many rows, and `test.parquet`."""
    writer = None
    for number in range(-(-rows // PART)):
        table = pa.Table.from_pandas(part(number, min(PART, rows - number * PART)).drop(columns=BEST), preserve_index=False)
        writer = writer or pq.ParquetWriter(folder / "table.parquet", table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()
    part(10**6, TEST_ROWS).to_parquet(folder / "test.parquet", index=False)


def ours(folder: Path, in_memory: int) -> dict[str, float]:
    """Load, search (one trial of LightGBM) and both fits; the score of what is served."""
    from switchyard.tabular.config.problem import problem_from
    from switchyard.tabular.fitting import train
    from switchyard.tabular.tables.large.load import load

    source = str(folder / "table.parquet")
    asked = {
        "name": "size",
        "data": {"source": source, "target": "bought"},
        "tuning": {"trials": 1, "families": ["lightgbm"]},
        "training": {"in_memory": in_memory},
    }
    began = time.monotonic()
    table, problem, rest, notes = load(problem_from(asked, "benchmark"), source)
    read = time.monotonic()
    found = train(table, problem, notes, rest=rest)
    done = time.monotonic()
    test = pd.read_parquet(folder / "test.parquet")
    answers = found.bundle.scorer()
    score = [answers.score({name: part[name].tolist() for name in part}).probabilities[:, 1] for part in _parts(test.drop(columns=[BEST]))]
    return {
        "load_s": read - began,
        "train_s": done - read,
        "rounds": found.model.members[0].estimator.best_iteration_,
        "rows": found.served.rows,
        "score": float(roc_auc_score(test["bought"] == "yes", np.concatenate(score))),
    }


def _parts(frame: pd.DataFrame) -> list[pd.DataFrame]:
    return [frame[start : start + 20_000] for start in range(0, len(frame), 20_000)]


def plain(folder: Path, rounds: int) -> dict[str, float]:
    """What one would write in ten lines: pandas, categories as such, LightGBM's defaults with the same rounds and rate."""
    import lightgbm as lgb

    began = time.monotonic()
    frame, test = (pd.read_parquet(folder / f"{name}.parquet") for name in ("table", "test"))
    read = time.monotonic()
    for name in ("few_0", "few_1", "few_2", "some", "many"):
        frame[name] = frame[name].astype("category")
        test[name] = pd.Categorical(test[name], categories=frame[name].cat.categories)
    for each in (frame, test):
        each["day"] = each["day"].astype("int64") / 1e9
    train = lgb.Dataset(frame.drop(columns="bought"), frame.pop("bought") == "yes")
    settings = {"objective": "binary", "learning_rate": 0.04, "num_leaves": 50, "verbosity": -1, "num_threads": joblib.cpu_count()}
    booster = lgb.train(settings, train, rounds)
    done = time.monotonic()
    score = float(roc_auc_score(test["bought"] == "yes", booster.predict(test[booster.feature_name()])))
    return {"load_s": read - began, "train_s": done - read, "rounds": rounds, "rows": len(frame), "score": score}


def _contest(name: str, folder: Path, setting: int) -> dict[str, float]:
    """One contestant in a process of its own."""
    return in_a_process("benchmarks.size_training", name, folder, setting)


def main(rows: int, in_memory: int) -> None:
    """Both contestants on a table of `rows` rows, as lines of a table."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make(folder, rows)
        size = (folder / "table.parquet").stat().st_size / 1e6
        test = pd.read_parquet(folder / "test.parquet", columns=["bought", BEST])
        best = roc_auc_score(test["bought"] == "yes", test[BEST])
        print(f"{rows:,} rows x 19 columns, {size:,.0f} MB of Parquet, best ROC-AUC {best:.4f}, {joblib.cpu_count()} cores", flush=True)
        served = _contest("ours", folder, in_memory)
        for name, found in (("Switchyard", served), ("plain LightGBM", _contest("plain", folder, int(served["rounds"])))):
            print(
                f"| {name} | {found['rows']:,} | {found['load_s']:.0f} s | {found['train_s']:.0f} s | {found['rounds']} | "
                f"{found['cpu_s']:.0f} s | {found['peak_mb']:,.0f} MB | {found['score']:.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["plain"]):
        result = {"ours": ours, "plain": plain}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({**result, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}))
    else:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("rows", type=int, help="of the table")
        parser.add_argument("sample", type=int, nargs="?", default=300_000, help="rows that a training of ours holds at once")
        given = parser.parse_args()
        main(given.rows, given.sample)
