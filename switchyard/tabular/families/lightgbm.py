"""LightGBM: gradient boosting of leaf-wise trees."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from switchyard.tabular.families.base import NATIVE, Estimator, Family, Params, Weights
from switchyard.tabular.families.blocks import BLOCK, Blocks
from switchyard.tabular.families.boosted_text import trees_of
from switchyard.tabular.families.monitor import REPORT_EVERY, Monitor
from switchyard.tabular.families.ranker import Ranker
from switchyard.tabular.families.together import Together
from switchyard.tabular.metrics.counts import TWEEDIE_POWER

if TYPE_CHECKING:
    from switchyard.tabular.export.graph import Graph

_OBJECTIVES = {
    "binary": ("binary", "binary_logloss"),
    "multiclass": ("multiclass", "multi_logloss"),
    "regression": ("regression", "rmse"),
    "poisson": ("poisson", "poisson"),
    "tweedie": ("tweedie", "tweedie"),
}
_MINUTES = 60
"""Within which all who fit together must have prepared their rows."""
_OWN = frozenset(("iterations", "patience"))
_SETS = {"min_data_per_group": 20, "cat_smooth": 5, "cat_l2": 5, "max_cat_to_onehot": 8}
"""How sets of categories are looked for; the library's own values lose to these (docs/benchmarks.md#categories)."""


class LightGBM(Estimator):
    """A LightGBM booster on encoded columns; of those that `categorical_sizes` names it splits the categories into sets.

    Attributes
    ----------
    booster_ : lightgbm.Booster
        Holds the best iterations only.
    """

    weighs = streams = True
    # On two cores an iteration of 31 leaves takes 0.7 ms by one thread and 12 by two on 3,000 rows x 10, 21 and 23 ms on 100,000 x 50.
    threads_pay_from = 6_000_000

    def _fit(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        valid: tuple[np.ndarray, np.ndarray] | None,
        monitor: Monitor,
        weights: Weights | None = None,
    ) -> None:
        import lightgbm as lgb

        objective, metric = _OBJECTIVES[self.task]
        settings = {**(_SETS if self.categorical_sizes else {}), **{name: value for name, value in self.params.items() if name not in _OWN}}
        settings |= {
            "objective": objective, "metric": metric, "verbosity": -1, "num_threads": self.fit_threads(X),
            "seed": self.seed, "deterministic": True, "force_row_wise": True, "feature_pre_filter": False,
        }  # fmt: skip
        if self.task == "multiclass":
            settings["num_class"] = self.n_classes
        if self.task == "tweedie":
            settings["tweedie_variance_power"] = TWEEDIE_POWER
        categories = [position for position, _ in self.categorical_sizes]
        train = _dataset(X, y, weights and weights.fitted, settings, categories)
        if self._together is not None:
            # Bins come first, and without a network: each process cuts them by the same rows.
            train.construct()
            settings |= _network(self._together)
        watched = [lgb.Dataset(*valid, reference=train, weight=weights and weights.watched, params=settings)] if valid is not None else []
        done = 0

        def after_iteration(env: Any) -> None:
            nonlocal done
            done = env.iteration + 1
            loss = env.evaluation_result_list[0][2] if env.evaluation_result_list else None
            if monitor.step(done, loss, REPORT_EVERY):
                raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

        booster = lgb.train(settings, train, self.params["iterations"], valid_sets=watched, callbacks=[_Rates(monitor), after_iteration])
        if self._together is not None:
            booster.free_network()
        self.best_iteration_ = monitor.best_step or done
        self._load(booster.model_to_string(num_iteration=self.best_iteration_, importance_type="gain"))

    def margins(self, X: np.ndarray) -> np.ndarray:
        margins = self.booster_.predict(X, raw_score=True, num_threads=self.n_jobs)
        return np.asarray(margins, dtype=np.float64).reshape(len(X), self.width)

    def _load(self, text: str) -> None:
        import lightgbm as lgb

        self.booster_ = lgb.Booster(model_str=text)
        self._text = text

    def _write_state(self, folder: Path) -> None:
        (folder / "booster.txt").write_text(self._text, encoding="utf-8")

    def _read_state(self, folder: Path) -> None:
        self._load((folder / "booster.txt").read_text(encoding="utf-8"))


class _Rates:
    """LightGBM's callback that has `monitor` say the rate of each round."""

    before_iteration = True
    order = 0

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def __call__(self, env: Any) -> None:
        rate = self._monitor.rate()
        if rate is not None:
            env.model.reset_parameter({"learning_rate": rate})


def _dataset(X: np.ndarray | Blocks, y: np.ndarray, weights: np.ndarray | None, settings: Params, categories: list[int]) -> Any:
    """What LightGBM learns from; of blocks the bins are cut by the rows that are there for it, and no more than bins stand in memory."""
    import lightgbm as lgb

    if not isinstance(X, Blocks):
        return lgb.Dataset(X, y, weight=weights, params=settings, categorical_feature=categories or "auto")

    class Others(lgb.Sequence):
        batch_size = BLOCK

        def __len__(self) -> int:
            return X.others

        def __getitem__(self, idx: Any) -> np.ndarray:
            # Never by single rows: that is how bins are looked for, which are there.
            return X.slice(idx.start, idx.stop)

    class First(Others):
        def __len__(self) -> int:
            return len(X.first)

        def __getitem__(self, idx: Any) -> np.ndarray:
            return X.first[idx]

    bins = lgb.Dataset(X.cut_by, np.zeros(len(X.cut_by)), params=settings, categorical_feature=categories or "auto")
    sequences = [First(), Others()] if X.others else [First()]
    return lgb.Dataset(sequences, y, reference=bins, weight=weights, params=settings)


def _network(together: Together) -> Params:
    """Settings by which processes find one another and add up their histograms."""
    return {
        "tree_learner": "data", "machines": ",".join(together.addresses), "num_machines": len(together.addresses),
        "local_listen_port": together.port(together.rank), "time_out": _MINUTES,
    }  # fmt: skip


class LambdaMart(Ranker):
    """LambdaMART of few, small trees.

    References
    ----------
    Burges, *From RankNet to LambdaRank to LambdaMART: An Overview*, 2010.
    """

    def learn(self, X: np.ndarray, right: np.ndarray, sizes: np.ndarray, rounds: int, seed: int) -> str:
        import lightgbm as lgb

        settings = {
            "objective": "lambdarank", "lambdarank_truncation_level": 20, "label_gain": [0, 1], "num_leaves": 7, "learning_rate": 0.05,
            "min_data_in_leaf": 100, "feature_fraction": 0.7, "bagging_fraction": 0.8, "bagging_freq": 1, "seed": seed, "verbosity": -1,
            "deterministic": True, "force_row_wise": True, "feature_pre_filter": False,
        }  # fmt: skip
        return str(lgb.train(settings, lgb.Dataset(X, right.astype(int), group=sizes, params=settings), rounds).model_to_string())

    def score(self, learnt: str, X: np.ndarray) -> np.ndarray:
        import lightgbm as lgb

        return np.asarray(lgb.Booster(model_str=learnt).predict(X, raw_score=True))

    def emit(self, graph: Graph, learnt: str, x: str) -> str:
        from switchyard.tabular.export.trees import emit_trees

        return emit_trees(graph, x, list(trees_of(learnt, 1)), "BRANCH_LEQ", 1)


class LightGBMFamily(Family):
    """LightGBM and its search space."""

    name = "lightgbm"
    title = "LightGBM"
    packages = ("lightgbm",)
    style = "tree"
    estimator = LightGBM
    encoders = ("auto", "ordinal", NATIVE)
    weight = 3.0
    export_s = 0.5
    stops_early = varies = True
    ranker = LambdaMart()
    # Near the library's own defaults, with fewer columns per tree; the tuned defaults, which are worth most where rows are many and
    # trials few; extremely randomised splits, learnt over 25 small tables as what adds most to the first (docs/benchmarks.md).
    start_points = (
        {
            "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 20, "min_sum_hessian_in_leaf": 1e-3, "bagging_fraction": 1.0,
            "bagging_freq": 0, "feature_fraction": 0.6,
        },
        {},
        {
            "learning_rate": 0.05, "num_leaves": 32, "min_data_in_leaf": 8, "min_sum_hessian_in_leaf": 1e-3, "bagging_fraction": 1.0,
            "bagging_freq": 0, "feature_fraction": 0.6, "extra_trees": True, "lambda_l1": 0.5, "lambda_l2": 1.0,
        },
    )  # fmt: skip

    def answers_by_library_defaults(
        self,
        train: np.ndarray,
        truth: np.ndarray,
        holdout: np.ndarray,
        task: str,
        n_classes: int,
        seed: int,
        weights: np.ndarray | None = None,
    ) -> np.ndarray:
        from lightgbm import LGBMClassifier, LGBMRegressor

        # One thread and fixed histograms: the same predictions on every machine.
        settings = {"random_state": seed, "n_jobs": 1, "deterministic": True, "force_col_wise": True, "verbose": -1}
        if not n_classes:
            return LGBMRegressor(objective=_OBJECTIVES[task][0], **settings).fit(train, truth, sample_weight=weights).predict(holdout)
        model = LGBMClassifier(**settings).fit(train, truth, sample_weight=weights)
        proba = np.zeros((len(holdout), n_classes))
        proba[:, model.classes_] = model.predict_proba(holdout)
        return proba

    def gains(self, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
        import lightgbm as lgb

        task = "multiclass" if n_classes > 2 else "binary" if n_classes else "regression"
        settings = {
            "objective": _OBJECTIVES[task][0], "learning_rate": 0.1, "num_leaves": 31, "min_data_in_leaf": 20, "feature_fraction": 0.6,
            "seed": seed, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
            **({"num_class": n_classes} if n_classes > 2 else {}),
        }  # fmt: skip
        trees = max(10, 120 // n_classes) if n_classes > 2 else 60
        return lgb.train(settings, lgb.Dataset(X, y), trees).feature_importance("gain")

    def load(self) -> None:
        import lightgbm  # noqa: F401

    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """The tuned defaults "LGBM-TD".

        Ours are `patience` (published: 300), to stay within small budgets, and fewer rows in a leaf for classes on less
        than 2,000 rows, where 40 would leave stumps.

        References
        ----------
        Holzmüller, Grinsztajn, Steinwart, *Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular
        Data*, NeurIPS 2024; values as published with it in pytabkit (LGBM_TD_CLASS, LGBM_TD_REG).
        """
        tuned = (
            {"learning_rate": 0.05, "bagging_fraction": 0.7, "num_leaves": 100, "min_data_in_leaf": 3}
            if task == "regression"
            else {"learning_rate": 0.04, "bagging_fraction": 0.75, "num_leaves": 50, "min_data_in_leaf": int(np.clip(n_rows // 50, 3, 40))}
        )
        common = {"bagging_freq": 1, "feature_fraction": 1.0, "min_sum_hessian_in_leaf": 1e-7, "max_bin": 255, "lambda_l2": 0.0}
        return {"iterations": 1000, "patience": 50, **tuned, **common}

    def most_leaves(self, params: Params, iterations: int, width: int) -> int:
        return iterations * width * params["num_leaves"]

    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Seven parameters that Probst et al. find worth tuning for boosting, on log scales where sizes matter, and random splits.

        References
        ----------
        Probst, Boulesteix, Bischl, *Tunability: Importance of Hyperparameters of Machine Learning Algorithms*,
        JMLR 20, 2019.
        """
        largest_leaf = int(np.clip(n_rows // 20, 2, 200))
        return {
            **self.default_params(task, n_rows, n_features),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 4, 200, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 1, largest_leaf, log=True),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 30.0, log=True),
            "min_sum_hessian_in_leaf": trial.suggest_float("min_sum_hessian_in_leaf", 1e-7, 10.0, log=True),
            "extra_trees": trial.suggest_categorical("extra_trees", [False, True]),
        }

    def emit(self, graph: Graph, estimator: LightGBM, x: str) -> str:
        from switchyard.tabular.export.trees import emit_trees

        return emit_trees(graph, x, list(trees_of(estimator.booster_.model_to_string(), estimator.width)), "BRANCH_LEQ", estimator.width)


PARTS = (LightGBMFamily(),)
