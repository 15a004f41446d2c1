"""A Gaussian mixture: a group is what one of its densities is likeliest for, found by scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from switchyard.tabular.clustering.by_densities import ByDensities
from switchyard.tabular.clustering.mixtures import Mixture, mixture_of
from switchyard.tabular.clustering.stability import matched
from switchyard.tabular.families.base import Estimator, probabilities_of
from switchyard.tabular.families.grouping import GroupsFamily
from switchyard.tabular.families.monitor import Monitor

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph

_DOUBLE = 11
"""Number of the element type in the ONNX standard."""


class MixtureGroups(Estimator):
    """Densities found anew in the rows that it is fitted to; the classes only say which density is called what.

    So a model that is fitted to a part of the rows says whether the groups of the whole are found in it again.

    Attributes
    ----------
    mixture_ : Mixture
        Of n_classes densities, in the order of the classes. Membership is what the mixture says.
    """

    output = "probability"
    has_distances = True

    def _fit(self, X: np.ndarray, y: np.ndarray, valid: tuple[np.ndarray, np.ndarray] | None, monitor: Monitor) -> None:
        found = mixture_of(X, self.n_classes, self.seed)
        place = matched(y, found.groups(X), self.n_classes)
        self.mixture_ = Mixture(found.weights[place], found.means[place], found.factors[place], found.covariance, found.bic)
        self.best_iteration_ = 1

    def margins(self, X: np.ndarray) -> np.ndarray:
        return probabilities_of(self.mixture_.log_densities(X))

    def distances(self, X: np.ndarray) -> np.ndarray:
        return np.sqrt(self.mixture_.squared_distances(np.asarray(X, dtype=np.float32)))

    def _write_state(self, folder: Path) -> None:
        found = self.mixture_
        np.savez(folder / "mixture.npz", weights=found.weights, means=found.means, factors=found.factors)

    def _read_state(self, folder: Path) -> None:
        with np.load(folder / "mixture.npz", allow_pickle=False) as file:
            self.mixture_ = Mixture(file["weights"], file["means"], file["factors"])


class MixtureFamily(GroupsFamily):
    """A Gaussian mixture."""

    name = "gaussian_mixture"
    title = "Gaussian mixture"
    packages = ("scikit-learn",)
    estimator = MixtureGroups
    finder = ByDensities("gaussian_mixture", "a Gaussian mixture")

    def emit(self, graph: Graph, estimator: MixtureGroups, x: str) -> str:
        distances = graph.node("Mul", squared_distances(graph, estimator.mixture_, x), graph.constant(np.array(-0.5)))
        return graph.node("Softmax", graph.node("Add", distances, graph.constant(estimator.mixture_.log_scales)), axis=1)

    def emit_distances(self, graph: Graph, estimator: MixtureGroups, x: str) -> str:
        return graph.node("Sqrt", squared_distances(graph, estimator.mixture_, x))


def squared_distances(graph: Graph, mixture: Mixture, x: str) -> str:
    """What `Mixture.squared_distances` says of the float tensor `x` of shape [n, m]: double of shape [n, k]."""
    k, m = mixture.means.shape
    factors = mixture.factors.transpose(1, 0, 2).reshape(m, k * m)
    product = graph.node("MatMul", graph.node("Cast", x, to=_DOUBLE), graph.constant(factors))
    apart = graph.node("Sub", product, graph.constant(mixture.shifts.reshape(k * m)))
    each = graph.node("Reshape", apart, graph.constant(np.array([-1, k, m], dtype=np.int64)))
    return graph.node("ReduceSumSquare", each, graph.constant(np.array([2], dtype=np.int64)), keepdims=0)


PARTS = (MixtureFamily(),)
