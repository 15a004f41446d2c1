"""`Select`: keeps the encoded features that a method of the field ranks highest."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import SequentialFeatureSelector, chi2, f_classif, f_regression
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge, lasso_path
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from switchyard.tabular.features.base import Computed, target_columns
from switchyard.tabular.features.operators import Operator

Method = Literal["chi2", "anova", "lasso", "forest", "sequential", "importance"]
METHODS: dict[str, str] = {
    "chi2": "chi-squared between feature (scaled to 0..1) and class",
    "anova": "F statistic of the analysis of variance",
    "lasso": "order in which features enter the Lasso path",
    "forest": "impurity importance in 100 extremely randomised trees",
    "sequential": "forward selection by a cross-validated ridge regression",
    "importance": "permutation importance in gradient boosting, on rows it was not fitted on",
}
_MAX_ROWS = {"forest": 20_000, "importance": 5_000, "sequential": 1_000}
_MAX_CANDIDATES = 40


class Select(Computed):
    """The best features by one method, in their order.

    Ranking needs complete numbers, so gaps count as the median there; the features that are kept keep theirs.
    The slow methods look at evenly spaced rows only (forest 20,000, importance 5,000, sequential 1,000, and that one
    at the 40 features best by ANOVA).

    Parameters
    ----------
    method : str
        One of `METHODS`.
    keep : float or int
        Share (below 1) or number of the features to keep; at least one.
    classification : bool
        Whether `y` holds class codes.
    seed : int
        Of the methods that draw.

    Attributes
    ----------
    support_ : ndarray of int
        Positions kept, ascending.
    """

    def __init__(self, method: Method, keep: float | int, classification: bool, seed: int = 0) -> None:
        self.method = method
        self.keep = keep
        self.classification = classification
        self.seed = seed

    def learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        assert y is not None
        count = round(self.keep * X.shape[1]) if self.keep < 1 else int(self.keep)
        count = min(max(count, 1), X.shape[1])
        step = -(-len(X) // _MAX_ROWS.get(self.method, len(X)))
        scores = getattr(self, f"_{self.method}")(_complete(X[::step]), y[::step], count)
        scores = np.where(np.isfinite(scores), scores, -np.inf)
        self.support_ = np.sort(np.argsort(-scores, kind="stable")[:count])

    def compute(self, op: Operator, x: Any) -> Any:
        return op("Gather", x, self.support_, axis=1)

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        return np.asarray(input_features, dtype=object)[self.support_]

    def _chi2(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        return chi2(MinMaxScaler().fit_transform(X), y)[0]

    def _anova(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Features .* are constant", UserWarning)
            scores = (f_classif if self.classification else f_regression)(X, y)[0]
        return np.where(X.std(axis=0) > 0, scores, -np.inf)

    def _lasso(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        targets = StandardScaler().fit_transform(target_columns(y, self.classification))
        targets = targets[:, 0] if targets.shape[1] == 1 else targets
        with warnings.catch_warnings():
            # Near the end of the path it converges slowly; only the order of entry is read off it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            _, coefficients, _ = lasso_path(StandardScaler().fit_transform(X), targets, alphas=50, eps=1e-2)
        size = np.abs(coefficients).reshape(-1, X.shape[1], coefficients.shape[-1]).max(axis=0)
        # Alphas fall along the path: who is in for longer entered earlier; equals by their final weight.
        final = size[:, -1] / (1.0 + size[:, -1].max())
        return (size > 0).sum(axis=1) + final

    def _forest(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        forest = ExtraTreesClassifier if self.classification else ExtraTreesRegressor
        fitted = forest(n_estimators=100, min_samples_leaf=5, max_features="sqrt", random_state=self.seed, n_jobs=1).fit(X, y)
        return fitted.feature_importances_

    def _importance(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        order = np.random.default_rng(self.seed).permutation(len(X))
        held, seen = np.split(order, [max(1, len(X) // 4)])
        booster = HistGradientBoostingClassifier if self.classification else HistGradientBoostingRegressor
        fitted = booster(max_iter=50, max_leaf_nodes=15, early_stopping=False, random_state=self.seed).fit(X[seen], y[seen])
        scoring = "neg_log_loss" if self.classification and set(y[held]) == set(y[seen]) else None
        return permutation_importance(fitted, X[held], y[held], scoring=scoring, n_repeats=3, random_state=self.seed).importances_mean

    def _sequential(self, X: np.ndarray, y: np.ndarray, count: int) -> np.ndarray:
        candidates = np.argsort(-self._anova(X, y, count), kind="stable")[:_MAX_CANDIDATES]
        scores = -np.arange(X.shape[1], dtype="float64") - X.shape[1]
        scores[candidates] = -np.arange(len(candidates))
        if count < len(candidates):
            scaled = StandardScaler().fit_transform(X[:, candidates])
            selector = SequentialFeatureSelector(Ridge(), n_features_to_select=count, cv=3, scoring="r2")
            selector.fit(scaled, target_columns(y, self.classification))
            scores[candidates[selector.get_support()]] += 1e6
        return scores


def _complete(X: np.ndarray) -> np.ndarray:
    gaps = np.isnan(X)
    if not gaps.any():
        return X
    median = np.array([np.median(column[~gap]) if not gap.all() else 0.0 for column, gap in zip(X.T, gaps.T, strict=True)])
    return np.where(gaps, median, X)
