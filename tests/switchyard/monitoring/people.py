"""People whose answers come from a bundle with known effects, so that what a monitor says can be held against the truth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from switchyard.bundle import Scorer
from switchyard.monitoring.look import Look
from switchyard.monitoring.reference import Reference, describe_reference
from switchyard.monitoring.table_window import window_of_table
from switchyard.monitoring.window import Window
from switchyard.predictionlog.database import labels, predictions
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.evaluation.evaluation import evaluate
from switchyard.tabular.evaluation.served import predict_served
from switchyard.tabular.explanation import explain
from switchyard.tabular.validation import infer_suite
from tests.switchyard.tabular.bundles import logistic_bundle
from tests.switchyard.tabular.cases import make_problem, make_split

START = datetime(2026, 1, 1)
DIGEST = "sha256:" + "1" * 64


def scorer() -> Scorer:
    return logistic_bundle()


def people(rows: int, seed: int, income: float = 50.0, noise: float = 0.0, flipped: bool = False) -> pd.DataFrame:
    """Rows with a target drawn from the bundle's own probabilities; `flipped` breaks that relation."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(income, 15, rows),
            "noise": rng.normal(noise, 1, rows),
            "job": rng.choice(["clerk", "cook", "smith"], rows).astype(object),
            "region": rng.choice(["north", "south"], rows).astype(object),
        }
    )
    chance = predict_served(scorer(), frame).probabilities[:, 1]
    chance = 1 - chance if flipped else chance
    frame["y"] = np.where(rng.random(rows) < chance, "yes", "no").astype(object)
    return frame


def problem(**sections: dict) -> Problem:
    evaluation = {"bootstrap": 100, "explained_rows": 60, "lime_rows": 0}
    return make_problem("binary", "roc_auc", evaluation=evaluation, data={"slice_columns": ["region"]}, **sections)


def reference(kind: str = "random", frame: pd.DataFrame | None = None) -> Reference:
    """Of 5,000 people, 3,000 of them trained on."""
    split, settings, model = make_split(people(5000, 0) if frame is None else frame, kind=kind), problem(), scorer()
    answers = predict_served(model, split.holdout)
    evaluation = evaluate(answers, split, settings, model.signature.classes, model.signature.threshold)
    return describe_reference(
        split, answers, model.signature, DIGEST, evaluation, explain(model, split, settings), infer_suite(split, settings), settings
    )


def window(frame: pd.DataFrame, past: Reference, most_rows: int = 50_000) -> Window:
    """`frame` as a window of its own."""
    return window_of_table(frame, scorer(), "small", "1", past.facts, Look(source="a table"), most_rows)


def fill(
    engine,
    frame: pd.DataFrame,
    begin: datetime = START,
    every: float = 1.0,
    version: str = "1",
    digest: str = DIGEST,
    role: str = "live",
    prefix: str = "",
):
    """Put `frame` into the log as answered predictions, one each `every` seconds; returns their ids."""
    answer = scorer().score({name: frame[name].to_numpy() for name in ("income", "noise", "job")})
    ids, rows = [], []
    for place, (row, probability, label) in enumerate(zip(frame.to_dict("records"), answer.probabilities, answer.labels)):
        identity = f"{prefix}{begin:%j%H%M%S}-{version}-{role}-{place}"
        moment = begin + timedelta(seconds=place * every)
        inputs = {name: row[name] for name in ("income", "noise", "job")}
        ids.append(identity)
        rows.append(
            {
                "prediction_id": identity, "role": role, "request_id": identity, "row": 0, "time": moment, "event_time": moment,
                "model": "small", "version": version, "digest": digest, "inputs": json.loads(json.dumps(inputs)),
                "probabilities": dict(zip(("no", "yes"), map(float, probability))), "label": label,
            }
        )  # fmt: skip
    with engine.begin() as connection:
        connection.execute(predictions.insert(), rows)
    return ids


def label(engine, ids, values, received: datetime, source: str = "late"):
    """One label for each of `ids`, as the feedback route writes them: repeated and contradicting ones too."""
    rows = [
        {
            "label_id": f"{identity}-{received:%j%H%M%S}-{source}-{place}",
            "prediction_id": identity,
            "value": value,
            "received": received,
            "source": source,
        }
        for place, (identity, value) in enumerate(zip(ids, values))
    ]
    with engine.begin() as connection:
        connection.execute(labels.insert(), rows)
