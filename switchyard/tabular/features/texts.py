"""`TextScores`: a free text as a few numbers: what its words say of the target, what it is about, how long it is.

A ridge regression on TF-IDF of words and pairs of words, cross-fitted like target means, tells what a text says of the
target. A few components stand beside it, for what depends on other columns.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array
from sklearn.linear_model import Ridge
from sklearn.utils.extmath import randomized_svd

from switchyard.bundle.texts import NO_WORD
from switchyard.tabular.features.base import Computed, matrix, target_columns
from switchyard.tabular.features.categories import TARGET_CLASSES, folds_for
from switchyard.tabular.features.operators import DOUBLE, Operator
from switchyard.tabular.features.terms import Term, common_terms, present_terms, split_words

_FEWEST = 2
"""Texts of the training rows that a term must be in."""
_MOST = 5_000
_COMPONENTS = 8
_PENALTIES = (0.7, 2.0, 6.0, 20.0, 60.0)
_MOST_ROWS, _TRIED_ROWS = 30_000, 10_000
"""Rows that are learnt from, drawn with the seed, and those by which the penalty is chosen: more of them say little more."""
_GRAIN = 2.0**20
"""Numbers are rounded to its inverse, so that sums in another order, of a graph or a batch of another size, are the same."""
_KEPT = 16


@dataclass(frozen=True)
class Learnt:
    """What was learnt from the texts of training rows.

    Attributes
    ----------
    terms : list of tuple of str
        Words, and pairs of words that follow each other.
    weights : ndarray of shape (n_terms, n_scores + n_components + 1)
        Of terms that are there; by the last column the square of a text's norm.
    offsets : ndarray of shape (n_scores + n_components,)
    rows : ndarray of shape (n,)
        Positions of the training rows that were learnt from.
    crossed : ndarray of shape (n, n_scores)
        Their scores, each by a model of other rows.
    """

    terms: list[Term]
    weights: np.ndarray
    offsets: np.ndarray
    rows: np.ndarray
    crossed: np.ndarray


class TextScores(Computed):
    """Texts, as `switchyard.bundle.texts.words_of` makes them, to scores, components and a length.

    The scores are what ridge regressions make of the words, in standard deviations of the target (for each class an
    indicator). `fit_transform` cross-fits: those of a training row come from a model of other rows; `transform` takes the mean of these
    models. Only terms of the training rows count, and only those in two of them.

    Parameters
    ----------
    classification : bool
        Whether the target is class codes. Of more than `TARGET_CLASSES` classes there are no scores.
    seed : int
        Shuffles the folds.
    """

    def __init__(self, classification: bool, seed: int = 0) -> None:
        self.classification = classification
        self.seed = seed

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        assert y is not None
        found = learnt(X[:, 0], y, self.classification, self.seed)
        self.terms_, self.weights_, self.offsets_ = found.terms, found.weights, found.offsets
        self.scores_ = found.crossed.shape[1]

    def fit_transform(self, X: Any, y: np.ndarray, **params: Any) -> np.ndarray:
        """The features of the training rows `X`, each scored by a model that did not see it."""
        features = self.fit(X, y).transform(X)
        found = learnt(matrix(X)[:, 0], np.asarray(y), self.classification, self.seed)
        # No model learnt from the rows that were not drawn.
        features[found.rows, : self.scores_] = np.rint(found.crossed * _GRAIN) / _GRAIN
        return features

    def compute(self, op: Operator, x: Any) -> Any:
        words, count = op("StringSplit", op("Gather", x, np.array(0), axis=1), outputs=2, delimiter=" ")
        pairs = [len(term) for term in self.terms_]
        there = op(
            "TfIdfVectorizer",
            words,
            mode="IDF",
            min_gram_length=1,
            max_gram_length=2,
            max_skip_count=0,
            ngram_counts=[0, pairs.count(1)],
            ngram_indexes=list(range(len(pairs))),
            pool_strings=[word for term in self.terms_ for word in term],
            weights=[1.0] * len(pairs),
        )
        sums = op("MatMul", op("Cast", there, to=DOUBLE), self.weights_)
        width = len(self.offsets_)
        norm = op("Sqrt", op("Max", op("Gather", sums, np.array([width]), axis=1), np.float64(1e-12)))
        scores = op("Add", op("Div", op("Gather", sums, np.arange(width), axis=1), norm), self.offsets_)
        length = op("Log", op("Cast", op("Reshape", count, np.array([-1, 1])), to=DOUBLE))
        return op("Div", op("Round", op("Mul", op("Concat", scores, length, axis=1), _GRAIN)), _GRAIN)

    def get_feature_names_out(self, input_features: Sequence[str]) -> np.ndarray:
        (name,) = input_features
        scores = [f"{name}: score" if self.scores_ == 1 else f"{name}: score of class {code}" for code in range(self.scores_)]
        components = [f"{name}: component {number + 1}" for number in range(len(self.offsets_) - self.scores_)]
        return np.array([*scores, *components, f"{name}: length"], dtype=object)

    def __getstate__(self) -> dict[str, Any]:
        # One string: a file format that keeps lists item by item takes seconds for thousands of terms.
        state = super().__getstate__()
        return {**state, "terms_": json.dumps(state["terms_"])} if "terms_" in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "terms_" in state:
            state = {**state, "terms_": [tuple(term) for term in json.loads(state["terms_"])]}
        super().__setstate__(state)


_SHELF: OrderedDict[bytes, Learnt] = OrderedDict()
"""What was learnt last in this process: the tuner prepares the same rows again for each of its choices."""


def learnt(texts: np.ndarray, y: np.ndarray, classification: bool, seed: int) -> Learnt:
    """What `TextScores` learns of the training rows' `texts`, object of shape (n,), and targets."""
    digest = hashlib.blake2b(repr((classification, seed, len(texts))).encode())
    digest.update("\n".join(texts).encode("utf-8", "surrogatepass"))
    digest.update(np.ascontiguousarray(y).tobytes())
    key = digest.digest()
    if key not in _SHELF:
        _SHELF[key] = _learn(texts, y, classification, seed)
        if len(_SHELF) > _KEPT:
            _SHELF.popitem(last=False)
    return _SHELF[key]


def _learn(texts: np.ndarray, y: np.ndarray, classification: bool, seed: int) -> Learnt:
    drawn = np.sort(np.random.default_rng(seed).permutation(len(texts))[:_MOST_ROWS])
    texts, y = texts[drawn], y[drawn]
    words = split_words(texts)
    # A text without words is one like any other, so there is a term in the rarest of tables.
    terms = common_terms(words, _FEWEST, _MOST) or [(NO_WORD,)]
    terms.sort(key=lambda term: (len(term), term))
    there = present_terms(words, terms).astype("float64")
    importance = np.log((1 + len(texts)) / (1 + there.sum(axis=0))) + 1
    weighted = csr_array(there @ diags_array(importance))
    norms = np.sqrt(np.maximum(weighted.multiply(weighted).sum(axis=1), 1e-12))
    rows = csr_array(diags_array(1 / norms) @ weighted)
    coefficients, intercepts, crossed = _scores(rows, y, classification, seed)
    components = _components(rows, seed)
    loadings = np.column_stack([coefficients, components]) * importance[:, None]
    offsets = np.append(intercepts, np.zeros(components.shape[1]))
    return Learnt(terms, np.column_stack([loadings, importance**2]), offsets, drawn, crossed)


def _scores(rows: csr_array, y: np.ndarray, classification: bool, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of shape (n_terms, n_scores), intercepts and the cross-fitted scores of shape (n, n_scores)."""
    targets = target_columns(y, classification)
    if targets.shape[1] > TARGET_CLASSES:
        return np.empty((rows.shape[1], 0)), np.empty(0), np.empty((len(y), 0))
    targets = (targets - targets.mean(axis=0)) / np.maximum(targets.std(axis=0), 1e-12)
    tried = np.sort(np.random.default_rng(seed).permutation(len(y))[:_TRIED_ROWS])
    errors = [
        float(np.mean((_crossed(rows[tried], targets[tried], y[tried], penalty, classification, seed)[2] - targets[tried]) ** 2))
        for penalty in _PENALTIES
    ]
    return _crossed(rows, targets, y, _PENALTIES[int(np.argmin(errors))], classification, seed)


def _crossed(
    rows: csr_array, targets: np.ndarray, y: np.ndarray, penalty: float, classification: bool, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `_scores`, by one penalty: the mean of the folds' models, and what each says of the rows it did not see."""
    folds = list(folds_for(y, classification, seed).split(rows, y))
    crossed = np.empty(targets.shape)
    coefficients, intercepts = np.zeros((rows.shape[1], targets.shape[1])), np.zeros(targets.shape[1])
    for seen, unseen in folds:
        ridge = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-4).fit(rows[seen], targets[seen])
        weights, intercept = ridge.coef_.reshape(targets.shape[1], -1).T, np.atleast_1d(ridge.intercept_)
        crossed[unseen] = rows[unseen] @ weights + intercept
        coefficients += weights / len(folds)
        intercepts += intercept / len(folds)
    return coefficients, intercepts, crossed


def _components(rows: csr_array, seed: int) -> np.ndarray:
    """The loadings of the largest components, shape (n_terms, n_components)."""
    count = min(_COMPONENTS, *(size - 1 for size in rows.shape))
    if count < 1:
        return np.empty((rows.shape[1], 0))
    return randomized_svd(rows, count, random_state=seed)[2].T
