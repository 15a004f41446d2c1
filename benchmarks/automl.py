"""Switchyard beside AutoGluon, mljar and FLAML at equal time, and beside LightGBM's defaults.

    python -m benchmarks.automl --tables TABLES.json --budgets 60 300 --seeds 3 --json automl.json

TABLES.json names the tables: {"cars": ["used_cars.csv.gz", "Price"], ...}, files relative to it; without it, those of ../shared/data.
A third of a table's rows (20,000 at most), drawn by the seed, is fresh: nobody sees it. Each contestant gets the others as a CSV and the
budget, in an environment of its own that is made where it is missing; Switchyard runs as a user runs it, `run.py training` and then
`inference`, so its seconds have reports, documents and registration in them. One contestant follows the other on each table, alone on the
machine. Scores are of the fresh rows: ROC-AUC (two classes), log loss (more), RMSE. The normalised score is 0 for a constant and 1 for
the best seen; "ahead" and "behind" count where the 95 % interval of a paired bootstrap over the fresh rows is on one side of zero.
Results are written after each table, and a run that finds its own file goes on from it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from benchmarks.automl_contestants import CONTESTANTS, ROOT
from benchmarks.environments import ensure

OURS = "switchyard"
SHARED = {
    "adult": ("adult.csv.gz", "income"),
    "ames": ("ames_housing.csv.gz", "SalePrice"),
    "bank": ("bank_marketing.csv.gz", "y"),
    "cars": ("used_cars.csv.gz", " Price "),
}
REQUIREMENTS = {
    "flaml": ("flaml[automl]==2.7.0",),
    "mljar": ("mljar-supervised==1.3.2",),
    "autogluon": ("autogluon.tabular[lightgbm,catboost,xgboost,fastai]==1.6.3",),
}
_FRESH_SHARE, _MOST_FRESH = 1 / 3, 20_000
_RESAMPLES = 400


@dataclass(frozen=True)
class Case:
    """A table as all get it; `truth` has class numbers or values of the fresh rows."""

    name: str
    target: str
    task: str
    classes: tuple[str, ...]
    train: pd.DataFrame
    fresh: pd.DataFrame
    truth: np.ndarray

    @property
    def metric(self) -> str:
        return {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[self.task]

    def constant(self) -> np.ndarray:
        """The answers of one who knows the training target alone."""
        values = self.train[self.target]
        if not self.classes:
            return np.full(len(self.truth), float(values.mean()))
        shares = values.astype(str).value_counts(normalize=True).reindex(list(self.classes)).to_numpy()
        return np.tile(shares, (len(self.truth), 1))


@dataclass(frozen=True)
class Result:
    """What one contestant reached; `ahead_low` and `ahead_high` are how much better Switchyard is, by the paired bootstrap."""

    table: str
    budget_s: float
    seed: int
    contestant: str
    metric: str
    score: float
    normalised: float
    ahead_low: float
    ahead_high: float
    seconds: float
    peak_mb: float
    latency_ms: float
    megabytes: float
    note: str


def read_case(name: str, path: Path, target: str, seed: int) -> Case:
    """The table cut by `seed`; classes of fewer than ten rows are left out, since no split of them is fair."""
    frame = pd.read_csv(path, low_memory=False)
    frame = frame[frame[target].notna()].sample(frac=1, random_state=seed).reset_index(drop=True)
    values = frame[target]
    numbers = pd.api.types.is_numeric_dtype(values) and values.nunique() > 10
    if not numbers:
        if pd.api.types.is_float_dtype(values):
            # Whole numbers beside missing ones: as a class, 3 and not 3.0.
            frame[target] = values = values.astype(int)
        frame = frame[values.astype(str).map(values.astype(str).value_counts()) >= 10].reset_index(drop=True)
    classes = () if numbers else tuple(sorted(frame[target].astype(str).unique()))
    fresh = min(int(len(frame) * _FRESH_SHARE), _MOST_FRESH)
    kept, train = frame[:fresh], frame[fresh:]
    truth = kept[target].to_numpy(float) if numbers else kept[target].astype(str).map(classes.index).to_numpy()
    task = "regression" if numbers else "binary" if len(classes) == 2 else "multiclass"
    return Case(name, target, task, classes, train, kept.drop(columns=target), truth)


def score(case: Case, answers: np.ndarray, rows: np.ndarray | slice = slice(None)) -> float:
    """The case's metric; higher is better, so losses are negative."""
    truth, answers = case.truth[rows], answers[rows]
    if case.task == "binary":
        return float(roc_auc_score(truth, answers[:, 1]))
    if case.task == "multiclass":
        picked = answers[np.arange(len(truth)), truth] / answers.sum(axis=1)
        return float(np.log(np.clip(picked, 1e-15, 1)).mean())
    return -float(np.sqrt(np.square(truth - answers).mean()))


def ahead(case: Case, ours: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How much better `ours` is: the 95 % interval of a paired bootstrap over the fresh rows."""
    draws = np.random.default_rng(0)
    found = []
    for _ in range(_RESAMPLES):
        rows = draws.integers(len(case.truth), size=len(case.truth))
        found.append(score(case, ours, rows) - score(case, other, rows))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def python_of(name: str) -> str:
    """The Python that has the contestant's library; Switchyard and LightGBM are in ours."""
    library = name.split("_")[0]
    return str(ensure(library, REQUIREMENTS[library])) if library in REQUIREMENTS else sys.executable


def let(name: str, folder: Path, threads: int) -> tuple[np.ndarray, dict[str, float | str]]:
    """Have a contestant learn what is in `folder`; its peak is the resident memory of all its processes, looked at five times a second."""
    variables = {**os.environ, "PYTHONWARNINGS": "ignore", "LOKY_MAX_CPU_COUNT": str(threads)}
    command = [python_of(name), str(ROOT / "benchmarks" / "automl_contestants.py"), name, str(folder)]
    with (folder / f"{name}.log").open("w") as log:
        process = psutil.Popen(command, stdout=log, stderr=log, env=variables)
        peak = 0
        while process.poll() is None:
            peak = max(peak, _resident(process))
            time.sleep(0.2)
    if process.returncode:
        raise RuntimeError((folder / f"{name}.log").read_text()[-2000:])
    return np.load(folder / name / "answers.npy"), {**json.loads((folder / name / "found.json").read_text()), "peak_mb": peak / 1e6}


def _resident(process: psutil.Process) -> int:
    found = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            found += one.memory_full_info().pss
        except psutil.Error:
            continue
    return found


def compare(case: Case, budget_s: float, seed: int, names: list[str], say: Callable[[str], None]) -> list[Result]:
    """All of `names` on one table, one after the other."""
    found: dict[str, tuple[np.ndarray, dict[str, float | str]]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case.train.to_csv(folder / "train.csv", index=False)
        case.fresh.to_csv(folder / "fresh.csv", index=False)
        asked = {"target": case.target, "task": case.task, "metric": case.metric, "classes": list(case.classes)}
        (folder / "task.json").write_text(json.dumps({**asked, "budget_s": budget_s, "seed": seed}))
        for name in names:
            try:
                found[name] = let(name, folder, os.cpu_count() or 1)
            except (RuntimeError, subprocess.CalledProcessError) as error:
                say(f"{case.name}: {name} ended in an error and is left out: {str(error).strip().splitlines()[-1][:200]}")
                continue
            reached, took = abs(score(case, found[name][0])), float(found[name][1]["seconds"])
            say(f"{case.name}, {budget_s:g} s, seed {seed}: {name} {reached:.5g} in {took:.0f} s")
    base, best = score(case, case.constant()), max(score(case, answers) for answers, _ in found.values())
    results = []
    for name, (answers, told) in found.items():
        reached = score(case, answers)
        interval = ahead(case, found[OURS][0], answers) if OURS in found and name != OURS else (0.0, 0.0)
        figures = [round(float(told[key]), 3) for key in ("seconds", "peak_mb", "latency_ms")]
        shown = (abs(reached), (reached - base) / (best - base) if best > base else 1.0)
        size = round(float(told["bytes"]) / 1e6, 3)
        results.append(Result(case.name, budget_s, seed, name, case.metric, *shown, *interval, *figures, size, str(told["note"])))
    return results


def show(results: list[Result], console: Console) -> None:
    """Each table's scores, then each contestant over all."""
    names = list(dict.fromkeys(result.contestant for result in results))
    for budget in sorted({result.budget_s for result in results}):
        some = [result for result in results if result.budget_s == budget]
        scores = Table("table", "metric", *names, title=f"{budget:g} s; mean over seeds")
        for name in dict.fromkeys(result.table for result in some):
            of = {who: [result for result in some if (result.table, result.contestant) == (name, who)] for who in names}
            metric = next(result.metric for result in some if result.table == name)
            scores.add_row(name, metric, *(f"{np.mean([r.score for r in of[who]]):.5g}" if of[who] else "-" for who in names))
        console.print(scores)
        whole = Table("contestant", "runs", "normalised", "ours ahead", "ours behind", "seconds", "peak MB", "one row, ms", "MB")
        for who in names:
            own = [result for result in some if result.contestant == who]
            counts = [str(sum(r.ahead_low > 0 for r in own)), str(sum(r.ahead_high < 0 for r in own))] if who != OURS else ["", ""]
            medians = [f"{np.median([getattr(r, key) for r in own]):.3g}" for key in ("seconds", "peak_mb", "latency_ms", "megabytes")]
            whole.add_row(who, str(len(own)), f"{np.mean([r.normalised for r in own]):.4f}", *counts, *medians)
        console.print(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, help="a JSON file that names tables; those of ../shared/data without it")
    parser.add_argument("--only", nargs="+", help="names of tables")
    everyone = list(CONTESTANTS)
    parser.add_argument("--against", nargs="*", choices=everyone, default=everyone, help="who takes part")
    parser.add_argument("--budgets", nargs="+", type=float, default=[60.0], help="seconds that each contestant has")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where results go after each table; those that are there are not done again")
    arguments = parser.parse_args()
    console = Console(width=160)
    folder = arguments.tables.parent if arguments.tables else ROOT.parent / "shared" / "data"
    listed = json.loads(arguments.tables.read_text()) if arguments.tables else SHARED
    results = [Result(**one) for one in json.loads(arguments.json.read_text())] if arguments.json and arguments.json.exists() else []
    done = {(result.table, result.budget_s, result.seed) for result in results}
    for seed in range(arguments.seeds):
        for name, (file, target) in listed.items():
            for budget in arguments.budgets:
                if (arguments.only and name not in arguments.only) or (name, budget, seed) in done:
                    continue
                case = read_case(name, folder / file, target, seed)
                results += compare(case, budget, seed, arguments.against, console.print)
                if arguments.json:
                    arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")
    show(results, console)


if __name__ == "__main__":
    main()
