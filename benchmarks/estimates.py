"""Whether the interval of a score that is estimated without any label holds what the labels show.

    python -m benchmarks.estimates --tables ../shared --times 20 --json estimates.json

A third of each table (3,000 rows at most) is trained on by `switchyard.fit`, one LightGBM of three trials, once a seed; windows of 200, 500
and 2,000 rows are drawn from the others, half of them from everywhere and half by the rank of a number (its values drift, and all that
depends on them). A window that the estimate is withheld for is counted apart. *loans* is what the demo's year is about.
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

import switchyard
from switchyard.monitoring.look import Look
from switchyard.monitoring.performance import measure_performance
from switchyard.monitoring.reference import Reference, describe_reference
from switchyard.monitoring.table_window import window_of_table
from switchyard.tabular.config.monitoring import Monitoring
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.fitting import Fitted
from switchyard.tabular.tables.reading.loans import loans
from switchyard.tabular.validation import infer_suite

TABLES = {"adult": ("data/adult.csv.gz", "income"), "ames": ("data/ames_housing.csv.gz", "SalePrice")}
SIZES = (200, 500, 2000)
DRAWN = ("from everywhere", "by a column")
_MOST = 3000


@dataclass(frozen=True)
class Window:
    """One window's score, by its labels and without them; the latter None where it is withheld."""

    table: str
    metric: str
    rows: int
    drawn: str
    measured: float
    estimated: float | None
    low: float | None
    high: float | None

    @property
    def covered(self) -> bool:
        return self.low is not None and self.high is not None and self.low <= self.measured <= self.high


def tables(folder: Path) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """Name, rows and target."""
    yield "loans", loans(rows=12_000).drop(columns=["application_date", "applicant_id"]), "defaulted"
    for name, (path, target) in TABLES.items():
        yield name, pd.read_csv(folder / path), target


def trained(frame: pd.DataFrame, target: str, seed: int) -> tuple[Fitted, Reference]:
    """The model, and what its windows are held against."""
    settings = {"split": {"kind": "random"}, "quality": {"target_leakage": "warn", "future_column": "warn"}}
    fitted = switchyard.fit(frame, target, trials=3, families=["lightgbm"], seed=seed, **settings)
    scorer, problem, split = fitted.evaluated.scorer(), fitted.problem, fitted.split
    answers, suite = predict_served(scorer, split.holdout), infer_suite(split, problem)
    made = (scorer.signature, fitted.evaluated.digest, fitted.evaluation, fitted.explain(), suite, problem)
    return fitted, describe_reference(split, answers, *made)


def windows(name: str, frame: pd.DataFrame, target: str, seed: int) -> Iterator[Window]:
    """One of each size, drawn either way."""
    mixed = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    rows = min(_MOST, len(mixed) // 3)
    fitted, reference = trained(mixed[:rows], target, seed)
    rest, rng = mixed[rows:], np.random.default_rng(seed)
    for size in SIZES:
        for drawn in DRAWN:
            if size > len(rest) // 2:
                continue
            part = rest.iloc[rng.choice(len(rest), size, replace=False, p=chances(rest, target, rng) if drawn == DRAWN[1] else None)]
            yield looked_at(name, part.reset_index(drop=True), target, drawn, fitted, reference)


def chances(rest: pd.DataFrame, target: str, rng: np.random.Generator) -> np.ndarray:
    """Of each row to be drawn: by the rank of a number, up to nine times as often at one end as at the other."""
    numbers = [column for column in rest if column != target and rest[column].dtype.kind in "if" and rest[column].nunique() > 10]
    rank = rest[numbers[rng.integers(len(numbers))]].rank(pct=True).fillna(0.5).to_numpy()
    weight = 1 + 8 * (rank if rng.random() < 0.5 else 1 - rank)
    return np.asarray(weight / weight.sum())


def looked_at(name: str, part: pd.DataFrame, target: str, drawn: str, fitted: Fitted, reference: Reference) -> Window:
    """The window with its labels, and as if none had come."""
    settings, look = Monitoring(), Look(source="a table")
    found = []
    for table in (part, part.assign(**{target: None})):
        window = window_of_table(table, fitted.evaluated.scorer(), name, "1", reference.facts, look, len(table))
        found.append(measure_performance(window, reference, settings).score)
    measured, estimate = found
    assert measured is not None and measured.value is not None
    ends = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return Window(name, fitted.evaluation.metric, len(part), drawn, measured.value, *ends)


def show(found: list[Window], console: Console) -> None:
    """A line for each table, size and way of drawing."""
    table = Table("table", "rows", "drawn", "windows", "withheld", "covered", "width", "score")
    for key in dict.fromkeys((window.table, window.rows, window.drawn) for window in found):
        some = [window for window in found if (window.table, window.rows, window.drawn) == key]
        given = [window for window in some if window.low is not None]
        width = np.median([window.high - window.low for window in given]) if given else float("nan")  # type: ignore[operator]
        score = np.median([window.measured for window in some])
        covered = f"{sum(window.covered for window in given)} of {len(given)}"
        table.add_row(*map(str, key), str(len(some)), str(len(some) - len(given)), covered, f"{width:.3g}", f"{some[0].metric} {score:.3g}")
    console.print(table)
    given = [window for window in found if window.low is not None]
    share = np.mean([window.covered for window in given])
    console.print(f"covered in {share:.1%} of {len(given)} windows, {len(found) - len(given)} withheld")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=Path("../shared"), help="folder with data/")
    parser.add_argument("--times", type=int, default=20, help="seeds of each table")
    parser.add_argument("--json", type=Path, help="write every window here, after each table")
    arguments = parser.parse_args()
    logging.getLogger("switchyard").setLevel(logging.ERROR)
    found: list[Window] = []
    for name, frame, target in tables(arguments.tables):
        for seed in range(arguments.times):
            found += windows(name, frame, target, seed)
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(window) for window in found], indent=1), encoding="utf-8")
    show(found, Console(width=140))


if __name__ == "__main__":
    main()
