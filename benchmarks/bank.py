"""What monitoring says of bank marketing in file order: where it drifts, what of it matters, and how often it cries wolf.

    python -m benchmarks.bank --data bank_marketing.csv.gz --json bank.json

Types the commands that users type (`python run.py --pipeline training | deployment | monitoring --data WINDOW`), with the
shipped defaults, in one process, which spares the start of each: a model is trained on the first third of the rows and
deployed; then the rest is looked at in windows of 2,000 rows, in the file's order, each as a table with its labels. Last,
100 windows are drawn from the training period: half of them begin anywhere, half are rows drawn from everywhere in it.
Nothing happened there, so what the decision asks for is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from demo.commands import Commands
from demo.reset import forget, stop

MODEL, TARGET = "bank-watched", "y"
WINDOW = 2000


def main() -> None:
    """Run both parts and print a table of each; `--json` writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="bank_marketing.csv.gz, in file order.")
    parser.add_argument("--drawn", type=int, default=100, help="Windows from the training period; 0: only those in order.")
    parser.add_argument("--only-drawn", action="store_true", help="Leave those in order out.")
    parser.add_argument("--seed", type=int, default=0, help="Of what is drawn.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    table = pd.read_csv(options.data)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, (Path(name) / "log.txt").open("w", encoding="utf-8") as log:
        watched = Watched(Path(name), Commands(log))
        try:
            found["trained"] = watched.begin(table[: len(table) // 3])
            print(f"trained on {len(table) // 3:,} rows: ROC-AUC {found['trained']['roc_auc']:.4f} on its holdout")
            found["windows"] = [] if options.only_drawn else [shown(part) for part in watched.in_order(table)]
            found["drawn"] = watched.drawn(table[: len(table) // 3], options.drawn, options.seed)
        finally:
            stop(MODEL)
    for kind, actions in found["drawn"].items():
        print(f"{kind}: {', '.join(f'{count} {action}' for action, count in actions['decisions'].items())} in {actions['seconds']:.0f} s")
        for reason in actions["reasons"]:
            print(f"    {reason}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


class Watched:
    """A model of the first rows, and what monitoring says of others.

    Parameters
    ----------
    folder : Path
        For tables and the config.
    commands : Commands
    """

    def __init__(self, folder: Path, commands: Commands) -> None:
        self._folder, self._commands = folder, commands
        self._config = folder / "bank.yaml"

    def begin(self, past: pd.DataFrame) -> dict[str, Any]:
        """Train and deploy; the holdout's score."""
        from app.repository import ensure_stack

        ensure_stack(Path(__file__).resolve().parents[1])
        forget(MODEL)
        past.to_csv(self._folder / "past.csv", index=False)
        settings = {
            "name": MODEL,
            "data": {"source": str(self._folder / "past.csv"), "target": TARGET, "time_column": "@row"},
            "tuning": {"families": ["lightgbm"], "trials": 4},
        }
        self._config.write_text(yaml.safe_dump(settings))
        trained = self._commands.run("--pipeline", "training", "--config", str(self._config))
        self._commands.run("--pipeline", "deployment", "--config", str(self._config))
        return {"rows": len(past), "roc_auc": trained["scores"]["holdout"]["roc_auc"]}

    def look(self, rows: pd.DataFrame) -> dict[str, Any]:
        """The summary of one monitoring run."""
        path = self._folder / "window.csv"
        rows.to_csv(path, index=False)
        return self._commands.run("--pipeline", "monitoring", "--config", str(self._config), "--data", str(path))

    def in_order(self, table: pd.DataFrame) -> Iterator[dict[str, Any]]:
        """Every window of the file, one after the other."""
        for first in range(0, len(table) - WINDOW // 2, WINDOW):
            part = table[first : first + WINDOW]
            summary = self.look(part)
            columns = [column for column in summary["drift"]["columns"] if column["unusual"]]
            yield {
                "from": first,
                "rows": len(part),
                "positives": float(part[TARGET].mean()),
                "roc_auc": summary["scores"]["measured"]["roc_auc"],
                "estimated": summary["scores"]["estimated"]["roc_auc"],
                "drift": summary["drift"]["weighted_share"],
                "columns": [{key: column[key] for key in ("column", "weight", "effect")} for column in columns],
                "within": [column["column"] for column in summary["drift"]["columns"] if not column["unusual"]],
                "decision": summary["decision"],
                "rules": {rule["name"]: [rule["value"], rule["threshold"], rule["verdict"]] for rule in summary["rules"]},
                "seconds": summary["duration_s"],
            }

    def drawn(self, past: pd.DataFrame, windows: int, seed: int) -> dict[str, Any]:
        """What is decided about windows in which nothing happened."""
        rng, found = np.random.default_rng(seed), {}
        for kind in ("beginning anywhere", "rows from everywhere"):
            _forget_looks()
            actions, reasons, start = Counter[str](), [], time.perf_counter()
            for _ in range(windows // 2):
                anywhere = (
                    rng.choice(len(past), WINDOW, replace=False)
                    if kind.startswith("rows")
                    else rng.integers(len(past) - WINDOW) + np.arange(WINDOW)
                )
                at = np.sort(anywhere)
                summary = self.look(past.iloc[at])
                actions[summary["decision"]] += 1
                reasons += [f"rows from {at[0]:,}: {summary['reason']}"] if summary["decision"] != "nothing" else []
            found[kind] = {"decisions": dict(actions), "reasons": reasons, "seconds": time.perf_counter() - start}
        return found


def _forget_looks() -> None:
    from deployment.predictions import prediction_log
    from switchyard.monitoring.ledger import Ledger

    with prediction_log(MODEL, settle_s=0) as engine:
        Ledger(engine).forget(MODEL)


def shown(window: dict[str, Any]) -> dict[str, Any]:
    """Print one window of the file; it is handed on."""
    matter = ", ".join(f"{column['column']} {column['weight']:.0%}" for column in window["columns"][:3])
    print(
        f"{window['from']:>7,}  {window['positives']:5.1%} positive  ROC-AUC {window['roc_auc']:.3f} (estimated {window['estimated']:.3f})"
        f"  drift {window['drift']:4.0%} ({matter})  {window['decision']}  {window['seconds']:.1f} s",
        flush=True,
    )
    return window


if __name__ == "__main__":
    main()
