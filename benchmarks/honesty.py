"""Whether scores hold: the holdout's beside the cross-validated one, and its interval beside rows that the run never saw.

    python -m benchmarks.honesty --tables ../shared --seeds 20 --json honesty.json

For each seed a third of a table (100 to 2,000 rows) is trained on by `switchyard.fit`, one LightGBM of one trial, holdout included; the
other rows are fresh. Every run gets a split of its own: a constant column that is left out salts the hashes. Reported are the mean of
(holdout - cross-validated), positive where the holdout is better, with its standard error, and how often the holdout's 95 % interval
covers the score on the fresh rows. These are a sample, too: of ten times as many as the holdout a perfect interval covers 94 %.
Of these splits the verdict should doubt few; with `--shuffled` the target has nothing to do with the columns, and it should doubt most.
`benchmarks.intervals` measures the intervals alone, on many more rows and models.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn import datasets

import switchyard
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.evaluation.belief import doubt
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.fitting import read_rows
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.model.model import encode_target

PACKAGED = ("breast_cancer", "wine", "iris", "diabetes", "digits")
SHARED = {
    "titanic": ("tables/titanic_few.csv", "survived"),
    "ab_log": ("tables/ab_log.csv", "converted"),
    "shop": ("tables/shop.csv", "back"),
    "adult": ("data/adult.csv.gz", "income"),
    "ames": ("data/ames_housing.csv.gz", "SalePrice"),
    "bank": ("data/bank_marketing.csv.gz", "y"),
    "codes": ("tables/codes_missing.csv", "back"),
}
"""Name -> file below --tables, and target."""
_SALT = "run of the benchmark"


@dataclass(frozen=True)
class Run:
    """One seed of one table; scores in the metric's own direction."""

    table: str
    seed: int
    metric: str
    cross_validated: float
    holdout: float
    low: float
    high: float
    fresh: float
    doubt: str
    """What the verdict would say of the holdout's score; of these honest splits it should say nothing."""

    @property
    def difference(self) -> float:
        """How much better the holdout is than the cross-validation."""
        return (self.holdout - self.cross_validated) * METRICS[self.metric].sign

    @property
    def covers(self) -> bool:
        return self.low <= self.fresh <= self.high


def tables(folder: Path) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Name, rows and target of each table that is on this machine."""
    for name in PACKAGED:
        frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
        yield name, frame if name == "diabetes" else frame.astype({"target": str}), "target"
    for name, (path, target) in SHARED.items():
        if (folder / path).exists():
            yield name, pd.read_csv(folder / path), target


def run(name: str, frame: pd.DataFrame, target: str, seed: int, shuffled: bool = False) -> Run:
    """Train on a third of the rows and score the rest."""
    mixed = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    if shuffled:
        mixed[target] = mixed[target].sample(frac=1, random_state=seed + 1).to_numpy()
    rows = min(2000, max(100, len(mixed) // 3))
    seen, fresh = mixed[:rows].assign(**{_SALT: seed}), mixed[rows:]
    fitted = switchyard.fit(
        seen,
        target,
        trials=1,
        families=["lightgbm"],
        seed=seed,
        split={"kind": "random"},
        quality={"target_leakage": "warn", "future_column": "warn"},
        data={"columns": {_SALT: {"role": "ignored"}}},
    )
    score, metric = fitted.evaluation.score, METRICS[fitted.evaluation.metric]
    # What was scored on the holdout is the evaluated twin, so that is what fresh rows are given to.
    twin, classes = fitted.evaluated.scorer(), fitted.model.classes
    known = fresh[fresh[target].astype(str).isin(classes)] if classes else fresh
    answers = predict_served(twin, read_rows(fitted.model, known.drop(columns=target)))
    truth = encode_target(known[target].astype(str), classes) if classes else known[target].to_numpy("float64")
    measured = metric.of_served(truth, answers)
    ends = [float("nan") if end is None else end for end in (score.value, score.low, score.high)]
    return Run(
        name,
        seed,
        metric.name,
        fitted.leaderboard.winner.score,
        *ends,
        float(measured),
        doubt(fitted.evaluation, fitted.leaderboard, fitted.split, fitted.problem),
    )


def show(runs: list[Run], console: Console) -> None:
    """One line a table, and all of them."""
    table = Table("table", "metric", "runs", "cross-validated", "holdout", "fresh rows", "holdout - cv", "covered", "width", "doubted")
    for name in dict.fromkeys(made.table for made in runs):
        some = [made for made in runs if made.table == name]
        gaps = np.array([made.difference for made in some])
        error = gaps.std(ddof=1) / np.sqrt(len(gaps)) if len(gaps) > 1 else float("nan")
        means = [f"{np.mean([getattr(made, what) for made in some]):.4g}" for what in ("cross_validated", "holdout", "fresh")]
        covered = f"{sum(made.covers for made in some)} of {len(some)}"
        width, doubted = f"{np.median([made.high - made.low for made in some]):.3g}", str(sum(bool(made.doubt) for made in some))
        table.add_row(name, some[0].metric, str(len(some)), *means, f"{gaps.mean():+.3g} ± {error:.2g}", covered, width, doubted)
    console.print(table)
    console.print(
        f"covered in {np.mean([made.covers for made in runs]):.1%} of {len(runs)} runs; doubted in {sum(bool(made.doubt) for made in runs)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=Path("../shared"), help="folder with data/ and tables/")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--shuffled", action="store_true", help="there is nothing to be learnt")
    parser.add_argument("--only", nargs="*", help="names of tables")
    parser.add_argument("--json", type=Path, help="write every run here, after each table")
    arguments = parser.parse_args()
    logging.getLogger("switchyard").setLevel(logging.ERROR)
    console, runs = Console(width=140), []
    for name, frame, target in tables(arguments.tables):
        if arguments.only and name not in arguments.only:
            continue
        for seed in range(arguments.seeds):
            try:
                runs.append(run(name, frame, target, seed, arguments.shuffled))
            except SwitchyardError as error:
                console.print(f"{name}, seed {seed}: {error}")
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(made) for made in runs], indent=1), encoding="utf-8")
    show(runs, console)


if __name__ == "__main__":
    main()
