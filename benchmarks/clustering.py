"""Groups beside scikit-learn's k-means with the best k by silhouette, on tables with known classes; and tables without any groups.

    python -m benchmarks.clustering --data ../shared/data --structureless 100 --json clustering.json

Known classes are held out and only measure the agreement (adjusted Rand index; 1 is perfect, 0 is chance). "Found again" is the
adjusted Rand index, on all rows, of the groups of the table and those of 80 % of its rows, searched anew. A table without groups
on which some are found is a false alarm. Tables of `--data` that are not there are left out: customers.csv.gz, beans.csv.gz with
beans_labels.csv.gz, penguins.csv (of the package palmerpenguins).
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine
from sklearn.metrics import adjusted_rand_score, silhouette_score

from switchyard.tabular.clustering.finding import features_of, find_groups
from switchyard.tabular.clustering.fitting import resolved_for
from switchyard.tabular.errors import GateClosed

TABLES = ("wine", "iris", "penguins", "customers", "beans")
_SCORED = 3_000
"""Rows that scikit-learn's silhouette is taken of."""


def main() -> None:
    """Print a line for each table; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(TABLES))
    parser.add_argument("--structureless", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="Number of the first table without groups: parts add up to one run.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    figures: dict[str, Any] = {"tables": [], "structureless": {}}
    if options.tables:
        print("table        rows  ours               k  stability  ARI   again  s     scikit-learn: k  ARI", flush=True)
    for name, frame, classes in tables(options.data, options.tables):
        figures["tables"].append(line := compared(name, frame, classes))
        print(_shown(line), flush=True)
    found = figures["structureless"] = false_alarms(options.structureless, options.first)
    for kind, (alarms, count) in found.items():
        print(f"without groups, {kind:12} {alarms} of {count} with groups found", flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def tables(folder: Path, wanted: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame, np.ndarray | None]]:
    """Name, rows and known classes of each table that is wanted and there."""
    for name, load in (("wine", load_wine), ("iris", load_iris)):
        bunch = load(as_frame=True)
        if name in wanted:
            yield name, bunch.data, bunch.target.to_numpy()
    if "penguins" in wanted and (folder / "penguins.csv").exists():
        penguins = pd.read_csv(folder / "penguins.csv")
        measured = [name for name in penguins if name.endswith(("_mm", "_g"))]
        penguins = penguins.dropna(subset=measured, ignore_index=True)
        yield "penguins", penguins[measured], penguins["species"].to_numpy()
    if "customers" in wanted and (folder / "customers.csv.gz").exists():
        customers = pd.read_csv(folder / "customers.csv.gz")
        known = next(name for name in customers if name.lower() == "channel")
        yield "customers", customers.drop(columns=known), customers[known].to_numpy()
    if "beans" in wanted and (folder / "beans.csv.gz").exists():
        yield "beans", pd.read_csv(folder / "beans.csv.gz"), pd.read_csv(folder / "beans_labels.csv.gz").iloc[:, -1].to_numpy()


def compared(name: str, frame: pd.DataFrame, classes: np.ndarray | None) -> dict[str, Any]:
    """Our groups and those of scikit-learn on the same prepared numbers."""
    began = time.perf_counter()
    labels, facts = ours(frame)
    seconds = time.perf_counter() - began
    some = np.sort(np.random.default_rng(0).permutation(len(frame))[: int(0.8 * len(frame))])
    part = ours(frame.iloc[some].reset_index(drop=True))[0]
    X = features_of(*resolved_for(frame))[1]
    theirs = {number: KMeans(number, n_init=10, random_state=0).fit_predict(X) for number in range(2, 9)}
    best = max(theirs, key=lambda number: silhouette_score(X, theirs[number], sample_size=min(_SCORED, len(X)), random_state=0))
    known = classes is not None
    return {
        "table": name,
        "rows": len(frame),
        **facts,
        "agreement": float(adjusted_rand_score(classes, labels)) if known and labels is not None else None,
        "again": float(adjusted_rand_score(labels[some], part)) if labels is not None and part is not None else None,
        "seconds": round(seconds, 1),
        "sklearn_clusters": best,
        "sklearn_agreement": float(adjusted_rand_score(classes, theirs[best])) if known else None,
    }


def ours(frame: pd.DataFrame, **settings: Any) -> tuple[np.ndarray | None, dict[str, Any]]:
    """The group of each row, None where there are none, and what is said of them."""
    table, problem = resolved_for(frame, **settings)
    try:
        grouped, _, groups = find_groups(table, problem)
    except GateClosed as closed:
        return None, {"algorithm": "no groups", "clusters": 0, "stability": None, "why": str(closed)}
    return grouped.frame[problem.data.target].to_numpy(), {
        "algorithm": groups.algorithm, "clusters": len(groups.groups), "stability": groups.chosen.stability,
    }  # fmt: skip


def false_alarms(count: int, first: int = 0) -> dict[str, tuple[int, int]]:
    """How many of `count` tables without groups, from number `first` on, have some, by kind."""
    found: dict[str, tuple[int, int]] = {}
    for number in range(first, first + count):
        kind = list(STRUCTURELESS)[number % len(STRUCTURELESS)]
        rng = np.random.default_rng(number)
        rows, columns = int(rng.integers(120, 401)), int(rng.integers(2, 8))
        X = STRUCTURELESS[kind](rng, rows, columns)
        labels, facts = ours(pd.DataFrame(X, columns=[f"c{at}" for at in range(columns)]))
        alarms, seen = found.get(kind, (0, 0))
        found[kind] = (alarms + (labels is not None), seen + 1)
        if number % 10 == 9:
            print(f"  {number + 1} seen", flush=True)
        if labels is not None:
            print(f"  {kind} of {rows} x {columns}: {facts['clusters']} by {facts['algorithm']}", flush=True)
    return found


STRUCTURELESS = {
    "normal": lambda rng, rows, columns: rng.normal(size=(rows, columns)),
    "correlated": lambda rng, rows, columns: rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)),
    "uniform": lambda rng, rows, columns: rng.uniform(size=(rows, columns)),
    "log-normal": lambda rng, rows, columns: rng.lognormal(size=(rows, columns)),
    "heavy tails": lambda rng, rows, columns: rng.standard_t(4, size=(rows, columns)),
    "counts": lambda rng, rows, columns: rng.poisson(3.0, size=(rows, columns)).astype(float),
}
"""Kinds of tables that are one cloud."""


def _shown(line: dict[str, Any]) -> str:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    return (
        f"{line['table']:11} {line['rows']:6,}  {line['algorithm']:18} {line['clusters']:2}  {number(line['stability']):9}  "
        f"{number(line['agreement']):5} {number(line['again']):6} {line['seconds']:5} {line['sklearn_clusters']:16} "
        f"{number(line['sklearn_agreement'])}"
    )


if __name__ == "__main__":
    main()
