"""Which settings boosting should try first, and whether pairs of numbers help: cross-validated losses over many tables.

    python -m benchmarks.starts --tables tables.json --json starts.json

`tables.json` names a file and a target for each table: `{"houses": ["houses.csv", "price"]}`, relative to itself. Each family is
fitted with each of its settings on the same three folds of at most `--rows` rows, one thread, stopped early on the fold that scores
it (log loss, or root mean squared error). The order of the settings is greedy: the next is the one that makes the smallest mean
regret together with those before it. A regret is normalised by table: 0 is the best of all settings, 1 the median one. Printed regrets
are those of orders learnt without the table. `--pairs` compares the first setting with and without pairs of numbers instead.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.fitting import raw_table
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.crossval import FoldSource, training_target

_PLAIN = {"min_sum_hessian_in_leaf": 1e-3, "bagging_fraction": 1.0, "bagging_freq": 0}
_BAGGED = {**_PLAIN, "bagging_fraction": 0.8, "bagging_freq": 1}
_RATES = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction")


def _leafwise(base: dict[str, Any], *values: float, **more: Any) -> dict[str, Any]:
    return {**base, **dict(zip(_RATES, values, strict=True)), **more}


def _depthwise(rate: float, depth: int, child: float, l2: float, rows: float, columns: float, **more: Any) -> dict[str, Any]:
    return {
        "learning_rate": rate, "max_depth": depth, "min_child_weight": child, "reg_lambda": l2, "subsample": rows,
        "colsample_bylevel": columns, **more,
    }  # fmt: skip


SETTINGS: dict[str, dict[str, dict[str, Any]]] = {
    "lightgbm": {
        "tuned defaults": {},
        "near the library's": _leafwise(_PLAIN, 0.05, 31, 20, 0.6),
        "slow": _leafwise(_PLAIN, 0.02, 31, 10, 0.4, iterations=2000),
        "extra": _leafwise(_PLAIN, 0.05, 64, 5, 0.8, extra_trees=True),
        "extra, L1": _leafwise(_PLAIN, 0.05, 32, 8, 0.6, extra_trees=True, lambda_l1=0.5, lambda_l2=1.0),
        "small trees": _leafwise(_PLAIN, 0.08, 8, 20, 0.6),
        "large trees": _leafwise(_PLAIN, 0.03, 128, 10, 0.4, lambda_l2=1.0),
        "L1": _leafwise(_BAGGED, 0.05, 31, 20, 0.5, lambda_l1=1.0, lambda_l2=5.0),
        "large leaves": _leafwise(_BAGGED, 0.05, 16, 60, 0.4, lambda_l2=1.0),
    },
    "xgboost": {
        "tuned defaults": {},
        "near the library's": {"max_depth": 5, "min_child_weight": 1.0, "reg_lambda": 1.0, "subsample": 0.9, "colsample_bylevel": 0.6},
        "slow": _depthwise(0.025, 5, 1.0, 1.0, 0.8, 0.5, iterations=2000),
        "shallow": _depthwise(0.1, 3, 1.0, 1.0, 0.9, 0.6),
        "deep": _depthwise(0.04, 8, 5.0, 2.0, 0.8, 0.4),
        "L1": _depthwise(0.05, 6, 1.0, 5.0, 0.8, 0.6, reg_alpha=1.0),
        "large leaves": _depthwise(0.05, 4, 10.0, 5.0, 0.7, 0.4),
        "quick": _depthwise(0.1, 6, 5.0, 1.0, 0.9, 0.5),
    },
}


def main() -> None:
    """Print each table's losses, then the orders with their regrets; `--json` writes the losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--only", nargs="+", help="Names of tables.")
    parser.add_argument("--families", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    named = json.loads(options.tables.read_text())
    found: dict[str, dict[str, dict[str, list[float]]]] = {family: {} for family in options.families}
    for name in options.only or named:
        source, classes = folds_of(options.tables.parent / named[name][0], named[name][1], options.rows)
        for family in options.families:
            settings = SETTINGS[family]
            tried = (
                {"without": ({}, {}), "with pairs": ({}, {"pairs": "make"})}
                if options.pairs
                else {key: (settings[key], {}) for key in settings}
            )
            found[family][name] = {key: losses(source, family, *tried[key], classes) for key in tried}
            shown = ", ".join(f"{key} {np.mean(values[:-1]):.5g} ({values[-1]:.1f} s)" for key, values in found[family][name].items())
            print(f"{name}, {family}: {shown}", flush=True)
    for family, tables in found.items():
        print(f"\n{family}")
        print(gains(tables) if options.pairs else regrets(tables))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def folds_of(path: Path, target: str, rows: int) -> tuple[FoldSource, int]:
    """Three folds of at most `rows` rows, and the number of classes."""
    frame = pd.read_csv(path)
    frame = frame[frame[target].notna()]
    frame = frame.sample(min(rows, len(frame)), random_state=0).reset_index(drop=True)
    data = {"source": str(path), "target": target}
    table, problem, *_ = resolve(raw_table(frame), problem_from({"name": "t", "data": data, "tuning": {"folds": 3}}, str(path)))
    split = Split(table.frame, table.frame, table.schema, "random", None)
    learnt, classes = training_target(split, problem)
    plan = plan_features(split, {}, problem)
    return FoldSource(split, plan, problem, make_folds(split, problem), learnt, str(path)), len(classes)


def losses(source: FoldSource, family: str, setting: dict[str, Any], choices: dict[str, str], classes: int) -> list[float]:
    """The loss of each fold, and at the end the processor seconds of all fits."""
    task = "regression" if not classes else "binary" if classes == 2 else "multiclass"
    result, began = [], 0.0
    for fold in range(len(source.folds)):
        data = source.get(FAMILIES[family].style, choices, fold)
        params = {**FAMILIES[family].default_params(task, len(data.train), data.train.shape[1]), **setting}
        now = time.process_time()
        fitted = FAMILIES[family].build(task, params, 0, classes, 1).fit(data.train, data.train_target, (data.valid, data.valid_target))
        began += time.process_time() - now
        if classes:
            said = fitted.predict_proba(data.valid)[np.arange(len(data.valid)), data.valid_target]
            result.append(float(-np.log(np.maximum(said, 1e-15)).mean()))
        else:
            result.append(float(np.sqrt(np.mean((fitted.predict(data.valid) - data.valid_target) ** 2))))
    return [*result, began]


def gains(tables: dict[str, dict[str, list[float]]]) -> str:
    """By how much pairs change the loss of each table, and its standard error over the folds."""
    lines = []
    for name, found in tables.items():
        change = 100 * (np.array(found["with pairs"][:-1]) / np.array(found["without"][:-1]) - 1)
        lines.append(f"| {name} | {change.mean():+.1f} ± {change.std(ddof=1) / len(change) ** 0.5:.1f} % |")
    return "\n".join(lines)


def regrets(tables: dict[str, dict[str, list[float]]], most: int = 4) -> str:
    """The greedy order and, for orders learnt without the table they are scored on, the mean regret after 1 to `most` settings."""
    names = list(next(iter(tables.values())))
    means = np.array([[np.mean(found[name][:-1]) for name in names] for found in tables.values()])
    best = means.min(axis=1, keepdims=True)
    regret = np.minimum((means - best) / np.maximum(np.median(means, axis=1, keepdims=True) - best, 1e-12), 5.0)
    left_out = np.zeros((len(regret), most))
    for table in range(len(regret)):
        order = greedy(np.delete(regret, table, axis=0), most)
        left_out[table] = [regret[table, order[: count + 1]].min() for count in range(most)]
    rows = {"learnt": left_out.mean(axis=0)}
    for pair in ([0, 1], [1, 0]):
        rows[", then ".join(names[place] for place in pair)] = np.array(
            [regret[:, pair[: count + 1]].min(axis=1).mean() for count in range(2)]
        )
    lines = [f"| {name} | {' | '.join(f'{value:.2f}' for value in values)} |" for name, values in rows.items()]
    return "\n".join([f"order: {', '.join(names[place] for place in greedy(regret, most))}", *lines])


def greedy(regret: np.ndarray, most: int) -> list[int]:
    """Positions of the settings, each the one that makes the smallest mean regret together with those before it."""
    order: list[int] = []
    for _ in range(most):
        rest = [place for place in range(regret.shape[1]) if place not in order]
        order.append(min(rest, key=lambda place: regret[:, [*order, place]].min(axis=1).mean()))
    return order


if __name__ == "__main__":
    main()
