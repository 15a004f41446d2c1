"""Every family: repeatable, kept without loss, stopped in time, and sound on degenerate data."""

import json
import time

import numpy as np
import pytest

from switchyard.tabular.errors import InputError
from switchyard.tabular.families import FAMILIES
from tests.switchyard.tabular.model.cases import CLASSES, FAMILY_NAMES, TASKS, small_params


def matrix(task: str, rows: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 6)).astype(np.float32)
    X[:, 5] = rng.integers(0, 4, rows)
    signal = 2 * X[:, 0] + X[:, 1] * X[:, 2] + (X[:, 5] == 2)
    X[rng.random(X.shape) < 0.05] = np.nan
    if task == "regression":
        return X, 1e6 + 1e3 * signal
    return X, np.digitize(signal, [0.0] if task == "binary" else [-1.0, 1.0])


def build(family: str, task: str, **params: object):
    return FAMILIES[family].build(task, {**small_params(family, task), **params}, 3, len(CLASSES[task]), 1, [(5, 4)])


def answers(estimator, X: np.ndarray) -> np.ndarray:
    return estimator.predict(X) if estimator.task == "regression" else estimator.predict_proba(X)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_same_seed_same_model_and_reading_back_loses_nothing(family, task, tmp_path):
    X, y = matrix(task)
    first, second = (build(family, task).fit(X, y) for _ in range(2))
    folders = [tmp_path / "first", tmp_path / "second"]
    for estimator, folder in zip((first, second), folders):
        folder.mkdir()
        estimator.write(folder)
    again = FAMILIES[family].read(folders[0])

    assert np.array_equal(answers(first, X), answers(again, X))
    assert again.best_iteration_ == first.best_iteration_
    for file in folders[0].iterdir():
        assert file.read_bytes() == (folders[1] / file.name).read_bytes(), file.name
        assert not file.name.endswith((".pkl", ".pickle", ".joblib"))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_learns(family, task):
    X, y = matrix(task, rows=900)
    more = {"iterations": 40, "epochs": 40} if family == "neural_network" else {"iterations": 80}
    estimator = build(family, task, **more).fit(X[:600], y[:600])
    found = answers(estimator, X[600:])
    if task == "regression":
        assert np.mean((found - y[600:]) ** 2) < 0.5 * y[600:].var()
    else:
        assert found.shape == (300, len(CLASSES[task])) and np.allclose(found.sum(axis=1), 1)
        assert np.mean(found.argmax(axis=1) == y[600:]) > 0.7


@pytest.mark.parametrize("family", ["lightgbm", "xgboost"])
def test_early_stopping_keeps_the_best_iteration_and_can_be_repeated_without_an_eval_set(family):
    X, y = matrix("binary", rows=400)
    noise = np.random.default_rng(1).random(400) < 0.3
    y = np.where(noise, 1 - y, y)
    losses = {}
    watched = build(family, "binary", iterations=500, patience=20, learning_rate=0.3)
    watched.fit(X[:250], y[:250], (X[250:], y[250:]), report=lambda step, loss: losses.setdefault(step, loss) is None)
    assert 0 < watched.best_iteration_ < 400 and losses
    refitted = build(family, "binary", **{**watched.params, "iterations": watched.best_iteration_}).fit(X[:250], y[:250])
    assert np.allclose(refitted.predict_proba(X), watched.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_deadline_ends_the_fit_with_a_usable_model(family):
    X, y = matrix("regression", rows=3000)
    estimator = build(family, "regression", iterations=4000)
    start = time.monotonic()
    estimator.fit(X, y, deadline=start + 0.3)
    assert time.monotonic() - start < 12
    assert 1 <= estimator.best_iteration_ < 4000
    assert np.isfinite(estimator.predict(X)).all()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_report_can_prune(family):
    X, y = matrix("binary")
    seen = []

    def report(step: int, loss: float) -> bool:
        seen.append((step, loss))
        return len(seen) == 2

    estimator = build(family, "binary", iterations=200)
    estimator.fit(X[:300], y[:300], (X[300:], y[300:]), report=report)
    assert len(seen) == 2 and estimator.best_iteration_ <= seen[1][0] < 200
    assert all(np.isfinite(loss) for _, loss in seen)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_degenerate_tables(family, task):
    rng = np.random.default_rng(0)
    tables = {
        "constant": (np.ones((40, 6), dtype=np.float32), np.arange(40) % 2),
        "one class": (rng.normal(size=(40, 6)).astype(np.float32), np.zeros(40, dtype=int)),
        "six rows": (rng.normal(size=(6, 6)).astype(np.float32), np.arange(6) % 2),
        "nothing known": (np.full((30, 6), np.nan, dtype=np.float32), np.arange(30) % 2),
    }
    for name, (X, y) in tables.items():
        estimator = build(family, task).fit(X, y)
        assert np.isfinite(answers(estimator, X)).all(), name


def test_checkpoint_of_the_net_is_its_best_epoch(tmp_path):
    X, y = matrix("binary")
    estimator = build("neural_network", "binary")
    estimator.checkpoint = tmp_path / "best.npz"
    estimator.fit(X[:300], y[:300], (X[300:], y[300:]))
    estimator.write(tmp_path)
    assert (tmp_path / "best.npz").read_bytes() == (tmp_path / "network.npz").read_bytes()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_suggested_parameters_are_plain_json(family):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for task in TASKS:
        trial = optuna.create_study().ask()
        params = FAMILIES[family].suggest(trial, task, 100, 3)
        assert json.loads(json.dumps(params)) == params and params["iterations"] >= 1


def test_unknown_family_is_named():
    with pytest.raises(InputError, match="no model family 'catboost'.*lightgbm, xgboost"):
        FAMILIES["catboost"]


@pytest.mark.parametrize("rows", [8, 16, 33, 80])
def test_a_net_of_one_epoch_is_fitted_to_few_rows(rows):
    X, y = matrix("regression", rows)
    estimator = build("neural_network", "regression", iterations=1, epochs=1, batch_size=16).fit(X, y)
    assert np.isfinite(estimator.predict(X)).all()
