"""LightGBM: gradient boosting of leaf-wise trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from switchyard.tabular.families.base import Estimator, Family, Params
from switchyard.tabular.families.monitor import REPORT_EVERY, Monitor

_OBJECTIVES = {"binary": ("binary", "binary_logloss"), "multiclass": ("multiclass", "multi_logloss"), "regression": ("regression", "rmse")}
_OWN = frozenset(("iterations", "patience"))


class LightGBM(Estimator):
    """A LightGBM booster on already encoded columns.

    Attributes
    ----------
    booster_ : lightgbm.Booster
        Holds the best iterations only.
    """

    def _fit(self, X: np.ndarray, y: np.ndarray, valid: tuple[np.ndarray, np.ndarray] | None, monitor: Monitor) -> None:
        objective, metric = _OBJECTIVES[self.task]
        settings = {name: value for name, value in self.params.items() if name not in _OWN}
        settings |= {
            "objective": objective, "metric": metric, "verbosity": -1, "num_threads": self.n_jobs,
            "seed": self.seed, "deterministic": True, "force_row_wise": True, "feature_pre_filter": False,
        }  # fmt: skip
        if self.task == "multiclass":
            settings["num_class"] = self.n_classes
        train = lgb.Dataset(X, y, params=settings)
        watched = [lgb.Dataset(*valid, reference=train, params=settings)] if valid is not None else []
        done = 0

        def after_iteration(env: Any) -> None:
            nonlocal done
            done = env.iteration + 1
            loss = env.evaluation_result_list[0][2] if env.evaluation_result_list else None
            if monitor.step(done, loss, REPORT_EVERY):
                raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

        booster = lgb.train(settings, train, self.params["iterations"], valid_sets=watched, callbacks=[after_iteration])
        self.best_iteration_ = monitor.best_step or done
        self._load(booster.model_to_string(num_iteration=self.best_iteration_, importance_type="gain"))

    def margins(self, X: np.ndarray) -> np.ndarray:
        margins = self.booster_.predict(X, raw_score=True, num_threads=self.n_jobs)
        return np.asarray(margins, dtype=np.float64).reshape(len(X), self.width)

    def _load(self, text: str) -> None:
        self.booster_ = lgb.Booster(model_str=text)
        self._text = text

    def _write_state(self, folder: Path) -> None:
        (folder / "booster.txt").write_text(self._text, encoding="utf-8")

    def _read_state(self, folder: Path) -> None:
        self._load((folder / "booster.txt").read_text(encoding="utf-8"))


class LightGBMFamily(Family):
    """LightGBM and its search space."""

    name = "lightgbm"
    style = "tree"
    estimator = LightGBM

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
        """Seven parameters, the ones that Probst et al. find worth tuning for boosting, on log scales where sizes matter.

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
        }


FAMILY = LightGBMFamily()
