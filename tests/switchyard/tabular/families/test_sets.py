"""Trees that split categories into sets: the graph answers as the library does, whatever stands beside them, and a search finds them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import switchyard
from switchyard.tabular.export.graph import Graph
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.features.outliers import IsolationFlag
from tests.switchyard.tabular.model.cases import CLASSES, TASKS

CODES = 3000
BESIDE = ("random_forest", "xgboost")


def coded(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Codes of many categories, of few, and three numbers with gaps; and what follows from them."""
    rng = np.random.default_rng(0)
    many, few = rng.integers(0, CODES, rows) // rng.integers(1, 40, rows), rng.integers(0, 12, rows)
    X = np.column_stack([many, few, rng.normal(size=(rows, 3))]).astype(np.float32)
    effect = rng.normal(size=CODES)
    score = 2 * effect[many] + effect[few] + X[:, 3] + rng.normal(0, 0.3, rows)
    X[rng.random(rows) < 0.1, 2] = np.nan
    return X, score


def unseen(X: np.ndarray) -> np.ndarray:
    """`X` with codes that no training row has, below, above and beyond any word of bits, and with gaps among the codes."""
    strange = X.copy()
    for start, code in enumerate((CODES, CODES + 77, 1e6, -1, -np.inf, np.nan)):
        strange[100 * start : 100 * start + 100, 0] = code
    strange[600:700, 1] = np.nan
    return strange


@pytest.mark.parametrize("task", TASKS)
def test_a_graph_with_sets_answers_as_the_libraries_do_and_so_do_all_trees_in_it(task):
    X, score = coded()
    classes = len(CLASSES[task])
    y = score if task == "regression" else np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    rows = {"lightgbm": unseen(X), **{name: X[:, 2:] for name in BESIDE}}
    graph, fitted = Graph(), {}
    for name, matrix in rows.items():
        family = FAMILIES[name]
        sizes = [(0, CODES + 1), (1, 13)] if name == "lightgbm" else []
        params = {**family.default_params(task, len(X), 5), "iterations": 25}
        fitted[name] = family.build(task, params, 0, classes, 1, sizes).fit(X if sizes else X[:, 2:], y)
        emitted = family.emit(graph, fitted[name], graph.input(f"of_{name}", "float", matrix.shape[1]))
        graph.output(emitted, name, "double", ("n", fitted[name].width))
    flag = IsolationFlag((0, 1, 2)).fit(X[:, 2:].astype(np.float64))
    flagged = flag.compute(_Nodes(graph), graph.input("numbers", "double", 3))
    graph.output(flagged, "flagged", "double", ("n", 4))
    model = graph.finish()
    feeds = {f"of_{name}": matrix for name, matrix in rows.items()} | {"numbers": X[:, 2:].astype(np.float64)}
    answers = dict(zip((*rows, "flagged"), onnxruntime.InferenceSession(model.SerializeToString()).run(None, feeds), strict=True))

    assert {node.op_type for node in model.graph.node if node.op_type.startswith("Tree")} == {"TreeEnsemble"}
    np.testing.assert_allclose(answers["lightgbm"], fitted["lightgbm"].margins(rows["lightgbm"]), rtol=1e-12, atol=1e-12)
    for name in BESIDE:
        np.testing.assert_allclose(answers[name], fitted[name].margins(rows[name]), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(answers["flagged"], flag.transform(feeds["numbers"]))


class _Nodes:
    """Operators as nodes of a graph, whose other inputs are constants."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def __call__(self, name: str, *inputs: object, **attributes: object) -> str:
        return self._graph.node(name, *(given if isinstance(given, str) else self._graph.constant(given) for given in inputs), **attributes)


def test_without_sets_a_graph_keeps_the_form_of_before():
    X, score = coded(600)
    family, graph = FAMILIES["lightgbm"], Graph()
    fitted = family.build("regression", {**family.default_params("regression", 600, 5), "iterations": 3}, 0, 0, 1).fit(X, score)
    graph.output(family.emit(graph, fitted, graph.input("x", "float", 5)), "y", "double", ("n", 1))
    model = graph.finish()

    assert {opset.domain: opset.version for opset in model.opset_import} == {"": 19, "ai.onnx.ml": 3}
    assert "TreeEnsembleRegressor" in {node.op_type for node in model.graph.node}


def test_a_search_takes_sets_where_they_say_more_and_the_bundle_serves_them():
    rng, rows = np.random.default_rng(0), 2000
    town, shop, size = rng.integers(0, 20, rows), rng.choice(["a", "b", "c", "d"], rows), rng.normal(size=rows)
    frame = pd.DataFrame({"town": [f"town {number}" for number in town], "shop": shop, "size": size})
    # In half of the towns more size sells more, in the others less: which they are is said by no mean and no order.
    frame["sales"] = 100 + 20 * rng.choice([-1.0, 1.0], 20)[town] * size + (shop == "a") + rng.normal(size=rows)
    frame.loc[::50, "town"] = None

    settings = {"tuning": {"ensemble": False, "folds": 2}, "evaluation": {"bootstrap": 20}}
    fitted = switchyard.fit(frame, "sales", trials=2, families=["lightgbm"], **settings)
    new = frame.head(50).assign(town="a town of its own")

    (member,) = fitted.model.members
    assert [size for _, size in member.estimator.categorical_sizes] == [22, 5]
    assert not fitted.parity.differing_rows
    np.testing.assert_allclose(fitted.bundle.scorer().score_frame(new).prediction, fitted.predict(new), rtol=1e-6)
