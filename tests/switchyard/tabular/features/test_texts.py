"""Texts become numbers that say something of the target, learnt from the training rows alone, the same natively and in the graph."""

import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone

from switchyard.bundle.texts import words_of
from switchyard.tabular.export.features import emit
from switchyard.tabular.export.graph import OPSET, Graph
from switchyard.tabular.features.preprocess import build_preprocessor
from switchyard.tabular.features.terms import common_terms, present_terms, split_words
from switchyard.tabular.features.texts import TextScores
from switchyard.tabular.model.open_format import dump, load

WORDS = np.array(["good", "bad", "very", "not", "cloth", "fits", "red", "blue", "straße", "満"])


def texts(rows: int, seed: int = 0, words: np.ndarray = WORDS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([words_of(" ".join(rng.choice(words, rng.integers(0, 15)))) for _ in range(rows)], dtype=object).reshape(-1, 1)


def liked(said: np.ndarray) -> np.ndarray:
    return np.array([int(text.split().count("good") > text.split().count("bad")) for text in said[:, 0]])


def graph_of(fitted: TextScores) -> onnxruntime.InferenceSession:
    graph = Graph()
    features = emit(fitted, graph, graph.input("categorical", "string", 1))
    graph.output(features, "features", "double", ("n", None))
    return onnxruntime.InferenceSession(graph.finish().SerializeToString(), providers=["CPUExecutionProvider"])


def test_the_words_say_what_the_target_is_and_rows_are_scored_by_models_of_others():
    said, later = texts(400), texts(200, 1)
    transformer = TextScores(classification=True)
    crossed = transformer.fit_transform(said, liked(said))[:, 0]
    assert np.corrcoef(crossed, liked(said))[0, 1] > 0.7
    assert np.corrcoef(transformer.transform(later)[:, 0], liked(later))[0, 1] > 0.7
    noise = np.random.default_rng(0).permutation(liked(said))
    of_noise = TextScores(classification=True)
    crossed = of_noise.fit_transform(said, noise)[:, 0]
    assert abs(np.corrcoef(crossed, noise)[0, 1]) < 0.2, "a row's own target is not in its score"


def test_of_many_rows_some_are_learnt_from_and_all_are_scored(monkeypatch):
    monkeypatch.setattr("switchyard.tabular.features.texts._MOST_ROWS", 300)
    said = texts(900, 7)
    noise = np.random.default_rng(0).permutation(liked(said))
    for target, least, most in ((liked(said), 0.6, 1.0), (noise, -0.2, 0.2)):
        scores = TextScores(classification=True).fit_transform(said, target)[:, 0]
        assert np.isfinite(scores).all() and least < np.corrcoef(scores, target)[0, 1] < most


def test_only_terms_of_training_rows_are_known():
    transformer = TextScores(classification=False).fit(texts(100), np.arange(100.0))
    unknown = transformer.transform(np.array([["seen never before"], ["_"]], dtype=object))
    assert (unknown[0, :-1] == transformer.transform(np.array([["other words"]], dtype=object))[0, :-1]).all()
    assert np.isfinite(unknown).all()


@pytest.mark.parametrize("classes", [2, 3, 30, 0])
def test_the_graph_says_the_same_to_the_bit_for_one_row_and_for_many(classes):
    said, later = (
        texts(300),
        np.vstack([texts(150, 2, np.append(WORDS, ["new", "unseen"])), [["__missing__"], ["_"], ["good " * 999 + "end"]]]),
    )
    target = np.random.default_rng(0).integers(0, classes, 300) if classes else np.random.default_rng(0).normal(size=300)
    fitted = TextScores(classification=classes > 0).fit(said, target)
    native, session = fitted.transform(later), graph_of(fitted)
    served = session.run(None, {"categorical": later})[0]
    singly = np.vstack([session.run(None, {"categorical": row.reshape(1, 1)})[0] for row in later])
    assert (native == served).all() and (served == singly).all()
    assert fitted.get_feature_names_out(["said"]).size == native.shape[1]
    assert fitted.scores_ == {0: 1, 2: 1, 3: 3, 30: 0}[classes]


@pytest.mark.parametrize("said", [["_"] * 12, ["__missing__"] * 12, [f"w{row}" for row in range(12)], ["one word"] * 11 + ["two words"]])
def test_a_table_of_hardly_any_words_is_learnt_from_all_the_same(said):
    rows = np.array(said, dtype=object).reshape(-1, 1)
    fitted = TextScores(classification=True)
    assert np.isfinite(fitted.fit_transform(rows, np.arange(12) % 2)).all()
    assert (graph_of(fitted).run(None, {"categorical": rows})[0] == fitted.transform(rows)).all()


def test_it_is_kept_and_fitted_again_without_a_trace():
    said = texts(80)
    fitted = TextScores(classification=True).fit(said, liked(said))
    assert (load(dump(fitted)).transform(said) == fitted.transform(said)).all()
    assert dump(clone(fitted).fit(said, liked(said))) == dump(fitted)


def test_terms_are_words_and_neighbours_counted_by_text():
    words = split_words(np.array(["a b a b", "b a", "c", "a b c"], dtype=object))
    assert common_terms(words, 2, 100) == [("a",), ("b",), ("a", "b"), ("b", "a"), ("c",)]
    assert common_terms(words, 2, 2) == [("a",), ("b",)]
    there = present_terms(words, [("c",), ("b", "a"), ("nowhere",)]).toarray()
    assert there.tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]


def test_graphs_without_texts_stay_in_the_older_opset():
    graph = Graph()
    graph.output(graph.node("Neg", graph.input("numeric", "double", 1)), "y", "double", ("n", 1))
    assert graph.finish().opset_import[0].version == OPSET


def test_texts_that_a_trial_leaves_make_no_features(plan_for):
    _, plan = plan_for("binary")
    learn, leave = (
        [name for name, _, _ in build_preprocessor(plan, "tree", choices).named_steps["blocks"].transformers]
        for choices in ({}, {"texts": "leave"})
    )

    assert [name for name in learn if name.startswith("text ")] and leave == [name for name in learn if not name.startswith("text ")]
