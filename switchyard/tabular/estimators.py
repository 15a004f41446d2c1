"""`SwitchyardClassifier` and `SwitchyardRegressor`: the search for a model as scikit-learn estimators.

All rows that `fit` gets are learnt from. There is no holdout and no quality gate: scikit-learn's own tools (`cross_val_score`,
`train_test_split`) set apart what they score on. `switchyard.fit` does both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from switchyard.tabular.errors import InputError
from switchyard.tabular.export.bundle import export_bundle
from switchyard.tabular.features.plan import plan_features
from switchyard.tabular.fitting import problem_of, raw_table, read_rows, search
from switchyard.tabular.tables.resolve import resolve
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tables.typing.targets import read_labels

_FEWEST_ROWS = 5
"""Folds can be made of these; whether the scores mean anything is for the caller to judge."""
_TARGET = "target"


class _Estimator(BaseEstimator):
    """What both have: parameters, reading of X, and the search.

    Parameters
    ----------
    families : sequence of str, optional
        Model families to search; all of ours when absent.
    budget_s : float
        Wall seconds of tuning, ensembling and export together.
    trials : int, optional
        Trials per family instead of a budget: the same model for the same seed.
    metric : str
        What the search maximises or minimises; "auto" takes the task's own.
    seed : int

    Attributes
    ----------
    model_ : Model
    leaderboard_ : Leaderboard
    bundle_ : ExportedBundle
        What serving gets.
    notes_ : tuple of str
        What was decided or left out, one sentence each.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where X was a DataFrame with named columns.
    """

    def __init__(
        self,
        families: Sequence[str] | None = None,
        budget_s: float = 60.0,
        trials: int | None = None,
        metric: str = "auto",
        seed: int = 0,
    ) -> None:
        self.families = families
        self.budget_s = budget_s
        self.trials = trials
        self.metric = metric
        self.seed = seed

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        # A clock decides how many trials there are.
        tags.non_deterministic = self.trials is None
        return tags

    def _table(self, X: ArrayLike | pd.DataFrame, *, reset: bool) -> pd.DataFrame:
        """X as a frame: a DataFrame's columns as they are, an array's as numbers named x0, x1, ..."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            if reset and X.empty:
                raise ValueError(f"Found {X.shape[1]} feature(s) and {len(X)} sample(s); both are needed")
            return X
        array = validate_data(self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
        return pd.DataFrame(array, columns=[f"x{place}" for place in range(array.shape[1])])

    def _search(self, X: ArrayLike | pd.DataFrame, y: np.ndarray, task: str, **settings: Any) -> None:
        """Fit the attributes to `y`; `settings` are sections of a config."""
        frame = self._table(X, reset=True)
        check_consistent_length(frame, y)
        if len(y) < _FEWEST_ROWS:
            raise ValueError(f"n_samples={len(y)}: at least {_FEWEST_ROWS} rows are needed to cross-validate")
        target = _TARGET
        while target in map(str, frame.columns):
            target += "_"
        columns = {} if isinstance(X, pd.DataFrame) else {name: {"kind": "numeric", "role": "feature"} for name in frame.columns}
        tuning: dict[str, Any] = {"budget_s": self.budget_s, "trials": self.trials, "seed": self.seed}
        tuning |= {} if self.families is None else {"families": tuple(self.families)}
        # The caller splits: dates of a series stay features here.
        settings |= {
            "split": {"kind": "random"},
            "name": type(self).__name__,
            "task": task,
            "metric": self.metric,
            "data": {"columns": columns},
        }
        try:
            problem = problem_of(target, tuning, settings)
            raw = raw_table(frame.assign(**{target: y}))
            table, problem, self.notes_ = resolve(raw, problem, _FEWEST_ROWS)
            split = Split(table.frame, table.frame.iloc[:0], table.schema, "random", None)
            plan = plan_features(split, {}, problem)
            self.model_, self.leaderboard_ = search(split, plan, problem)
            self.bundle_, _ = export_bundle(self.model_, split, problem)
        except InputError as error:
            # What scikit-learn's tools expect of wrong input.
            raise ValueError(str(error)) from error

    def _rows(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        check_is_fitted(self, "model_")
        frame = self._table(X, reset=False)
        try:
            return read_rows(self.model_, frame)
        except InputError as error:
            raise ValueError(str(error)) from error


class SwitchyardClassifier(ClassifierMixin, _Estimator):
    """A classifier of any number of classes, found by search over model families and their combinations.

    `predict` answers by the threshold for two classes, else with the most probable class.

    Parameters
    ----------
    families, budget_s, trials, metric, seed
        As in `_Estimator`.
    threshold : "auto", "f1", "balanced_accuracy", "accuracy" or float
        Two classes: what the out-of-fold threshold maximises, or a fixed value; as `decision.threshold` in a config. With 0.5
        `predict` always answers with the more probable class.
    costs : dict, optional
        What each error costs, as `costs` in a config: `false_positive` and `false_negative` of two classes, where the threshold
        follows if it is "auto", `matrix` of more. The positive class is found by its name, else it is the rarer one (`model_.classes[1]`).

    Attributes
    ----------
    model_, leaderboard_, bundle_, notes_, n_features_in_, feature_names_in_
        As in `_Estimator`.
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    """

    def __init__(
        self,
        families: Sequence[str] | None = None,
        budget_s: float = 60.0,
        trials: int | None = None,
        metric: str = "auto",
        seed: int = 0,
        threshold: str | float = "auto",
        costs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(families, budget_s, trials, metric, seed)
        self.threshold = threshold
        self.costs = costs

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike) -> Self:
        """Search for the model of `y`, shape (n_rows,), by X, an array of numbers or a DataFrame of any columns."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        check_classification_targets(y)
        given: np.ndarray = column_or_1d(y, warn=True)
        self.classes_, first = np.unique(given, return_index=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_.tolist()}, and a classification needs two")
        labels = read_labels(pd.Series(given.astype(object)), "y")
        if pd.isna(labels).any() or len(set(labels)) != len(self.classes_):
            raise ValueError("y has classes that read as missing or as the same label; give each class a name of its own")
        task = "binary" if len(self.classes_) == 2 else "multiclass"
        self._search(X, given.astype(object), task, decision={"threshold": self.threshold}, costs=self.costs)
        self._places = [self.model_.classes.index(label) for label in labels[first]]
        return self

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Classes, of the type of y, of shape (n_rows,)."""
        rows = self._rows(X)
        codes = self.model_.decide(self.model_.predict_proba(rows))
        return self.classes_[np.argsort(self._places)[codes]]

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Calibrated probabilities, float64 of shape (n_rows, n_classes), columns as in `classes_`."""
        rows = self._rows(X)
        return self.model_.predict_proba(rows)[:, self._places]


class SwitchyardRegressor(RegressorMixin, _Estimator):
    """A regressor, found by search over model families and their combinations.

    Parameters and attributes are those of `_Estimator`.
    """

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike) -> Self:
        """Search for the model of `y`, shape (n_rows,), by X, an array of numbers or a DataFrame of any columns."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        given: np.ndarray = column_or_1d(y, dtype="numeric", warn=True)
        self._search(X, given.astype("float64"), "regression")
        return self

    def predict(self, X: ArrayLike | pd.DataFrame) -> np.ndarray:
        """Predictions, float64 of shape (n_rows,)."""
        rows = self._rows(X)
        return self.model_.predict(rows)
