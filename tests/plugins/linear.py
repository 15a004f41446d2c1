"""A family: regularised linear models, as one file."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.families import Estimator, Family

DOUBLE = 11
"""Number of the element type in the ONNX standard."""


class Linear(Estimator):
    """Ridge and logistic regression on standardised columns; a gap counts as the column's mean."""

    def _fit(self, X, y, valid, monitor):
        from sklearn.linear_model import LogisticRegression, Ridge

        X = X.astype(np.float64)
        self.shift_ = np.nan_to_num(np.nanmean(X, axis=0))
        self.spread_ = np.where(np.isnan(spread := np.nanstd(X, axis=0)) | (spread == 0), 1.0, spread)
        model = Ridge(self.params["alpha"]) if self.task == "regression" else LogisticRegression(C=1 / self.params["alpha"], max_iter=500)
        model.fit(np.nan_to_num((X - self.shift_) / self.spread_), y)
        self.weights_ = np.atleast_2d(model.coef_).T
        self.intercept_ = np.atleast_1d(model.intercept_)
        self.best_iteration_ = 1

    def margins(self, X):
        return np.nan_to_num((X.astype(np.float64) - self.shift_) / self.spread_) @ self.weights_ + self.intercept_

    def _write_state(self, folder):
        np.savez(folder / "linear.npz", shift=self.shift_, spread=self.spread_, weights=self.weights_, intercept=self.intercept_)

    def _read_state(self, folder):
        with np.load(folder / "linear.npz", allow_pickle=False) as kept:
            self.shift_, self.spread_, self.weights_, self.intercept_ = (kept[name] for name in ("shift", "spread", "weights", "intercept"))


class LinearFamily(Family):
    """Linear models and their search space."""

    name = "linear"
    title = "linear model"
    packages = ("scikit-learn",)
    style = "tree"
    estimator = Linear
    weight = 0.5
    export_s = 0.2

    def default_params(self, task, n_rows, n_features):
        return {"iterations": 1, "alpha": 1.0}

    def suggest(self, trial, task, n_rows, n_features):
        return {**self.default_params(task, n_rows, n_features), "alpha": trial.suggest_float("alpha", 1e-3, 100.0, log=True)}

    def emit(self, graph, estimator, x):
        doubles = graph.node("Cast", x, to=DOUBLE)
        shifted = graph.node("Sub", doubles, graph.constant(estimator.shift_))
        scaled = graph.node("Div", shifted, graph.constant(estimator.spread_))
        filled = graph.node("Where", graph.node("IsNaN", scaled), graph.constant(np.array(0.0)), scaled)
        product = graph.node("MatMul", filled, graph.constant(estimator.weights_))
        return graph.node("Add", product, graph.constant(estimator.intercept_))


PARTS = (LinearFamily(),)
