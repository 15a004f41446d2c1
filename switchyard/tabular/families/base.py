"""`Family`: what every kind of model offers: published defaults, a small search space, an estimator and its form as ONNX."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from switchyard.parts import Part
from switchyard.tabular.families.estimator import Estimator, Params, Report, Weights, probabilities_of

if TYPE_CHECKING:
    from switchyard.tabular.clustering.finder import Finder
    from switchyard.tabular.export.graph import Graph
    from switchyard.tabular.families.ranker import Ranker

__all__ = ["NATIVE", "Estimator", "Family", "Params", "Report", "Weights", "probabilities_of"]

NATIVE = "native"
"""The choice of codes that the estimator itself takes for categories, by `Estimator.categorical_sizes`."""


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
    encoders: ClassVar[tuple[str, ...]] = ("auto", "ordinal")
    """What a search may make of the categories that the config leaves open, with the style "tree"; `NATIVE` only where the estimator
    splits codes as sets."""
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
    ranker: ClassVar[Ranker | None] = None
    """How it learns the order of lists, where it can."""
    opaque: ClassVar[bool] = False
    """Nobody can follow it to an answer: `constraints.explainable_only` leaves it out."""
    stops_early: ClassVar[bool] = False
    """Watches rows that it is not fitted to, and keeps its best iteration."""
    varies: ClassVar[bool] = False
    """Fits with other seeds differ so much that their mean is better than any."""
    scheduled: ClassVar[bool] = False
    """A fit is one schedule over all its iterations, which a clock that cuts it off would spoil: it is made shorter instead."""
    start_points: ClassVar[tuple[Params, ...]] = ()
    """What a search tries in this order before it is free to choose: each changes the defaults in some values; {}, which comes first
    where it is not in it, is the defaults."""

    @property
    def boosts(self) -> bool:
        """Whether it is boosting that learns from blocks: in steps as large as the time asks, or by several processes together."""
        return self.estimator.streams and not self.scheduled

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

    def gains(self, X: np.ndarray, y: np.ndarray, n_classes: int, seed: int) -> np.ndarray:
        """By how much each column of `X`, float32 of shape (n, m), lowers the training loss of a few trees; only `BASELINE` has to say it.

        Returns
        -------
        ndarray of shape (m,)
            Of `y`, class codes without gaps, or values where `n_classes` is 0. The same on every machine.
        """
        raise NotImplementedError(f"{self.title} ranks no columns")

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


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
