"""How often conformal sets hold the true class, on rows that nothing was learnt from, beside what was promised.

    python -m benchmarks.sets --seeds 20 --json sets.json

Each table is cut 70:30 once a seed, and LightGBM (or, where it says so, a logistic regression) answers the 70 % out of fold
and the 30 % when fitted to all of them, as `benchmarks.calibration` has it. Calibration and sets are learnt from the former by
the library's own functions; the share is counted on the latter.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

from benchmarks.calibration import TABLES, Table, answered
from switchyard.bundle import Sets
from switchyard.tabular.model.calibration import fit_calibrator
from switchyard.tabular.model.decision import least_probabilities


def _rare(seed: int) -> Table:
    made: Table = datasets.make_classification(4000, 12, n_informative=6, n_redundant=0, weights=[0.9], flip_y=0.05, random_state=seed)
    return made


def _eight(seed: int) -> Table:
    made: Table = datasets.make_classification(6000, 16, n_informative=10, n_redundant=0, n_classes=8, class_sep=0.7, random_state=seed)
    return made


def _coins(seed: int) -> Table:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(2000, 8)), rng.integers(0, 2, 2000)


OF_SETS: dict[str, tuple[Callable[[int], Table], str]] = {
    **{name: (make, "LightGBM") for name, make in TABLES.items() if name != "iris"},
    "iris": (TABLES["iris"], "logistic"),
    "rare": (_rare, "LightGBM"),
    "eight": (_eight, "LightGBM"),
    "coins": (_coins, "LightGBM"),
}
"""Those of `benchmarks.calibration`, and: a tenth of positives; eight classes; nothing to be learnt."""


def main() -> None:
    """Print a line for each table; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--coverage", type=float, default=0.9)
    parser.add_argument("--tables", nargs="+", choices=list(OF_SETS), default=list(OF_SETS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = []
    for table in options.tables:
        found.append(summed(table, [one(*OF_SETS[table], seed, options.coverage) for seed in range(options.seeds)]))
        print(shown(found[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def one(make: Callable[[int], Table], family: str, seed: int, coverage: float) -> dict[str, Any]:
    """Shares of the held out rows: whose set holds the truth, over all and by class, and whose set has no or one class."""
    oof, truth, answers, later = answered(make, family, seed)
    calibrator = fit_calibrator(oof, truth, "auto")
    result: dict[str, Any] = {}
    for name, each in (("overall", False), ("each_class", True)):
        sets = Sets(coverage, each, least_probabilities(calibrator.apply(oof), truth, coverage, each))
        members = sets.members(calibrator.apply(answers))
        held, sizes = members[np.arange(len(later)), later], members.sum(axis=1)
        result[name] = {
            "coverage": float(held.mean()),
            "classes": [float(held[later == code].mean()) for code in range(members.shape[1])],
            "size": float(sizes.mean()),
            "empty": float((sizes == 0).mean()),
            "single": float((sizes == 1).mean()),
        }
    result["accuracy"] = float((calibrator.apply(answers).argmax(axis=1) == later).mean())
    return result


def summed(table: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the seeds; of classes, the one whose mean share is the smallest."""
    found: dict[str, Any] = {"table": table, "seeds": len(runs), "accuracy": float(np.mean([run["accuracy"] for run in runs]))}
    for rule in ("overall", "each_class"):
        parts = [run[rule] for run in runs]
        found[rule] = {name: float(np.mean([part[name] for part in parts])) for name in ("coverage", "size", "empty", "single")}
        found[rule]["error"] = float(np.std([part["coverage"] for part in parts], ddof=1) / len(parts) ** 0.5)
        found[rule]["rarest"] = float(np.mean([part["classes"] for part in parts], axis=0).min())
    return found


def shown(row: dict[str, Any]) -> str:
    """The row as one of a Markdown table."""
    cells = [row["table"], f"{row['accuracy']:.3f}"]
    for rule in ("overall", "each_class"):
        part = row[rule]
        cells += [f"{part['coverage']:.3f} ± {part['error']:.3f}", f"{part['rarest']:.3f}", f"{part['size']:.2f}", f"{part['single']:.0%}"]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
