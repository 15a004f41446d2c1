"""CatBoost: what the graph answers is what CatBoost does, at its borders too, and what it refuses to fit has an answer."""

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("catboost", reason="of the extra: pip install catboost")

from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families.catboost import PARTS, CatBoost
from tests.switchyard.tabular.families.test_families import matrix

FAMILY = PARTS[0]
TASKS = {"binary": 2, "multiclass": 3, "regression": 0, "poisson": 0, "tweedie": 0}


def data(task: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = matrix(task if TASKS[task] else "regression")
    return X, np.exp((y - 1e6) / 4e3).round(0 if task == "poisson" else 2) if task in ("poisson", "tweedie") else y


def fitted(task: str, X: np.ndarray, y: np.ndarray, **params: object) -> CatBoost:
    settings = {**FAMILY.default_params(task, len(X), X.shape[1]), "iterations": 60, "patience": 10, **params}
    half = len(X) // 2
    weights = np.linspace(0.5, 2.0, len(X))
    return FAMILY.build(task, settings, 3, TASKS[task], 1).fit(
        X[:half], y[:half], (X[half:], y[half:]), weights=weights[:half], eval_weights=weights[half:]
    )


def answer_of_graph(estimator: CatBoost, X: np.ndarray) -> np.ndarray:
    graph = Graph()
    graph.output(FAMILY.emit(graph, estimator, graph.input("x", "float", X.shape[1])), "margins", "double", ("n", estimator.width))
    return onnxruntime.InferenceSession(graph.finish().SerializeToString()).run(None, {"x": X})[0]


def at_the_borders(estimator: CatBoost, X: np.ndarray) -> np.ndarray:
    rows = [X, *(np.full((1, X.shape[1]), value) for value in (np.inf, -np.inf, np.nan))]
    for column, borders in estimator.model_.get_borders().items():
        edges = np.asarray(borders, dtype=np.float32)
        edges = edges[np.isfinite(edges) & (np.abs(edges) < 1e30)]
        values = np.concatenate([edges, np.nextafter(edges, np.float32(-np.inf)), np.nextafter(edges, np.float32(np.inf))])
        some = X[np.arange(len(values)) % len(X)].copy()
        some[:, column] = values
        rows.append(some)
    return np.vstack(rows).astype(np.float32)


@pytest.mark.parametrize("gaps", ["Min", "Max"])
@pytest.mark.parametrize("task", TASKS)
def test_the_graph_takes_every_border_gap_and_infinity_as_catboost_does(task, gaps, tmp_path):
    X, y = data(task)
    estimator = fitted(task, X, y, nan_mode=gaps)
    asked = at_the_borders(estimator, X)
    assert len(asked) > 2 * len(X)
    assert np.abs(answer_of_graph(estimator, asked) - estimator.margins(asked)).max() < 1e-6

    same, folders = fitted(task, X, y, nan_mode=gaps), [tmp_path / "first", tmp_path / "second"]
    for made, folder in zip((estimator, same), folders):
        folder.mkdir()
        made.write(folder)
    assert (folders[0] / "booster.cbm").read_bytes() == (folders[1] / "booster.cbm").read_bytes()
    assert np.array_equal(FAMILY.read(folders[0]).margins(asked), estimator.margins(asked))


def test_the_best_iteration_is_kept_and_can_be_repeated_without_an_eval_set():
    X, y = data("binary")
    y = np.where(np.random.default_rng(1).random(len(y)) < 0.3, 1 - y, y)
    watched = fitted("binary", X, y, iterations=500, learning_rate=0.3)
    assert 0 < watched.best_iteration_ < 400 and watched.model_.tree_count_ == watched.best_iteration_
    half = len(X) // 2
    alone = FAMILY.build("binary", FAMILY.with_iterations(watched.params, watched.best_iteration_), 3, 2, 1)
    alone.fit(X[:half], y[:half], weights=np.linspace(0.5, 2.0, len(X))[:half])
    assert np.allclose(alone.margins(X), watched.margins(X), atol=1e-9)


@pytest.mark.parametrize("what", ["one class", "one value of all columns", "one value of the target"])
def test_where_there_is_nothing_to_learn_the_answer_is_the_share_or_the_mean(what, tmp_path):
    X, y = data("regression" if "target" in what else "binary")
    X, y = (np.ones_like(X), y) if "columns" in what else (X, np.full_like(y, y[0]))
    estimator = fitted("regression" if "target" in what else "binary", X, y)
    estimator.write(tmp_path)
    assert np.allclose(answer_of_graph(estimator, X), FAMILY.read(tmp_path).margins(X), atol=1e-6)
    if "target" in what:
        assert np.allclose(estimator.predict(X), y[0])
    else:
        assert np.allclose(estimator.predict_proba(X)[:, 1], np.average(y[:200], weights=np.linspace(0.5, 2.0, 400)[:200]), atol=0.01)
