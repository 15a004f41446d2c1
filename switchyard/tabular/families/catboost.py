"""CatBoost: gradient boosting of oblivious trees, every level of which asks one question.

No lock has it (270 MB): who installs `catboost` names this module under `plugins:`, and it joins the others.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import Estimator, Family, Params, Weights
from switchyard.tabular.families.monitor import REPORT_EVERY, Monitor
from switchyard.tabular.metrics.counts import TWEEDIE_POWER

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph
    from switchyard.tabular.export.trees import Tree

_LOSSES = {
    "binary": "Logloss", "multiclass": "MultiClass", "regression": "RMSE", "poisson": "Poisson",
    "tweedie": f"Tweedie:variance_power={TWEEDIE_POWER}",
}  # fmt: skip
_OWN = frozenset(("patience",))
_OF_THE_MOMENT = ("model_guid", "train_finish_time")
"""What CatBoost writes into a model that differs between equal ones."""


class CatBoost(Estimator):
    """A CatBoost model on already encoded columns; of categories of its own it gets none, since they have no ONNX form.

    Attributes
    ----------
    model_ : catboost.CatBoost or None
        Holds the best iterations only; None where there was nothing to learn.
    intercept_ : ndarray of shape (width,)
        The margins then.
    """

    weighs = True
    # On two cores two threads take as long as one up to 100,000 x 50, and two fits by one thread each no longer than one fit.
    threads_pay_from = 2_000_000

    def _fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None = None,
    ) -> None:
        from catboost import CatBoost as Booster
        from catboost import Pool

        self.model_, self.intercept_ = None, np.zeros(self.width)
        if _same(y) or all(_same(column) for column in X.T):
            # CatBoost refuses what has nothing to learn: the answer is the shares of the classes, or the mean.
            self.intercept_, self.best_iteration_ = self._prior(), 1
            return
        settings = {name: value for name, value in self.params.items() if name not in _OWN}
        settings |= {
            "loss_function": _LOSSES[self.task], "random_seed": self.seed, "thread_count": self.fit_threads(X),
            "allow_writing_files": False, "logging_level": "Silent", "use_best_model": False,
        }  # fmt: skip
        if self.task == "multiclass":
            settings["classes_count"] = self.n_classes
        watched = Pool(*valid, weight=weights and weights.watched) if valid is not None else None
        watcher = _Watcher(monitor)
        model = Booster(settings)
        model.fit(Pool(X, y, weight=weights and weights.fitted), eval_set=watched, callbacks=[watcher])
        self.best_iteration_ = monitor.best_step or watcher.done
        model.shrink(self.best_iteration_)
        for name in _OF_THE_MOMENT:
            model.get_metadata()[name] = ""
        self.model_ = model

    def _prior(self) -> np.ndarray:
        if not self.n_classes:
            return np.zeros(1)
        # A class may be absent from a fold: count half a row more of each.
        share = np.log((self._target.counts + 0.5) / (self._target.rows + 0.5 * self.n_classes))
        return share[1:] - share[:1] if self.task == "binary" else share

    def margins(self, X: np.ndarray) -> np.ndarray:
        if self.model_ is None:
            return np.tile(self.intercept_, (len(X), 1))
        margins = self.model_.predict(X, prediction_type="RawFormulaVal", thread_count=self.n_jobs)
        return np.asarray(margins, dtype=np.float64).reshape(len(X), self.width)

    def _write_state(self, folder: Path) -> None:
        np.save(folder / "intercept.npy", self.intercept_, allow_pickle=False)
        if self.model_ is not None:
            self.model_.save_model(str(folder / "booster.cbm"))

    def _read_state(self, folder: Path) -> None:
        from catboost import CatBoost as Booster

        self.intercept_ = np.load(folder / "intercept.npy", allow_pickle=False)
        path = folder / "booster.cbm"
        self.model_ = Booster().load_model(str(path)) if path.exists() else None


def _same(values: np.ndarray) -> bool:
    """Whether all of `values` are equal, or all missing."""
    return bool(np.all((values == values[0]) | (np.isnan(values) & np.isnan(values[0]))))


class _Watcher:
    """CatBoost's callback that asks `monitor` after each iteration whether to go on."""

    def __init__(self, monitor: Monitor) -> None:
        self.done, self._monitor = 0, monitor

    def after_iteration(self, info: Any) -> bool:
        self.done = info.iteration
        losses = info.metrics.get("validation")
        return not self._monitor.step(self.done, next(iter(losses.values()))[-1] if losses else None, REPORT_EVERY)


class CatBoostFamily(Family):
    """CatBoost and its search space."""

    name = "catboost"
    title = "CatBoost"
    packages = ("catboost",)
    style = "tree"
    estimator = CatBoost
    weight = 3.0
    export_s = 0.5
    stops_early = varies = True
    # "CB-TD" for classes (Holzmüller, Grinsztajn, Steinwart, *Better by Default*, NeurIPS 2024). Its depth of 9 for regressions
    # costs three times the seconds, and trees of a depth of 7 are large enough for a bundle.
    start_points = (
        {
            "learning_rate": 0.08,
            "depth": 7,
            "l2_leaf_reg": 1e-5,
            "random_strength": 0.8,
            "bootstrap_type": "Bernoulli",
            "subsample": 0.9,
            "leaf_estimation_iterations": 1,
        },
    )

    def load(self) -> None:
        import catboost  # noqa: F401

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """The library's own; what it would guess from the iterations or from being watched is said, so that a refit does the same."""
        return {
            "iterations": 1000, "patience": 50, "learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0, "random_strength": 1.0,
            "bootstrap_type": "MVS", "subsample": 0.8, "boosting_type": "Plain", "border_count": 254,
            "leaf_estimation_iterations": 10 if task == "binary" else 1,
        }  # fmt: skip

    def most_leaves(self, params: Params, iterations: int, width: int) -> int:
        return iterations * width * 2 ** params["depth"]

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Five parameters, of boosting those that Probst et al. find worth tuning.

        References
        ----------
        Probst, Boulesteix, Bischl, *Tunability: Importance of Hyperparameters of Machine Learning Algorithms*,
        JMLR 20, 2019.
        """
        return {
            **self.default_params(task, n_rows, n_features),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "depth": trial.suggest_int("depth", 3, 8),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 1e-5, 30.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "random_strength": trial.suggest_float("random_strength", 0.0, 2.0),
        }

    def emit(self, graph: Graph, estimator: CatBoost, x: str) -> str:
        from switchyard.tabular.export.trees import emit_trees

        trees, bias = _trees(estimator)
        return graph.node("Add", emit_trees(graph, x, trees, "BRANCH_LEQ", estimator.width), graph.constant(bias))


def _trees(estimator: CatBoost) -> tuple[list[Tree], np.ndarray]:
    """The trees of a model, and what is added to their sum, float64 of shape (width,)."""
    from switchyard.tabular.export.trees import Tree

    if estimator.model_ is None:
        none = np.zeros(1, dtype=np.int64)
        leaf = np.ones(1, dtype=bool)
        return [Tree(none, none, none, none, none, leaf, estimator.intercept_[None], tuple(range(estimator.width)))], np.zeros(
            estimator.width
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        estimator.model_.save_model(str(path), format="json")
        kept = json.loads(path.read_text(encoding="utf-8"))
    scale, bias = kept["scale_and_bias"]
    return list(_oblivious(kept, scale, estimator.width)), np.resize(np.asarray(bias, dtype=np.float64), estimator.width)


def _oblivious(kept: dict[str, Any], scale: float, width: int) -> Iterator[Tree]:
    """The oblivious trees of a model's JSON, each as a full binary tree in the order of a heap.

    A leaf's number has bit l set where the value is above the border of split l, and borders are float32.
    """
    from switchyard.tabular.export.trees import Tree

    features = kept["features_info"]["float_features"]
    position = {feature["feature_index"]: feature["flat_feature_index"] for feature in features}
    # `AsTrue`: gaps are above every border. Else, or where training saw none, below.
    above = {feature["feature_index"]: feature["nan_value_treatment"] == "AsTrue" for feature in features}
    for tree in kept["oblivious_trees"]:
        splits = tree["splits"] or []
        depth = len(splits)
        inner = 2**depth - 1
        level = np.repeat(np.arange(depth), 2 ** np.arange(depth))
        asked = np.array([position[split["float_feature_index"]] for split in splits], dtype=np.int64)
        borders = np.array([split["border"] for split in splits], dtype=np.float32).astype(np.float64)
        left_of_gaps = np.array([not above[split["float_feature_index"]] for split in splits], dtype=bool)
        nodes = np.arange(2 * inner + 1)
        pad = np.zeros(inner + 1)
        leaves = np.arange(inner + 1)
        number = sum(((leaves >> (depth - 1 - at)) & 1) << at for at in range(depth)) + np.zeros_like(leaves)
        values = np.asarray(tree["leaf_values"], dtype=np.float64).reshape(inner + 1, width)[number] * scale
        yield Tree(
            np.append(asked[level], pad).astype(np.int64),
            np.append(borders[level], pad),
            np.where(nodes < inner, 2 * nodes + 1, 0),
            np.where(nodes < inner, 2 * nodes + 2, 0),
            np.append(left_of_gaps[level], pad).astype(bool),
            nodes >= inner,
            values,
            tuple(range(width)),
        )


PARTS = (CatBoostFamily(),)
