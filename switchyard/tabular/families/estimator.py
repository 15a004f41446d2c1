"""`Estimator`: one model on an encoded matrix, that can be fitted, asked and kept.

It speaks in margins: log-odds for a binary task, log-probabilities up to a constant for several classes, the standardised
target for a regression. From there to the answer is the same for all families, here and in the ONNX graph.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.monitor import Monitor
from switchyard.tabular.families.strides import Strides
from switchyard.tabular.families.together import Target, Together
from switchyard.tabular.metrics.counts import COUNTS

Params = dict[str, Any]
Report = Callable[[int, float], bool]
"""`report(step, loss) -> stop`: called with the validation loss while fitting; True ends the fit."""


class Weights(NamedTuple):
    """How much each row of a fit counts, float64 with a mean of one."""

    fitted: np.ndarray
    """Of shape (n,)."""
    watched: np.ndarray | None = None
    """Of the rows of the eval set, where there is one."""


class Estimator(ABC):
    """One model on an encoded float32 matrix.

    Parameters
    ----------
    task : {"binary", "multiclass", "regression", "poisson", "tweedie", "clustering"}
        Of a regression of counts, its loss.
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
        float32 margins exact to 1e-7 of the target's spread, however far from zero it lies. Of counts the target is
        divided by its mean: where margins are logarithms, `centre_` is the mean's, else `scale_` is the mean.
    """

    output: ClassVar[Literal["margin", "probability"]] = "margin"
    """Whether `margins` returns margins, or probabilities of shape (n, n_classes) where the task has classes."""
    weighs: ClassVar[bool] = False
    """Whether `_fit` takes `Weights` as a fifth argument."""
    streams: ClassVar[bool] = False
    """Whether `_fit` takes `Blocks` for a matrix. Boosting asks `Monitor.rate` for the learning rate of each round then."""
    has_distances: ClassVar[bool] = False
    """Whether classes have centres."""

    threads_pay_from: ClassVar[float] = 0
    """Values of a matrix (rows times columns) from which on a fit is quicker by several threads than by one: below, they spend their time
    on waking one another."""

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
    def logarithmic(self) -> bool:
        """Whether margins are the logarithm of what is answered; trees of means answer in units of the target."""
        return self.task in COUNTS and self.output == "margin"

    @property
    def width(self) -> int:
        """Columns of `margins`: one, or one for each class."""
        return self.n_classes if self.n_classes and (self.n_classes > 2 or self.output == "probability") else 1

    @classmethod
    def threads_of(cls, rows: int, columns: int, n_jobs: int) -> int:
        """How many of `n_jobs` threads a fit to a matrix of that shape is worth."""
        return n_jobs if rows * columns >= cls.threads_pay_from else 1

    def fit_threads(self, X: np.ndarray | Blocks) -> int:
        """How many of its threads a fit to `X` is worth."""
        return self.threads_of(*X.shape, self.n_jobs)

    def fit(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        eval_set: tuple[np.ndarray, np.ndarray] | None = None,
        deadline: float | None = None,
        report: Report | None = None,
        weights: np.ndarray | None = None,
        eval_weights: np.ndarray | None = None,
        by: float | None = None,
        together: Together | None = None,
        whole: Target | None = None,
    ) -> Self:
        """Fit to `X`, float32 of shape (n, m), NaN where missing, and `y`: class codes, or floats for a regression.

        What `streams` takes `Blocks` too.

        Parameters
        ----------
        eval_set : (X, y), optional
            Stops the fit early (log loss, or root mean squared error) and picks the iteration that is kept.
        deadline : float, optional
            In `time.monotonic()` seconds: after it no further iteration begins. At least one is made.
        report : callable, optional
            See `Report`.
        weights, eval_weights : ndarray of shape (n,), optional
            How much each row of `X`, and of `eval_set`, counts; above zero, in any unit.
        by : float, optional
            Of a fit to `Blocks`: when it should be through, in `time.monotonic()` seconds. Boosting then makes fewer and larger
            steps (`Strides`); `best_iteration_` says how many.
        together : Together, optional
            Other processes that call this with rows of their own, all of which get the same model; of what `streams`, without eval set.
        whole : Target, optional
            Of the rows of all of them.
        """
        self._together = together
        self._target = whole or Target.of(y, weights, self.n_classes)
        given = None if weights is None else Weights(_in_unit(weights, self._target.weight), _of_mean_one(eval_weights))
        self._standardise()
        strides = Strides(self.params["learning_rate"], self.params["iterations"], by) if isinstance(X, Blocks) else None
        monitor = Monitor(deadline, report, self.params.get("patience"), strides)
        valid = None if eval_set is None else (_matrix(eval_set[0]), self._prepared(eval_set[1]))
        if given is None:
            self._fit(_matrix(X), self._prepared(y), valid, monitor)
        else:
            weighing: Callable[..., None] = self._fit
            weighing(_matrix(X), self._prepared(y), valid, monitor, given)
        return self

    def _standardise(self) -> None:
        mean = self._target.mean
        if self.task == "regression":
            self.centre_, self.scale_ = mean, self._target.variance**0.5 or 1.0
        elif self.task in COUNTS:
            if mean <= 0:
                raise ValueError("the target is 0 in every row of this fit")
            self.centre_, self.scale_ = (float(np.log(mean)), 1.0) if self.logarithmic else (0.0, mean)

    def _prepared(self, y: np.ndarray) -> np.ndarray:
        if self.task == "regression":
            return (np.asarray(y, dtype=np.float64) - self.centre_) / self.scale_
        if self.task in COUNTS:
            return np.asarray(y, dtype=np.float64) / (np.exp(self.centre_) * self.scale_)
        return np.asarray(y, dtype=np.int64)

    @abstractmethod
    def _fit(self, X: np.ndarray, y: np.ndarray, valid: tuple[np.ndarray, np.ndarray] | None, monitor: Monitor) -> None:
        """Fit to prepared data and set `best_iteration_`; what `weighs` takes `weights: Weights | None = None` besides."""

    @abstractmethod
    def margins(self, X: np.ndarray) -> np.ndarray:
        """float64 of shape (n, width)."""

    def distances(self, X: np.ndarray) -> np.ndarray:
        """Distance of each row to the centre of each class, float64 of shape (n, n_classes), where `has_distances`."""
        raise NotImplementedError("classes have no centres")

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities, float64 of shape (n, n_classes)."""
        margins = self.margins(_matrix(X))
        return margins if self.output == "probability" else probabilities_of(margins)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The target of a regression, float64 of shape (n,)."""
        values = self.margins(_matrix(X))[:, 0] * self.scale_ + self.centre_
        return np.exp(values) if self.logarithmic else values

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


def probabilities_of(margins: np.ndarray) -> np.ndarray:
    """Probabilities of shape (n, n_classes) from margins: one column is the log-odds of the second of two classes."""
    if margins.shape[1] == 1:
        positive = 1.0 / (1.0 + np.exp(-np.clip(margins, -700.0, 700.0)))
        return np.hstack([1.0 - positive, positive])
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def _of_mean_one(weights: np.ndarray | None) -> np.ndarray | None:
    return None if weights is None else _in_unit(weights, float(np.asarray(weights, dtype=np.float64).mean()))


def _in_unit(weights: np.ndarray, unit: float) -> np.ndarray:
    # With a mean of one, what a search says of a leaf's weight and of penalties means the same in any unit.
    return np.asarray(weights, dtype=np.float64) / unit


def _matrix(X: Any) -> Any:
    if isinstance(X, Blocks):
        return X
    # float32 before any model sees a value: the graph casts at the same place, so both take the same branches.
    return np.ascontiguousarray(X, dtype=np.float32)
