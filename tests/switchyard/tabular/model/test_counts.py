"""Regressions of counts: answers are never below zero, every family learns them, and the graph answers as the model does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import switchyard
from switchyard.tabular.config.problem import problem_from
from switchyard.tabular.errors import InputError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.metrics import METRICS
from switchyard.tabular.metrics.counts import COUNTS
from switchyard.tabular.tables.reading.source import RawTable
from switchyard.tabular.tables.resolve import resolve
from tests.switchyard.tabular.model.cases import small_params

RNG = np.random.default_rng(0)
FAMILY_NAMES = ("lightgbm", "xgboost", "random_forest", "neural_network")


def _rides(rows: int = 400, amounts: bool = False) -> pd.DataFrame:
    frame = pd.DataFrame({"warm": RNG.normal(size=rows), "day": RNG.choice(["week", "weekend"], rows)})
    mean = np.exp(-0.5 + 1.2 * frame.warm + 0.7 * (frame.day == "weekend"))
    counted = RNG.poisson(mean)
    return frame.assign(rides=counted * RNG.gamma(2.0, 1.0, rows) if amounts else counted)


def _settled(frame: pd.DataFrame, **settings: object):
    data = {"source": "rides.csv", "target": "rides"}
    problem = problem_from({"name": "rides", "data": data, "objective": "count", **settings}, "here")
    return resolve(RawTable(frame, "rides.csv", ""), problem)


def test_whole_numbers_are_learnt_by_poisson_and_amounts_with_many_zeros_by_tweedie():
    _, whole, notes = _settled(_rides())
    _, amounts, _ = _settled(_rides(amounts=True))

    assert (whole.task, whole.objective, whole.metric) == ("regression", "poisson", "poisson_deviance")
    assert (amounts.objective, amounts.metric) == ("tweedie", "tweedie_deviance")
    assert any(note.startswith("'rides' is learnt as a count by the Poisson loss") for note in notes)
    assert _settled(_rides(), metric="mae").problem.metric == "mae"


@pytest.mark.parametrize("settings", [{"objective": "count"}, {"objective": "auto", "task": "regression", "metric": "poisson_deviance"}])
def test_a_count_below_zero_is_refused_by_its_row(settings):
    frame = _rides()
    frame.loc[11, "rides"] = -3
    with pytest.raises(InputError, match="target 'rides' is -3 in row 12, and no count is below zero"):
        _settled(frame, **settings)


def test_a_count_of_hardly_anything_is_refused_by_how_much_there_is():
    frame = _rides()
    frame["rides"] = [3, 1, *[0] * (len(frame) - 2)]
    with pytest.raises(InputError, match="target 'rides' is above zero in 2 rows of .*; a count is learnt from 5 such rows at least"):
        _settled(frame)


def test_classes_are_not_counted():
    with pytest.raises(InputError, match="objective: count is of task: regression, and the task is binary"):
        _settled(_rides(), task="binary")


@pytest.mark.parametrize("loss", COUNTS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_family_learns_counts_and_answers_nothing_below_zero(family, loss, tmp_path):
    X = RNG.normal(size=(900, 4)).astype(np.float32)
    X[RNG.random(X.shape) < 0.02] = np.nan
    y = RNG.poisson(np.exp(4.0 + np.nan_to_num(X[:, 0]))).astype(float)
    params = small_params(family, "regression") | ({"iterations": 40, "epochs": 40} if family == "neural_network" else {"iterations": 80})
    estimator = FAMILIES[family].build(loss, params, 0, 0, 1).fit(X[:600], y[:600], eval_set=(X[600:700], y[600:700]))
    found, metric = estimator.predict(X[700:]), METRICS[f"{loss}_deviance"]
    estimator.write(tmp_path)

    assert (found >= 0).all() and found.mean() == pytest.approx(y[700:].mean(), rel=0.2)
    assert metric.value(y[700:], found) < 0.3 * metric.value(y[700:], np.full(200, y[:600].mean()))
    assert np.array_equal(FAMILIES[family].read(tmp_path).predict(X), estimator.predict(X))


def test_zeros_alone_teach_nothing_and_say_so():
    with pytest.raises(ValueError, match="the target is 0 in every row"):
        FAMILIES["lightgbm"].build("poisson", small_params("lightgbm", "regression"), 0, 0, 1).fit(np.ones((5, 1)), np.zeros(5))


def test_a_fit_by_the_config_serves_counts_whose_graph_is_the_model():
    fitted = switchyard.fit(
        _rides(),
        "rides",
        trials=1,
        families=FAMILY_NAMES[:3],
        objective="count",
        evaluation={"bootstrap": 20},
        quality={"duplicate_rows": "warn"},
    )
    far = pd.DataFrame({"warm": [-30.0, 0.0, None], "day": ["week", "never seen", None]})
    answer = fitted.bundle.scorer().score({name: list(far[name]) for name in far})

    assert fitted.parity.largest_difference < 1e-6
    assert (answer.prediction >= 0).all() and (answer.lower >= 0).all() and (answer.lower == 0).any()
    assert fitted.evaluation.metric == "poisson_deviance" and fitted.evaluation.gains["constant"].value > 0
    assert not any(row.kind == "stacking" for row in fitted.leaderboard.entries)
    assert fitted.model.floor == 0.0
