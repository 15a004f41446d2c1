"""Rows of the prediction log, made by hand."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from switchyard.monitoring.experiment.counts import Counts
from switchyard.monitoring.experiment.record import Experiment, Stage
from switchyard.tabular.config.production import ExperimentConfig

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CLASSES = ("no", "yes")
SOUND = Counts(requests=1000, errors=0, latency=((1.0, 0), (5.0, 900), (10.0, 990), (25.0, 1000)))


def frame_of(version, entities, right, rng, rows=1, labelled=1.0):
    """`rows` predictions for each of `entities`, of which a share `right` is right."""
    entity = np.repeat(np.asarray(entities, dtype=object), rows)
    n = len(entity)
    truth, good = rng.random(n) < 0.5, rng.random(n) < right
    label = np.where(good, truth, ~truth)
    chance = np.where(label, 0.8, 0.2)
    known = rng.random(n) < labelled
    actual = np.where(truth, "yes", "no").astype(object)
    actual[~known] = None
    moments = pd.to_datetime([NOW - timedelta(days=1) + timedelta(seconds=number) for number in range(n)], utc=True)
    return pd.DataFrame(
        {
            "version": version,
            "request_id": [f"r-{version}-{number}" for number in range(n)],
            "entity_id": entity,
            "time": moments,
            "label": np.where(label, "yes", "no"),
            "probability.no": 1 - chance,
            "probability.yes": chance,
            "prediction": np.nan,
            "actual": actual,
            "actual_time": moments.where(known, pd.NaT),
            "input.amount": rng.normal(100.0, 10.0, n),
            "input.job": "nurse",
        }
    )


def experiment(**changes):
    stage = Stage(share=changes.pop("share", 0.5), since=NOW - timedelta(days=1))
    plain = {"model": "loans", "strategy": "ab", "candidate": "2", "champion": "1", "stages": (stage,), "planned": 1000}
    return Experiment(**{**plain, **changes})


def config(**changes):
    return ExperimentConfig.model_validate({"minimum_effect": 0.05, "min_labels": 50, **changes})
