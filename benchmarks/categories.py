"""What each way with categories is worth to LightGBM, on rows that nothing was learnt from.

    python -m benchmarks.categories TABLE TARGET --rows 20000 --seeds 3 --json categories.json

Each seed takes its rows of the table at random and sets a holdout aside as a training does. The parameters are the first that a
search within a budget tries, the rounds those that early stopping finds on three folds; the holdout's loss (log loss, or root mean
squared error) is of one fit to all the rest. Beside each encoder stands the one that the folds' loss would choose, with sets of
categories (`native`) among them and without.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.base import Params
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.fitting import raw_table
from switchyard.tabular.model.model import encode_target
from switchyard.tabular.tables.folds import make_folds
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import Split, split_table
from switchyard.tabular.tables.table import model_frame
from switchyard.tabular.tuning.crossval import training_target

FAMILY = FAMILIES["lightgbm"]


def main() -> None:
    """Print the figures of each seed and their means; `--json` writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("target")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    frame = pd.read_csv(options.table).rename(columns=str.strip)
    frame = frame[frame[options.target.strip()].notna()]
    found = []
    for seed in range(options.seeds):
        rows = frame.sample(min(options.rows, len(frame)), random_state=seed).reset_index(drop=True)
        found.append(compared(rows, options.target.strip(), seed))
        print(seed, {name: round(figures["holdout"], 5) for name, figures in found[-1].items()}, flush=True)
    for without, chosen in (("without", FAMILY.encoders[:-1]), ("with", FAMILY.encoders)):
        picked = [min(chosen, key=lambda name: figures[name]["folds"]) for figures in found]
        ratios = [figures[name]["holdout"] / figures["auto"]["holdout"] - 1 for name, figures in zip(picked, found)]
        print(f"the better by the folds, {without} sets: {np.mean(ratios):+.2%} ({', '.join(picked)})")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def compared(frame: pd.DataFrame, target: str, seed: int) -> dict[str, dict[str, float]]:
    """Loss on the folds and on the holdout, and CPU seconds, by encoder."""
    config = {"name": "categories", "data": {"source": "the frame", "target": target}, "tuning": {"folds": 3, "seed": seed}}
    table, problem, *_ = resolve(raw_table(frame), problem_from(config, "benchmark"))
    split = split_table(table, problem)
    return {encoder: of_encoder(encoder, split, problem) for encoder in FAMILY.encoders}


def of_encoder(encoder: str, split: Split, problem: Problem) -> dict[str, float]:
    """One row of `compared`."""
    plan = plan_features(split, {}, problem)
    y, classes = training_target(split, problem)
    target = split.holdout[problem.data.target]
    truth = encode_target(target, classes) if classes else target.to_numpy(float)
    known, rest = model_frame(split.train, plan.used), model_frame(split.holdout, plan.used)
    start = FAMILY.default_params(problem.task, *known.shape) | FAMILY.start_points[0]

    def answered(
        rows: pd.DataFrame, right: np.ndarray, others: pd.DataFrame, params: Params, watched: np.ndarray | None = None
    ) -> tuple[int, np.ndarray]:
        preprocessor = build_preprocessor(plan, "tree", {"encoder": encoder})
        matrix = preprocessor.fit_transform(rows, right)
        other = np.asarray(preprocessor.transform(others), dtype=np.float32)
        estimator = FAMILY.build(problem.task, params, problem.tuning.seed, len(classes), 1, preprocessor.categorical_sizes_)
        estimator.fit(matrix, right, None if watched is None else (other, watched))
        return estimator.best_iteration_, estimator.predict_proba(other) if classes else estimator.predict(other)

    began, rounds, losses = time.process_time(), [], []
    for train, valid in make_folds(split, problem):
        best, answers = answered(known.iloc[train], y[train], known.iloc[valid], start, y[valid])
        rounds.append(best)
        losses.append(loss(y[valid], answers, len(classes)))
    _, answers = answered(known, y, rest, {**start, "iterations": max(1, int(np.mean(rounds)))})
    holdout = loss(truth, answers, len(classes))
    return {"folds": float(np.mean(losses)), "holdout": holdout, "cpu_s": time.process_time() - began}


def loss(truth: np.ndarray, answers: np.ndarray, classes: int) -> float:
    """Log loss of class codes, or the root of the mean squared error."""
    if classes:
        return float(log_loss(truth, np.clip(answers, 1e-15, 1.0), labels=range(classes)))
    return float(np.sqrt(np.mean((truth - answers) ** 2)))


if __name__ == "__main__":
    main()
