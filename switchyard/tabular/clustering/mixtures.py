"""Mixtures of Gaussian densities: their groups, what each row is like to them, and whether a valley lies between them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from switchyard.tabular.clustering.centres import centres_of, squared_distances
from switchyard.tabular.clustering.finder import Found

MANY_ROWS = 20_000
"""A mixture is found in so many rows at most, drawn at random."""
MOST_FEATURES = 50
"""A covariance has half the square of this many numbers; beyond it rows don't suffice to know them."""
FEWEST_VALUES = 10
"""Different values that a feature needs for a Gaussian density to say anything of it; on two it sees a group on each."""
VALLEY = 0.7
"""Between two groups the density falls below this share of the lower of both peaks; two round ones of equal weight are then some
three standard deviations apart."""
_FLOOR = 1e-3
"""Added to each variance of the scaled features, lest a density grow without bound around equal rows."""
_STEPS = np.linspace(0.0, 1.0, 41)
_COVARIANCES = ("full", "diag")


@dataclass(frozen=True, eq=False)
class Mixture(Found):
    """k Gaussian densities over m features.

    Attributes
    ----------
    weights : ndarray of shape (k,)
    means : ndarray of shape (k, m)
    factors : ndarray of shape (k, m, m)
        Of each inverse covariance the F with F F' equal to it.
    covariance : {"full", "diag"}
        Whether features of a group go together.
    """

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    covariance: str = "full"
    bic: float | None = None

    @property
    def shifts(self) -> np.ndarray:
        """Each mean times its factor, of shape (k, m)."""
        return np.einsum("km,kmj->kj", self.means, self.factors)

    @property
    def log_scales(self) -> np.ndarray:
        """Of shape (k,): what is added to minus half of the squared distance for the logarithm of weight times density."""
        half_log_det = np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        return np.log(self.weights) + half_log_det - 0.5 * self.means.shape[1] * np.log(2 * np.pi)

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Mahalanobis, of each row of `X`, of shape (n, m), to each mean: float64 of shape (n, k)."""
        X = np.asarray(X, dtype=np.float64)
        parts = [((X @ factor - shift) ** 2).sum(axis=1) for factor, shift in zip(self.factors, self.shifts)]
        return np.column_stack(parts)

    def log_densities(self, X: np.ndarray) -> np.ndarray:
        """Logarithms of weight times density, float64 of shape (n, k)."""
        return self.log_scales - 0.5 * self.squared_distances(X)

    def groups(self, X: np.ndarray) -> np.ndarray:
        """The likeliest density of each row, int64 of shape (n,)."""
        return self.log_densities(X).argmax(axis=1)

    @property
    def apart(self) -> bool:
        """Whether a valley lies between any two of the densities, on the line along which all peaks of both must lie.

        References
        ----------
        Ray & Lindsay, *The topography of multivariate normal mixtures*, Annals of Statistics 33, 2005.
        """
        return all(self._valley(a, b) < VALLEY for a, b in combinations(range(len(self.weights)), 2))

    def _valley(self, a: int, b: int) -> float:
        first, second = (self.factors[at] @ self.factors[at].T for at in (a, b))
        path = np.array(
            [
                np.linalg.solve((1 - step) * first + step * second, (1 - step) * first @ self.means[a] + step * second @ self.means[b])
                for step in _STEPS
            ]
        )
        height = np.logaddexp(*self.log_densities(path)[:, [a, b]].T)
        lowest = height.argmin()
        return float(np.exp(height[lowest] - min(height[: lowest + 1].max(), height[lowest:].max())))


def can_be_mixed(X: np.ndarray) -> bool:
    """Whether a mixture can say anything of `X`, of shape (n, m): few features, and none of a few values only."""
    return X.shape[1] <= MOST_FEATURES and all(len(np.unique(column)) >= FEWEST_VALUES for column in X.T)


def mixture_of(X: np.ndarray, clusters: int, seed: int = 0, starts: int = 5, covariance: str = "") -> Mixture:
    """The mixture that expectation maximisation finds in `X`, of shape (n, m) with no gaps.

    Parameters
    ----------
    covariance : {"full", "diag", ""}
        Without it as the Bayesian information criterion says.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    X = np.asarray(X, dtype=np.float64)
    if len(X) > MANY_ROWS:
        X = X[np.sort(np.random.default_rng(seed).choice(len(X), MANY_ROWS, replace=False))]
    fits = []
    for kind, begun in product((covariance,) if covariance else _COVARIANCES, _starts(X, clusters, seed, starts)):
        start = dict(begun)
        if (covariances := start.pop("covariances", None)) is not None:
            start["precisions_init"] = _inverse(covariances, kind)
        fit = GaussianMixture(clusters, covariance_type=kind, reg_covar=_FLOOR, max_iter=200, random_state=seed, **start)
        with warnings.catch_warnings():
            # What has not settled in 200 rounds is compared like the rest.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits.append((float(fit.fit(X).bic(X)), kind, fit))
    bic, kind, found = min(fits, key=lambda entry: entry[0])
    factors = found.precisions_cholesky_ if kind == "full" else np.stack([np.diag(row) for row in found.precisions_cholesky_])
    return Mixture(found.weights_, found.means_, factors, kind, bic)


def _starts(X: np.ndarray, clusters: int, seed: int, tries: int) -> list[dict[str, Any]]:
    """Where expectation maximisation begins: it ends at the next best place, and k-means would cut long groups across."""
    covariance = np.atleast_2d(np.cov(X, rowvar=False)) + _FLOOR * np.eye(X.shape[1])
    round_ = X @ np.linalg.cholesky(np.linalg.inv(covariance))
    groups = squared_distances(round_, centres_of(round_, clusters, seed, tries)).argmin(axis=1)
    parts = [X[groups == code] for code in range(clusters)]
    starts: list[dict[str, Any]] = [{}, {"init_params": "random_from_data", "n_init": tries}]
    if clusters > 1 and min(map(len, parts)) > 1:
        covariances = np.stack([np.atleast_2d(np.cov(part, rowvar=False)) + _FLOOR * np.eye(X.shape[1]) for part in parts])
        weights = np.bincount(groups, minlength=clusters) / len(X)
        starts.append({"means_init": np.stack([part.mean(axis=0) for part in parts]), "weights_init": weights, "covariances": covariances})
    return starts


def _inverse(covariances: np.ndarray, kind: str) -> np.ndarray:
    return np.linalg.inv(covariances) if kind == "full" else 1 / np.diagonal(covariances, axis1=1, axis2=2)
