"""k-means: a group is what is nearest to one centre, found by scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from switchyard.tabular.clustering.by_centres import ByCentres
from switchyard.tabular.clustering.centres import centres_of, squared_distances
from switchyard.tabular.clustering.stability import matched
from switchyard.tabular.families.base import Estimator, probabilities_of
from switchyard.tabular.families.grouping import GroupsFamily
from switchyard.tabular.families.monitor import Monitor

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph

_DOUBLE = 11
"""Number of the element type in the ONNX standard."""


class KMeansGroups(Estimator):
    """Centres found anew in the rows that it is fitted to; the classes only say which centre is called what.

    So a model that is fitted to a part of the rows says whether the groups of the whole are found in it again.

    Attributes
    ----------
    centres_ : ndarray of shape (n_classes, m)
    variance_ : float
        Of a coordinate around its centre. Membership is that of a mixture of round densities of this variance and equal
        weights, in which the likeliest group is the one of the nearest centre.
    """

    output = "probability"
    has_distances = True

    def _fit(self, X: np.ndarray, y: np.ndarray, valid: tuple[np.ndarray, np.ndarray] | None, monitor: Monitor) -> None:
        centres = centres_of(X, self.n_classes, self.seed)
        distances = squared_distances(X, centres)
        self.centres_ = centres[matched(y, distances.argmin(axis=1), self.n_classes)]
        self.variance_ = float(distances.min(axis=1).mean() / max(1, X.shape[1])) or 1.0
        self.best_iteration_ = 1

    def margins(self, X: np.ndarray) -> np.ndarray:
        weights, intercept = self.linear()
        logs = np.asarray(X, dtype=np.float64) @ weights + intercept
        return probabilities_of(logs)

    def distances(self, X: np.ndarray) -> np.ndarray:
        return np.sqrt(squared_distances(np.asarray(X, dtype=np.float32), self.centres_))

    def linear(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of shape (m, n_classes) and intercept: log-densities but for a term that all groups share."""
        return self.centres_.T / self.variance_, -(self.centres_**2).sum(axis=1) / (2 * self.variance_)

    def _write_state(self, folder: Path) -> None:
        np.savez(folder / "centres.npz", centres=self.centres_, variance=np.array(self.variance_))

    def _read_state(self, folder: Path) -> None:
        with np.load(folder / "centres.npz", allow_pickle=False) as file:
            self.centres_, self.variance_ = file["centres"], float(file["variance"])


class KMeansFamily(GroupsFamily):
    """k-means."""

    name = "kmeans"
    title = "k-means"
    packages = ("scikit-learn",)
    estimator = KMeansGroups
    finder = ByCentres("kmeans", "k-means")

    def emit(self, graph: Graph, estimator: KMeansGroups, x: str) -> str:
        weights, intercept = estimator.linear()
        product = graph.node("MatMul", graph.node("Cast", x, to=_DOUBLE), graph.constant(weights))
        return graph.node("Softmax", graph.node("Add", product, graph.constant(intercept)), axis=1)

    def emit_distances(self, graph: Graph, estimator: KMeansGroups, x: str) -> str:
        rows, centres = graph.node("Cast", x, to=_DOUBLE), estimator.centres_
        own = graph.node("ReduceSumSquare", rows, graph.constant(np.array([1], dtype=np.int64)), keepdims=1)
        shared = graph.node("MatMul", rows, graph.constant(-2 * centres.T))
        squared = graph.node("Add", graph.node("Add", own, shared), graph.constant((centres**2).sum(axis=1)))
        return graph.node("Sqrt", graph.node("Max", squared, graph.constant(np.array(0.0))))


PARTS = (KMeansFamily(),)
