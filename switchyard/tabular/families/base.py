"""What every model family offers: published defaults, a small search space, and an estimator that can be kept.

An estimator speaks in margins: log-odds for a binary task, log-probabilities up to a constant for several classes,
the standardised target for a regression. From there to the answer is the same for all families, here and in the
ONNX graph.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self

import numpy as np

from switchyard.parts import Part
from switchyard.tabular.families.blocks import Blocks
from switchyard.tabular.families.monitor import Monitor
from switchyard.tabular.metrics.counts import COUNTS
from switchyard.tabular.tables.progress import Progress

if TYPE_CHECKING:
    from switchyard.tabular.clustering.finder import Finder
    from switchyard.tabular.export.graph import Graph

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
    """Whether `_fit` takes `Blocks` for a matrix."""
    has_distances: ClassVar[bool] = False
    """Whether classes have centres."""

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

    def fit(
        self,
        X: np.ndarray | Blocks,
        y: np.ndarray,
        eval_set: tuple[np.ndarray, np.ndarray] | None = None,
        deadline: float | None = None,
        report: Report | None = None,
        weights: np.ndarray | None = None,
        eval_weights: np.ndarray | None = None,
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
        """
        given = None if weights is None else Weights(_of_mean_one(weights), None if eval_weights is None else _of_mean_one(eval_weights))
        if self.task == "regression":
            y = np.asarray(y, dtype=np.float64)
            self.centre_, self.scale_ = _moments(y, given)
        elif self.task in COUNTS:
            mean = float(np.average(y, weights=given and given.fitted))
            if mean <= 0:
                raise ValueError("the target is 0 in every row of this fit")
            self.centre_, self.scale_ = (float(np.log(mean)), 1.0) if self.logarithmic else (0.0, mean)
        progress = Progress("fitted", self.params["iterations"], "rounds") if isinstance(X, Blocks) else None
        monitor = Monitor(deadline, report, self.params.get("patience"), progress)
        valid = None if eval_set is None else (_matrix(eval_set[0]), self._prepared(eval_set[1]))
        if given is None:
            self._fit(_matrix(X), self._prepared(y), valid, monitor)
        else:
            weighing: Callable[..., None] = self._fit
            weighing(_matrix(X), self._prepared(y), valid, monitor, given)
        return self

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
        """Of each row to the centre of each class, float64 of shape (n, n_classes), where `has_distances`."""
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


class Family(Part, ABC):
    """A kind of model: all that is known of it, how it is tuned and how it is written as ONNX.

    The searches of other families ask for `weight` and `export_s`. So its module imports the library behind it where it
    fits and reads, not above.
    """

    noun = "model family"
    home = "switchyard.tabular.families:FAMILIES"
    REQUIRED = ("name", "title", "packages", "style", "estimator", "weight", "export_s")

    name: ClassVar[str]
    title: ClassVar[str]
    """What documents call it, within a sentence."""
    packages: ClassVar[tuple[str, ...]]
    """Distributions whose versions the model card states."""
    style: ClassVar[Literal["tree", "net", "distances"]]
    """Which preprocessing it wants: see `switchyard.tabular.features.preprocess.build_preprocessor`."""
    tasks: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "regression")
    """What it can do."""
    estimator: ClassVar[type[Estimator]]
    weight: ClassVar[float]
    """Its part of a budget before there is evidence, relative to the others': forests, which gain least from tuning, have 1
    (Probst, Boulesteix and Bischl, *Tunability*, JMLR 2019), boosting, which gains most, 3."""
    export_s: ClassVar[float]
    """Seconds that writing one member into the bundle takes, parity check included."""
    starts_s: ClassVar[float] = 0.0
    """Seconds until its first fit begins, where its library is slow to load: a share of the budget near that is better left to others."""
    finder: ClassVar[Finder | None] = None
    """Of a clustering, how its groups are found."""
    opaque: ClassVar[bool] = False
    """Nobody can follow it to an answer: `constraints.explainable_only` leaves it out."""
    stops_early: ClassVar[bool] = False
    """Watches rows that it is not fitted to, and keeps its best iteration."""
    scheduled: ClassVar[bool] = False
    """A fit is one schedule over all its iterations, which a clock that cuts it off would spoil: it is made shorter instead."""
    start_points: ClassVar[tuple[Params, ...]] = ()
    """What a search tries after the defaults, before it is free to choose: each changes the defaults in some values."""

    def lacks(self) -> str:
        missing = [name for name in getattr(self, "packages", ()) if not _is_installed(name)]
        return super().lacks() or (f"names packages that are not installed: {', '.join(missing)}" if missing else "")

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
        """What the library answers as it comes, fitted to float64 of shape (n, m); only `BASELINE` has to say it.

        Returns
        -------
        ndarray
            Probabilities of shape (n_holdout, n_classes), or values of shape (n_holdout,) where `n_classes` is 0.
        """
        raise NotImplementedError(f"{self.title} is no baseline")

    def load(self) -> None:
        """Import the library behind it: a search does so before it takes the time of a fit."""
        return None

    @abstractmethod
    def emit(self, graph: Graph, estimator: Any, x: str) -> str:
        """What `estimator.margins` says of the float tensor `x` of shape [n, m], as nodes of `graph`.

        Returns
        -------
        str
            A double tensor of shape [n, width]. It has to agree with the native model to 1e-6, or the run fails.
        """

    def emit_distances(self, graph: Graph, estimator: Any, x: str) -> str:
        """What `estimator.distances` says of the float tensor `x`: a double tensor of shape [n, n_classes]."""
        raise NotImplementedError(f"{self.title} has no distances")

    def with_iterations(self, params: Params, iterations: int) -> Params:
        """`params` for a fit of that many iterations."""
        return {**params, "iterations": iterations}

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


def _of_mean_one(weights: np.ndarray) -> np.ndarray:
    # So that what a search says of a leaf's weight and of penalties means the same in any unit.
    weights = np.asarray(weights, dtype=np.float64)
    return weights / weights.mean()


def _moments(y: np.ndarray, weights: Weights | None) -> tuple[float, float]:
    """Mean and standard deviation, one where there is none."""
    if weights is None:
        return float(y.mean()), float(y.std()) or 1.0
    centre = float(np.average(y, weights=weights.fitted))
    return centre, float(np.average((y - centre) ** 2, weights=weights.fitted)) ** 0.5 or 1.0


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _matrix(X: Any) -> Any:
    if isinstance(X, Blocks):
        return X
    # float32 before any model sees a value: the graph casts at the same place, so both take the same branches.
    return np.ascontiguousarray(X, dtype=np.float32)
