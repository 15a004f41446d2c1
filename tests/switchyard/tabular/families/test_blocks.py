"""A family that learns from blocks learns what it learns from a matrix, where bins can be the same."""

from __future__ import annotations

import time

import numpy as np
import pytest

from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.blocks import BLOCK, Blocks


def matrix(rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    # Few values in each column, so that bins cut by some rows are those cut by all.
    X = rng.integers(0, 12, (rows, 5)).astype(np.float32)
    X[rng.random(X.shape) < 0.05] = np.nan
    score = np.nan_to_num(X).sum(axis=1) / 12 + rng.normal(0, 0.3, rows)
    return X, score, rng.uniform(0.5, 2.0, rows)


def blocks_of(X, first, step=700):
    blocks = Blocks(X[:first])
    for start in range(first, len(X), step):
        blocks.append(X[start : start + step])
    return blocks


@pytest.mark.parametrize("weighed", [False, True], ids=["alike", "weighed"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_booster_of_blocks_is_the_booster_of_the_matrix(name, task, weighed):
    X, score, weights = matrix()
    y = score if task == "regression" else np.digitize(score, np.quantile(score, [0.5] if task == "binary" else [0.3, 0.7]))
    family = FAMILIES[name]
    params = {**family.default_params(task, len(X), 5), "iterations": 15}
    classes = {"binary": 2, "multiclass": 3, "regression": 0}[task]
    found = []
    for features in (X, blocks_of(X, 1500)):
        fitted = family.build(task, params, seed=3, n_classes=classes)
        found.append(fitted.fit(features, y, weights=weights if weighed else None).margins(X))

    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_of_blocks_categories_are_split_into_sets_too():
    X, _, _ = matrix()
    y = np.where(np.isin(X[:, 4], (0, 3, 5, 8, 10)), -1.0, 1.0)
    family = FAMILIES["lightgbm"]
    # One split is all that there is, and only a set makes do with it.
    params = {**family.default_params("regression", len(X), 5), "iterations": 1, "num_leaves": 2, "learning_rate": 1.0}
    coded, ordered = (
        family.build("regression", params, categorical_sizes=sizes).fit(blocks_of(X, 1500), y).predict(X) for sizes in ([(4, 13)], [])
    )

    assert np.mean((coded - y) ** 2) < 0.001 < 0.1 < np.mean((ordered - y) ** 2)


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_booster_that_is_late_makes_fewer_and_larger_steps(name):
    X, score, _ = matrix()
    y = (score > np.median(score)).astype(int)
    family = FAMILIES[name]
    params = {**family.default_params("binary", len(X), 5), "learning_rate": 0.05}

    def answers(rounds, by=None):
        fitted = family.build("binary", {**params, "iterations": rounds}, n_classes=2).fit(blocks_of(X, 1500), y, by=by)
        return fitted.best_iteration_, fitted.predict_proba(X)[:, 1]

    (_, calm), (made, late) = answers(60), answers(60, by=time.monotonic())
    _, cut = answers(made)

    assert 12 <= made <= 18
    assert np.abs(late - calm).mean() < np.abs(cut - calm).mean() / 2


def test_blocks_give_their_rows_in_order(monkeypatch):
    X = np.arange(6000, dtype=np.float32).reshape(2000, 3)
    monkeypatch.setattr("switchyard.tabular.families.blocks.BLOCK", 300)
    blocks = blocks_of(X, 450)

    assert len(blocks) == 2000 and BLOCK != 300
    assert max(map(len, blocks)) == 300
    np.testing.assert_array_equal(np.concatenate(list(blocks)), X)
    np.testing.assert_array_equal(blocks.slice(100, 120), X[550:570])


def test_the_families_that_cannot_say_so():
    assert {name for name, family in FAMILIES.items() if family.estimator.streams} == {"lightgbm", "xgboost", "neural_network"}


def test_a_net_of_blocks_learns_what_only_the_blocks_show(monkeypatch):
    monkeypatch.setattr("switchyard.tabular.families.neural_rows.RUN", 8)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 3)).astype(np.float32)
    # In the order of its target, as tables are; the first rows, a uniform sample, are few.
    X = np.concatenate([X[:600], X[600:][np.argsort(X[600:, 0])]])
    y = (np.sin(3 * X).sum(axis=1) > 0).astype(int)
    family = FAMILIES["neural_network"]
    params = {**family.default_params("binary", 600, 3), "iterations": 100, "epochs": 100}
    new = rng.normal(size=(4000, 3)).astype(np.float32)
    truth = np.sin(3 * new).sum(axis=1) > 0

    few = family.build("binary", params, n_classes=2).fit(X[:600], y[:600])
    all_of_them = family.build("binary", params, n_classes=2).fit(blocks_of(X, 600), y)

    right = [float(((fitted.predict_proba(new)[:, 1] > 0.5) == truth).mean()) for fitted in (few, all_of_them)]
    assert all_of_them.best_iteration_ == 3
    assert right[1] > right[0] + 0.02, right


def test_a_pass_over_blocks_has_each_row_once():
    import torch

    from switchyard.tabular.families import neural_rows

    X = np.arange(5000, dtype=np.float32)[:, None]
    estimator = FAMILIES["neural_network"].build("regression", {}, n_classes=0)
    passes = neural_rows.Passes(blocks_of(X, 700), X[:, 0], estimator, None)
    seen = [batch[2].numpy() for batch in passes.one_pass(1, torch.Generator().manual_seed(0))]

    assert len(seen) == passes.batches(1) == 5000
    assert sorted(np.concatenate(seen).tolist()) == X[:, 0].tolist()
