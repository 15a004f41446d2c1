"""Our search against LightGBM's defaults and other AutoML libraries: same split, same columns, same budget.

    python -m benchmarks.automl --tables ../shared/data --budget 60 --json automl.json

Runs the library alone, without orchestration. FLAML, AutoGluon and mljar-supervised take part when they are installed;
each gets the training part as a DataFrame and the whole budget, and all are scored on the same holdout. Reported are
roc_auc (binary), log_loss (multiclass) or r2 (regression), and wall seconds with refit and, for ours, export and parity.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from switchyard.tabular.config.problem import Problem, problem_from
from switchyard.tabular.evaluation.baselines import fit_baselines
from switchyard.tabular.export.bundle import check_parity, write_bundle
from switchyard.tabular.features.plan import FeaturePlan, plan_features
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.model.ensemble import budget_left, build_ensemble
from switchyard.tabular.model.model import encode_target
from switchyard.tabular.quality import check_quality
from switchyard.tabular.tables.reading.sources import read_source
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import Split, split_table
from switchyard.tabular.tuning import StudyStore, study_key, tune_family
from switchyard.tabular.tuning.crossval import training_target
from switchyard.tabular.tuning.leaderboard import LiveLeaderboard

SHARED = {
    "adult": {"source": "adult.csv.gz", "target": "income"},
    "ames": {"source": "ames_housing.csv.gz", "target": "SalePrice"},
    "bank": {"source": "bank_marketing.csv.gz", "target": "y", "time_column": "@row"},
}
"""Tables by name, as the `data` section of a config; sources are relative to --tables."""
SCORES = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "r2"}


@dataclass(frozen=True)
class Case:
    """One table, ready to learn from."""

    name: str
    split: Split
    plan: FeaturePlan
    problem: Problem
    classes: tuple[str, ...]

    def score(self, predicted: np.ndarray) -> float:
        """Of the holdout: `predicted` has probabilities of shape (n, n_classes), or values of shape (n,)."""
        values = self.split.holdout[self.problem.data.target]
        truth = encode_target(values, self.classes) if self.classes else values.to_numpy("float64")
        return METRICS[SCORES[self.problem.task]].function(truth, predicted)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Training part and holdout with the columns our model sees and the target."""
        columns = [*(column.name for column in self.plan.used), self.problem.data.target]
        return self.split.train[columns], self.split.holdout[columns]


@dataclass(frozen=True)
class Result:
    """What one contestant reached on one table."""

    table: str
    contestant: str
    metric: str
    score: float
    seconds: float
    note: str = ""


def read_case(name: str, data: Mapping[str, str], folder: Path, budget_s: float, trials: int | None, seed: int) -> Case:
    """Read, resolve, split and plan a table as the training pipeline does."""
    tuning = {"budget_s": budget_s, "trials": trials, "seed": seed}
    problem = problem_from({"name": name, "data": {**data, "source": str(folder / data["source"])}, "tuning": tuning}, name)
    table, problem, *_ = resolve(read_source(problem.data), problem)
    split = split_table(table, problem)
    plan = plan_features(split, check_quality(split, problem).dropped, problem)
    return Case(name, split, plan, problem, training_target(split, problem)[1])


def ours(case: Case) -> tuple[np.ndarray, str]:
    """Tune every family, combine, export, check parity."""
    with tempfile.TemporaryDirectory() as folder, LiveLeaderboard() as leaderboard:
        began = time.monotonic()
        store = StudyStore(folder, study_key(case.split, case.plan, case.problem, "benchmark"))
        studies = [tune_family(case.split, case.plan, case.problem, family, store, leaderboard) for family in case.problem.tuning.families]
        model, board = build_ensemble(studies, case.split, case.plan, case.problem, budget_left(studies, case.split, case.problem))
        fitted = time.monotonic()
        bundle = write_bundle(model, case.split, Path(folder), case.name, case.problem.metric)
        check_parity(model, bundle, case.split.holdout)
        logging.getLogger(__name__).info("exported and compared in %.1f s, after %.1f s", time.monotonic() - fitted, fitted - began)
    trials = ", ".join(f"{study.family} {len(study.trials)}" for study in studies)
    predicted = model.predict_proba(case.split.holdout) if case.classes else model.predict(case.split.holdout)
    return predicted, f"{board.winner.name}: cv {board.metric} {board.winner.score:.5g}; trials: {trials}"


def lightgbm_defaults(case: Case) -> tuple[np.ndarray, str]:
    """The baseline of every training run."""
    found = fit_baselines(case.split, case.plan.used, case.problem, case.classes).predictions["lightgbm_defaults"]
    return (found.probabilities if case.classes else found.values), ""


def flaml(case: Case) -> tuple[np.ndarray, str]:
    from flaml import AutoML

    train, holdout = case.frames()
    target = case.problem.data.target
    automl = AutoML()
    automl.fit(
        train.drop(columns=target),
        _target(case),
        task="regression" if not case.classes else "classification",
        metric="r2" if not case.classes else SCORES[case.problem.task],
        time_budget=case.problem.tuning.budget_s,
        seed=case.problem.tuning.seed,
        verbose=0,
    )
    features = holdout.drop(columns=target)
    return (automl.predict_proba(features) if case.classes else automl.predict(features)), str(automl.best_estimator)


def autogluon(case: Case) -> tuple[np.ndarray, str]:
    from autogluon.tabular import TabularPredictor

    train, holdout = case.frames()
    target = case.problem.data.target
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(target, eval_metric=SCORES[case.problem.task], path=folder, verbosity=0)
        predictor.fit(train.assign(**{target: _target(case)}), time_limit=case.problem.tuning.budget_s)
        features = holdout.drop(columns=target)
        predicted = predictor.predict_proba(features) if case.classes else predictor.predict(features)
        return predicted.to_numpy(), str(predictor.model_best)


def mljar(case: Case) -> tuple[np.ndarray, str]:
    from supervised.automl import AutoML

    train, holdout = case.frames()
    target = case.problem.data.target
    with tempfile.TemporaryDirectory() as folder:
        automl = AutoML(
            results_path=folder,
            mode="Compete",
            total_time_limit=int(case.problem.tuning.budget_s),
            random_state=case.problem.tuning.seed,
            eval_metric={"binary": "auc", "multiclass": "logloss", "regression": "r2"}[case.problem.task],
            verbose=0,
        )
        automl.fit(train.drop(columns=target), _target(case))
        features = holdout.drop(columns=target)
        return (automl.predict_proba(features) if case.classes else automl.predict(features)), ""


def _target(case: Case) -> np.ndarray:
    return training_target(case.split, case.problem)[0]


CONTESTANTS: dict[str, tuple[Callable[[Case], tuple[np.ndarray, str]], str]] = {
    "switchyard": (ours, "tabular"),
    "lightgbm_defaults": (lightgbm_defaults, "lightgbm"),
    "flaml": (flaml, "flaml"),
    "autogluon": (autogluon, "autogluon"),
    "mljar": (mljar, "supervised"),
}
"""Contestant by name, with the module that must be installed for it."""


def compare(case: Case, names: list[str]) -> list[Result]:
    """Let each named contestant that is installed learn `case`."""
    results = []
    for name in names:
        contestant, module = CONTESTANTS[name]
        if importlib.util.find_spec(module) is None:
            continue
        began = time.monotonic()
        predicted, note = contestant(case)
        seconds = time.monotonic() - began
        results.append(Result(case.name, name, SCORES[case.problem.task], case.score(predicted), round(seconds, 1), note))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=Path, default=Path("../shared/data"), help="folder of the tables")
    parser.add_argument("--only", nargs="+", choices=list(SHARED), default=list(SHARED), help="tables to run")
    everyone = list(CONTESTANTS)
    parser.add_argument("--against", nargs="*", choices=everyone, default=everyone, help="contestants that run, if installed")
    parser.add_argument("--budget", type=float, default=60.0, help="wall seconds per table and contestant")
    parser.add_argument("--trials", type=int, help="for ours: trials per family instead of a budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where the results go")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)7d ms %(message)s")
    results = []
    for name in arguments.only:
        case = read_case(name, SHARED[name], arguments.tables, arguments.budget, arguments.trials, arguments.seed)
        results += compare(case, arguments.against)
    table = Table("table", "contestant", "metric", "holdout", "seconds", "note")
    for result in results:
        table.add_row(result.table, result.contestant, result.metric, f"{result.score:.5f}", f"{result.seconds:.1f}", result.note)
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
