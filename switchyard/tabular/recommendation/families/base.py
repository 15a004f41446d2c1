"""What every family of recommenders offers: defaults, a search space, and a fit that ends in a servable form."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy import sparse

from switchyard.parts import Part
from switchyard.tabular.recommendation.forms import Form
from switchyard.tabular.recommendation.interactions import Interactions

if TYPE_CHECKING:
    import optuna

Params = dict[str, Any]


class Recommender(Part):
    """One family.

    Attributes
    ----------
    title : str
        As it is called in tables.
    defaults : tuple of dict
        Where a search starts, the first first.
    """

    noun = "recommender"
    home = "switchyard.tabular.recommendation.families:RECOMMENDERS"
    REQUIRED: ClassVar[tuple[str, ...]] = ("name", "title", "defaults")

    title: str
    defaults: tuple[Params, ...]
    most_trials: int = 1_000
    """More would only fit the users that are asked."""
    needs: str = ""
    """What there must be beside the interactions, in words."""

    def suits(self, log: Interactions) -> bool:
        """Whether it has something to learn from."""
        return True

    @abstractmethod
    def suggest(self, trial: optuna.Trial) -> Params:
        """Parameters of one trial."""

    @abstractmethod
    def fit(self, log: Interactions, params: Mapping[str, Any], seed: int) -> Form:
        """What `params` make of `log`; the same for the same seed."""


def matrix_of(log: Interactions, params: Mapping[str, Any]) -> sparse.csr_matrix:
    """Users by items, float32: how much each pair says.

    One for each pair, or 1 + log(1 + its total weight) over the median's where `weighted`; halved for every `fade` of the log's
    length that has passed since they met last.
    """
    pairs = log.pairs
    values = np.ones(len(pairs.users))
    if params.get("weighted"):
        logs = np.log1p(pairs.total)
        values = (1 + logs) / (1 + np.median(logs))
    values = values * faded(pairs.last, params.get("fade"))
    return sparse.csr_matrix((values.astype(np.float32), (pairs.users, pairs.items)), shape=(log.n_users, log.n_items))


def faded(times: np.ndarray, fade: float | None) -> np.ndarray:
    """Weights 0..1 of `times`: halved for every `fade` of their range before the last."""
    span = float(times.max() - times.min())
    if fade is None or not span:
        return np.ones(len(times))
    return np.maximum(np.exp2((times - times.max()) / (fade * span)), 1e-6)


def suggest_fade(trial: optuna.Trial, shortest: float = 0.03) -> float | None:
    """How soon what was long ago stops to count, or None for never."""
    return trial.suggest_float("fade", shortest, 2.0, log=True) if trial.suggest_categorical("fades", [True, False]) else None


def suggest_half_life(trial: optuna.Trial) -> float | None:
    """How many places of a history make an item count half, or None for no difference."""
    return trial.suggest_float("half_life", 1.0, 100.0, log=True) if trial.suggest_categorical("ordered", [True, False]) else None


def asked_for(params: Mapping[str, Any]) -> Params:
    """What a trial must be told to suggest `params`."""
    switches = {switch: params[name] is not None for name, switch in (("fade", "fades"), ("half_life", "ordered")) if name in params}
    return {**{name: value for name, value in params.items() if value is not None}, **switches}


def largest(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of the `count` entries farthest from zero, in the order of their places; entries of zero are none."""
    places = np.argpartition(-np.abs(values), count - 1)[:count] if count < len(values) else np.arange(len(values))
    places = np.sort(places[values[places] != 0])
    return places, values[places]
