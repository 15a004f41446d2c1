"""One contestant of `benchmarks.automl` on one table, in its own environment: `automl_contestants.py NAME FOLDER`.

`FOLDER` has `train.csv`, `fresh.csv` (the same columns without the target) and `task.json`. The contestant learns the first within its
budget and answers the second: `FOLDER/NAME/answers.npy` has probabilities of shape (n, n_classes) by the classes' order, or values of
shape (n,), and `found.json` the seconds that it learnt, the milliseconds that one row takes, the bytes of what answers, and a note.
Nothing is imported but what the contestant's environment has.
"""

from __future__ import annotations

import json
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
_SINGLE_ROWS = 30


@dataclass(frozen=True)
class Asked:
    """What a contestant is asked for; `task` is binary, multiclass or regression, `metric` roc_auc, log_loss or rmse."""

    target: str
    task: str
    metric: str
    classes: list[str]
    budget_s: float
    seed: int


@dataclass(frozen=True)
class Learnt:
    """Probabilities of `classes`, or values, for a frame; `kept` is the file or folder that does not go away."""

    answer: Callable[[pd.DataFrame], Any]
    classes: list[str]
    kept: Path
    note: str = ""


class Peer:
    """A library that learns from a frame and answers one."""

    def __init__(self, learn: Callable[[Asked, pd.DataFrame, pd.Series, Path], Learnt]) -> None:
        self._learn = learn

    def __call__(self, asked: Asked, folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
        train, fresh = (pd.read_csv(folder.parent / name) for name in ("train.csv", "fresh.csv"))
        truth = train.pop(asked.target).astype(str if asked.classes else float)
        began = time.monotonic()
        learnt = self._learn(asked, train, truth, folder)
        seconds = time.monotonic() - began
        answers = np.asarray(learnt.answer(fresh), dtype=float)
        if asked.classes:
            placed = np.zeros((len(fresh), len(asked.classes)))
            placed[:, [asked.classes.index(label) for label in learnt.classes]] = answers
            answers = placed
        latency_ms = _one_row(learnt.answer, [fresh.iloc[[row % len(fresh)]] for row in range(_SINGLE_ROWS)])
        return answers, {"seconds": seconds, "latency_ms": latency_ms, "bytes": _size(learnt.kept), "note": learnt.note}


def autogluon(presets: str, asked: Asked, features: pd.DataFrame, truth: pd.Series, folder: Path) -> Learnt:
    from autogluon.tabular import TabularPredictor

    metric = {"rmse": "root_mean_squared_error"}.get(asked.metric, asked.metric)
    kept = folder / "model"
    predictor = TabularPredictor(asked.target, problem_type=asked.task, eval_metric=metric, path=str(kept), verbosity=0)
    predictor.fit(features.assign(**{asked.target: truth}), time_limit=asked.budget_s, presets=f"{presets}_quality", num_gpus=0)
    if not asked.classes:
        return Learnt(predictor.predict, [], kept, str(predictor.model_best))
    return Learnt(predictor.predict_proba, list(predictor.class_labels), kept, str(predictor.model_best))


def flaml(asked: Asked, features: pd.DataFrame, truth: pd.Series, folder: Path) -> Learnt:
    from flaml import AutoML

    automl = AutoML()
    task = "classification" if asked.classes else "regression"
    settings = {"metric": asked.metric, "time_budget": asked.budget_s, "seed": asked.seed, "n_jobs": os.cpu_count(), "verbose": 0}
    automl.fit(features, truth.to_numpy(), task=task, **settings)
    kept, note = _pickled(automl, folder), str(automl.best_estimator)
    if not asked.classes:
        return Learnt(automl.predict, [], kept, note)
    return Learnt(automl.predict_proba, list(automl.classes_), kept, note)


def mljar(asked: Asked, features: pd.DataFrame, truth: pd.Series, folder: Path) -> Learnt:
    from supervised.automl import AutoML

    metric = {"roc_auc": "auc", "log_loss": "logloss"}.get(asked.metric, asked.metric)
    kept = folder / "model"
    settings = {"total_time_limit": int(asked.budget_s), "random_state": asked.seed, "n_jobs": os.cpu_count(), "verbose": 0}
    automl = AutoML(results_path=str(kept), mode="Compete", eval_metric=metric, **settings)
    automl.fit(features, truth)
    # It names its columns of probabilities only in predict_all.
    names = [str(name).removeprefix("prediction_") for name in automl.predict_all(features.head(2)).columns]
    return Learnt(automl.predict_proba if asked.classes else automl.predict, [name for name in names if name in asked.classes], kept)


def lightgbm_defaults(asked: Asked, features: pd.DataFrame, truth: pd.Series, folder: Path) -> Learnt:
    from lightgbm import LGBMClassifier, LGBMRegressor

    words = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
    known = {name: pd.CategoricalDtype(sorted(features[name].dropna().astype(str).unique())) for name in words}

    def typed(frame: pd.DataFrame) -> pd.DataFrame:
        found = frame.assign(**{name: frame[name].astype("str").astype(kind) for name, kind in known.items()})
        return found.set_axis([f"column {number}" for number in range(found.shape[1])], axis=1)

    kind = LGBMClassifier if asked.classes else LGBMRegressor
    model = kind(random_state=asked.seed, verbose=-1).fit(typed(features), truth)
    answer = model.predict_proba if asked.classes else model.predict
    return Learnt(lambda frame: answer(typed(frame)), list(model.classes_) if asked.classes else [], _pickled(model, folder))


def switchyard(asked: Asked, folder: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """`run.py` as a user runs it, with stores of its own; the registered bundle answers."""
    project, stores = folder / "project", str(folder / "stores")
    os.environ.update(ZENML_CONFIG_PATH=stores, PYTHONPATH=str(ROOT))
    subprocess.run([sys.executable, str(ROOT / "run.py"), "init", str(project)], check=True, stdout=subprocess.DEVNULL)

    def run(*arguments: str) -> float:
        began = time.monotonic()
        done = subprocess.run([sys.executable, "run.py", *arguments], cwd=project, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
        return time.monotonic() - began

    what = ("--target", asked.target, "--metric", asked.metric, "--budget", str(asked.budget_s), "--seed", str(asked.seed))
    seconds = run("training", "--data", str(folder.parent / "train.csv"), "--name", "asked", *what, "--summary", "summary.json")
    fresh, scored = folder.parent / "fresh.csv", project / "scored.parquet"
    run("inference", "--name", "asked", "--version", "1", "--data", str(fresh), "--output", str(scored), "--no-log")
    found = pd.read_parquet(scored)
    answers = found[[f"probability.{label}" for label in asked.classes]] if asked.classes else found["prediction"]

    sys.path.insert(0, str(ROOT))
    from switchyard.bundle import Bundle

    bundle = Bundle.read(next(Path(stores).glob("**/mlartifacts/**/bundle/model.onnx")).parent)
    rows = pd.read_csv(fresh, dtype=str, nrows=_SINGLE_ROWS).astype(object)
    columns = [{name: [None if value != value else value] for name, value in row.items()} for row in rows.to_dict("records")]
    summary = json.loads((project / "summary.json").read_text())
    note = f"{summary['model']['family']}, holdout {summary['scores']['holdout'][asked.metric]:.5g}"
    latency_ms = _one_row(bundle.scorer().score, columns)
    return answers.to_numpy(), {"seconds": seconds, "latency_ms": latency_ms, "bytes": int(bundle.megabytes * 1e6), "note": note}


def _one_row(answer: Callable[[Any], Any], rows: list[Any]) -> float:
    """Milliseconds of one row's answer: the median over `rows`, after a first one."""
    answer(rows[0])
    took = []
    for row in rows:
        began = time.perf_counter()
        answer(row)
        took.append(time.perf_counter() - began)
    return 1000 * statistics.median(took)


def _pickled(model: Any, folder: Path) -> Path:
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    return path


def _size(kept: Path) -> int:
    return sum(path.stat().st_size for path in ([kept] if kept.is_file() else kept.rglob("*")) if path.is_file())


CONTESTANTS: dict[str, Callable[[Asked, Path], tuple[np.ndarray, dict[str, Any]]]] = {
    "switchyard": switchyard,
    "lightgbm_defaults": Peer(lightgbm_defaults),
    "flaml": Peer(flaml),
    "mljar": Peer(mljar),
    **{f"autogluon_{presets}": Peer(partial(autogluon, presets)) for presets in ("medium", "good", "best")},
}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    own = folder / name
    own.mkdir()
    answers, found = CONTESTANTS[name](Asked(**json.loads((folder / "task.json").read_text())), own)
    np.save(own / "answers.npy", answers)
    (own / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
