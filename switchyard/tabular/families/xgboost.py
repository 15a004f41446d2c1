"""XGBoost: gradient boosting of depth-wise trees with second-order regularisation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import Estimator, Family, Params, Weights
from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.monitor import REPORT_EVERY, Monitor
from switchyard.tabular.families.together import Together
from switchyard.tabular.metrics.counts import TWEEDIE_POWER

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph
    from switchyard.tabular.export.trees import Tree

_OBJECTIVES = {
    "binary": ("binary:logistic", "logloss", 0.5),
    "multiclass": ("multi:softprob", "mlogloss", 0.0),
    "regression": ("reg:squarederror", "rmse", 0.0),
    # Of these the neutral value is a mean, whose logarithm is 0.
    "poisson": ("count:poisson", "poisson-nloglik", 1.0),
    "tweedie": ("reg:tweedie", f"tweedie-nloglik@{TWEEDIE_POWER}", 1.0),
}
_OWN = frozenset(("iterations", "patience"))
_CHUNK = 64
"""Rounds that XGBoost sums in float32 before we go on in float64: long sums of small trees would drift."""


class XGBoost(Estimator):
    """An XGBoost booster on already encoded columns.

    Attributes
    ----------
    booster_ : xgboost.Booster
        Holds the best iterations only.
    intercept_ : ndarray of shape (width,)
        What the trees are added to: the prior's margins. XGBoost's own would be rounded to float32.
    """

    weighs = streams = True
    # On two cores an iteration takes 1.5 ms by one thread and 4 by two on 3,000 rows x 10, 11 and 9 ms on 10,000 x 50.
    threads_pay_from = 400_000

    def _fit(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None = None,
    ) -> None:
        objective, metric, neutral = _OBJECTIVES[self.task]
        settings = {name: value for name, value in self.params.items() if name not in _OWN}
        settings |= {
            "objective": objective, "eval_metric": metric, "base_score": neutral,
            "tree_method": "hist", "verbosity": 0, "nthread": self.fit_threads(X), "seed": self.seed,
        }  # fmt: skip
        if self.task == "multiclass":
            settings["num_class"] = self.n_classes
        if self.task == "tweedie":
            settings["tweedie_variance_power"] = TWEEDIE_POWER
        self.intercept_ = self._prior()
        with _joined(self._together):
            booster = self._trained(X, y, valid, monitor, weights, settings, metric)
        self._load(booster[: self.best_iteration_].save_raw("ubj"))

    def _trained(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None,
        settings: Params,
        metric: str,
    ) -> Any:
        import xgboost as xgb

        fitted, unseen = weights or (None, None)
        bins = settings.get("max_bin", 256)
        train = self._matrix_of(X, y, fitted, bins)
        watched = []
        if valid is not None:
            held_out = xgb.QuantileDMatrix(
                *valid, weight=unseen, base_margin=self._base(len(valid[1])), max_bin=bins, ref=train, nthread=self.n_jobs
            )
            watched = [(held_out, "valid")]
        watcher = _watcher(monitor, metric)
        booster = xgb.train(settings, train, self.params["iterations"], evals=watched, callbacks=[watcher], verbose_eval=False)
        self.best_iteration_ = monitor.best_step or watcher.done
        return booster

    def _matrix_of(self, X: np.ndarray | Blocks, y: np.ndarray, weights: np.ndarray | None, bins: int) -> Any:
        """What XGBoost learns from; of blocks the bins are cut by the rows that are there for it, and no more than bins stand in memory."""
        import xgboost as xgb

        if not isinstance(X, Blocks):
            return xgb.QuantileDMatrix(X, y, weight=weights, base_margin=self._base(len(y)), max_bin=bins, nthread=self.n_jobs)
        cut = xgb.QuantileDMatrix(X.cut_by, max_bin=bins, nthread=self.n_jobs)
        return xgb.QuantileDMatrix(_iterator(X, y, weights, self._base), max_bin=bins, nthread=self.n_jobs, ref=cut)

    def _prior(self) -> np.ndarray:
        if not self.n_classes:
            return np.zeros(1)
        # A class may be absent from a fold: count half a row more of each.
        share = np.log((self._target.counts + 0.5) / (self._target.rows + 0.5 * self.n_classes))
        return share[1:] - share[:1] if self.task == "binary" else share

    def _base(self, rows: int) -> np.ndarray:
        return np.tile(self.intercept_.astype(np.float32), (rows, 1)).reshape(rows, *(() if self.width == 1 else (self.width,)))

    def margins(self, X: np.ndarray) -> np.ndarray:
        margins = np.tile(self.intercept_, (len(X), 1))
        for start in range(0, self.best_iteration_, _CHUNK):
            part = self.booster_.inplace_predict(
                X, iteration_range=(start, min(start + _CHUNK, self.best_iteration_)), predict_type="margin", missing=np.nan
            )
            margins += np.asarray(part, dtype=np.float64).reshape(len(X), self.width)
        return margins

    def _load(self, raw: bytes | bytearray) -> None:
        import xgboost as xgb

        self._raw = bytes(raw)
        self.booster_ = xgb.Booster({"nthread": self.n_jobs}, model_file=bytearray(self._raw))

    def _write_state(self, folder: Path) -> None:
        (folder / "booster.ubj").write_bytes(self._raw)
        np.save(folder / "intercept.npy", self.intercept_, allow_pickle=False)

    def _read_state(self, folder: Path) -> None:
        self.intercept_ = np.load(folder / "intercept.npy", allow_pickle=False)
        self._load((folder / "booster.ubj").read_bytes())


def _iterator(X: Blocks, y: np.ndarray, weights: np.ndarray | None, base: Callable[[int], np.ndarray]) -> Any:
    """XGBoost's way through blocks, which it goes more than once."""
    import xgboost as xgb

    class Iterate(xgb.DataIter):
        def reset(self) -> None:
            self.blocks, self.done = iter(X), 0

        def next(self, input_data: Callable[..., Any]) -> bool:
            block = next(self.blocks, None)
            if block is None:
                return False
            rows = slice(self.done, self.done + len(block))
            held = {} if weights is None else {"weight": weights[rows]}
            input_data(data=block, label=y[rows], base_margin=base(len(block)), **held)
            self.done = rows.stop
            return True

    return Iterate()


@contextmanager
def _joined(together: Together | None) -> Iterator[None]:
    """XGBoost's collective of those who fit together, the first of whom brings them together."""
    if together is None:
        yield
        return
    from xgboost.collective import CommunicatorContext
    from xgboost.tracker import RabitTracker

    host, port = together.host(0), together.port(0)
    tracker = RabitTracker(len(together.addresses), host, port, sortby="task") if together.rank == 0 else None
    if tracker is not None:
        tracker.start()
    # Others may come before there is somebody to come to.
    with CommunicatorContext(
        dmlc_communicator="rabit", dmlc_tracker_uri=host, dmlc_tracker_port=port, dmlc_task_id=f"{together.rank:05d}",
        dmlc_retry=60, dmlc_timeout=3600,
    ):  # fmt: skip
        yield
    if tracker is not None:
        tracker.wait_for(60)


def _watcher(monitor: Monitor, metric: str) -> Any:
    """XGBoost's callback that asks `monitor`; its `done` counts the rounds."""
    from xgboost.callback import TrainingCallback

    class Watcher(TrainingCallback):
        done = 0

        def before_iteration(self, model: Any, epoch: int, evals_log: dict) -> bool:
            rate = monitor.rate()
            if rate is not None:
                model.set_param("learning_rate", rate)
            return False

        def after_iteration(self, model: Any, epoch: int, evals_log: dict) -> bool:
            self.done = epoch + 1
            loss = evals_log["valid"][metric][-1] if evals_log else None
            return monitor.step(self.done, loss, REPORT_EVERY)

    return Watcher()


class XGBoostFamily(Family):
    """XGBoost and its search space."""

    name = "xgboost"
    title = "XGBoost"
    packages = ("xgboost-cpu",)
    style = "tree"
    estimator = XGBoost
    weight = 3.0
    export_s = 0.5
    stops_early = varies = True
    # Near the library's own defaults, with fewer columns per tree, as in the learnt portfolio of Salinas and Erickson, *TabRepo*,
    # AutoML Conference 2024 (XGBoost_r89 has depth 5 and 66 % of the columns); what adds most to it and to both, learnt over 25
    # tables; the tuned defaults, which add least (docs/benchmarks.md).
    start_points = (
        {"max_depth": 5, "min_child_weight": 1.0, "reg_lambda": 1.0, "subsample": 0.9, "colsample_bylevel": 0.6},
        {
            "iterations": 2000, "learning_rate": 0.025, "max_depth": 5, "min_child_weight": 1.0, "reg_lambda": 1.0, "subsample": 0.8,
            "colsample_bylevel": 0.5,
        },
        {"learning_rate": 0.1, "max_depth": 3, "min_child_weight": 1.0, "reg_lambda": 1.0, "subsample": 0.9, "colsample_bylevel": 0.6},
        {},
    )  # fmt: skip

    def load(self) -> None:
        import xgboost  # noqa: F401

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """The tuned defaults "XGB-TD"; only `patience` (published: 300) is ours, to stay within small budgets.

        References
        ----------
        Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
        Data*, NeurIPS 2024; values as published with it in pytabkit (XGB_TD_CLASS, XGB_TD_REG).
        """
        tuned = (
            {"learning_rate": 0.05, "max_depth": 9, "min_child_weight": 2.0, "subsample": 0.7, "colsample_bylevel": 1.0}
            if task == "regression"
            else {"learning_rate": 0.08, "max_depth": 6, "min_child_weight": 5e-6, "subsample": 0.65, "colsample_bylevel": 0.9}
        )
        return {"iterations": 1000, "patience": 50, **tuned, "reg_lambda": 0.0, "max_bin": 256}

    def most_leaves(self, params: Params, iterations: int, width: int) -> int:
        return iterations * width * 2 ** params["max_depth"]

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Seven parameters, the ones that Probst et al. find worth tuning for boosting.

        References
        ----------
        Probst, Boulesteix, Bischl, *Tunability: Importance of Hyperparameters of Machine Learning Algorithms*,
        JMLR 20, 2019.
        """
        return {
            **self.default_params(task, n_rows, n_features),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "max_depth": trial.suggest_int("max_depth", 2, 10),
            "min_child_weight": trial.suggest_float("min_child_weight", 1e-6, 100.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.5, 1.0),
            "colsample_bylevel": trial.suggest_float("colsample_bylevel", 0.3, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-3, 30.0, log=True),
            "reg_alpha": trial.suggest_float("reg_alpha", 1e-4, 5.0, log=True),
        }

    def emit(self, graph: Graph, estimator: XGBoost, x: str) -> str:
        from switchyard.tabular.export.trees import emit_trees

        summed = emit_trees(graph, x, list(_trees(estimator)), "BRANCH_LT", estimator.width)
        return graph.node("Add", summed, graph.constant(estimator.intercept_))


def _trees(estimator: XGBoost) -> Iterator[Tree]:
    """The trees of a booster's JSON, whose numbers are float32."""
    from switchyard.tabular.export.trees import Tree

    kept = json.loads(estimator.booster_.save_raw("json"))["learner"]["gradient_booster"]["model"]
    for tree, target in zip(kept["trees"], kept["tree_info"]):
        left = np.array(tree["left_children"], dtype=np.int64)
        leaf = left < 0
        conditions = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)
        yield Tree(
            np.array(tree["split_indices"], dtype=np.int64),
            conditions,
            left,
            np.array(tree["right_children"], dtype=np.int64),
            np.array(tree["default_left"], dtype=bool),
            leaf,
            conditions[leaf][:, None],
            (int(target),),
        )


PARTS = (XGBoostFamily(),)
