"""What every model family offers: published defaults, a small search space, and an estimator that can be kept.

An estimator speaks in margins: log-odds for a binary task, log-probabilities up to a constant for several classes,
the standardised target for a regression. From there to the answer is the same for all families, here and in the
ONNX graph.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from switchyard.tabular.families.monitor import Monitor

Params = dict[str, Any]
Report = Callable[[int, float], bool]
"""`report(step, loss) -> stop`: called with the validation loss while fitting; True ends the fit."""


class Estimator(ABC):
    """One model on an encoded float32 matrix.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression"}
    params : dict
        Plain JSON values, of the family. `iterations` bounds trees, boosting rounds or epochs.
    seed : int
        Equal seeds give equal models at equal `n_jobs`.
    n_classes : int
        0 for a regression.
    n_jobs : int
        Threads.
    categorical_sizes : sequence of (position, n_codes)
        Columns of X that hold the integer codes 0 to n_codes - 1.

    Attributes
    ----------
    best_iteration_ : int
        Iterations kept: the best on `eval_set`, else all that were made. As `params["iterations"]` it repeats
        the fit without an eval set.
    centre_, scale_ : float
        Mean and standard deviation of a regression's target in training; 0 and 1 otherwise. Standardising keeps
        float32 margins exact to 1e-7 of the target's spread, however far from zero it lies.
    """

    output: ClassVar[Literal["margin", "probability"]] = "margin"
    """Whether `margins` returns margins, or probabilities of shape (n, n_classes) where the task has classes."""

    def __init__(
        self,
        task: str,
        params: Params,
        seed: int = 0,
        n_classes: int = 0,
        n_jobs: int = 2,
        categorical_sizes: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.task, self.params, self.seed, self.n_classes, self.n_jobs = task, dict(params), seed, n_classes, n_jobs
        self.categorical_sizes = [(int(position), int(size)) for position, size in categorical_sizes]
        self.best_iteration_ = 0
        self.centre_, self.scale_ = 0.0, 1.0

    @property
    def width(self) -> int:
        """Columns of `margins`: one, or one for each class."""
        return self.n_classes if self.n_classes and (self.n_classes > 2 or self.output == "probability") else 1

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        eval_set: tuple[np.ndarray, np.ndarray] | None = None,
        deadline: float | None = None,
        report: Report | None = None,
    ) -> Self:
        """Fit to `X`, float32 of shape (n, m), NaN where missing, and `y`: class codes, or floats for a regression.

        Parameters
        ----------
        eval_set : (X, y), optional
            Stops the fit early (log loss, or root mean squared error) and picks the iteration that is kept.
        deadline : float, optional
            In `time.monotonic()` seconds: after it no further iteration begins. At least one is made.
        report : callable, optional
            See `Report`.
        """
        if self.task == "regression":
            y = np.asarray(y, dtype=np.float64)
            self.centre_, self.scale_ = float(y.mean()), float(y.std()) or 1.0
        monitor = Monitor(deadline, report, self.params.get("patience"))
        valid = None if eval_set is None else (_matrix(eval_set[0]), self._prepared(eval_set[1]))
        self._fit(_matrix(X), self._prepared(y), valid, monitor)
        return self

    def _prepared(self, y: np.ndarray) -> np.ndarray:
        if self.task == "regression":
            return (np.asarray(y, dtype=np.float64) - self.centre_) / self.scale_
        return np.asarray(y, dtype=np.int64)

    @abstractmethod
    def _fit(self, X: np.ndarray, y: np.ndarray, valid: tuple[np.ndarray, np.ndarray] | None, monitor: Monitor) -> None:
        """Fit to prepared data and set `best_iteration_`."""

    @abstractmethod
    def margins(self, X: np.ndarray) -> np.ndarray:
        """float64 of shape (n, width)."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities, float64 of shape (n, n_classes)."""
        margins = self.margins(_matrix(X))
        return margins if self.output == "probability" else probabilities_of(margins)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The target of a regression, float64 of shape (n,)."""
        return self.margins(_matrix(X))[:, 0] * self.scale_ + self.centre_

    def write(self, folder: Path) -> None:
        """Write the fitted estimator into `folder`, without pickle."""
        head = {
            "task": self.task, "params": self.params, "seed": self.seed, "n_classes": self.n_classes, "n_jobs": self.n_jobs,
            "categorical_sizes": self.categorical_sizes, "best_iteration": self.best_iteration_,
            "centre": self.centre_, "scale": self.scale_,
        }  # fmt: skip
        (folder / "estimator.json").write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")
        self._write_state(folder)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The estimator that `write` put into `folder`."""
        head = json.loads((folder / "estimator.json").read_text(encoding="utf-8"))
        estimator = cls(head["task"], head["params"], head["seed"], head["n_classes"], head["n_jobs"], head["categorical_sizes"])
        estimator.best_iteration_, estimator.centre_, estimator.scale_ = head["best_iteration"], head["centre"], head["scale"]
        estimator._read_state(folder)
        return estimator

    @abstractmethod
    def _write_state(self, folder: Path) -> None: ...

    @abstractmethod
    def _read_state(self, folder: Path) -> None: ...


class Family(ABC):
    """A kind of model and how it is tuned."""

    name: ClassVar[str]
    style: ClassVar[Literal["tree", "net"]]
    """Which preprocessing it wants: see `switchyard.tabular.features.preprocess.build_preprocessor`."""
    estimator: ClassVar[type[Estimator]]

    @abstractmethod
    def default_params(self, task: str, n_rows: int, n_features: int) -> Params:
        """Where tuning starts: values that hold up over many data sets, with their source."""

    @abstractmethod
    def suggest(self, trial: Any, task: str, n_rows: int, n_features: int) -> Params:
        """Parameters drawn from an Optuna `trial`; what it does not vary is as in `default_params`."""

    def build(
        self,
        task: str,
        params: Params,
        seed: int = 0,
        n_classes: int = 0,
        n_jobs: int = 2,
        categorical_sizes: Sequence[tuple[int, int]] = (),
    ) -> Estimator:
        """An unfitted estimator; see `Estimator` for the parameters."""
        return self.estimator(task, params, seed, n_classes, n_jobs, categorical_sizes)

    def most_leaves(self, params: Params, iterations: int, width: int) -> int:
        """How many leaves the trees of a fit may have at most, `width` trees an iteration; 0 for what has no trees."""
        return 0

    def read(self, folder: Path) -> Estimator:
        """The fitted estimator kept in `folder`."""
        return self.estimator.read(folder)


def probabilities_of(margins: np.ndarray) -> np.ndarray:
    """Probabilities of shape (n, n_classes) from margins: one column is the log-odds of the second of two classes."""
    if margins.shape[1] == 1:
        positive = 1.0 / (1.0 + np.exp(-np.clip(margins, -700.0, 700.0)))
        return np.hstack([1.0 - positive, positive])
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _matrix(X: np.ndarray) -> np.ndarray:
    # float32 before any model sees a value: the graph casts at the same place, so both take the same branches.
    return np.ascontiguousarray(X, dtype=np.float32)
