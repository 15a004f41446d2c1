"""What the errors of two classes cost on the holdout: the served answers beside what would be decided without the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from switchyard.tabular.config.learning import Costs
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Draws, Estimate, Scores
from switchyard.tabular.report.report import Name, Table, Text
from switchyard.tabular.report.words import shown

_ROWS = 1000
_NEVER, _ALWAYS, _HALF = "never", "always", "half"


class Money(Costs):
    """Costs per 1,000 rows of the holdout, and what the model saves against each other way to decide, on the same resamples."""

    model: Estimate
    others: dict[str, Estimate]
    """By way to decide: always the one class, always the other, and the model's probabilities with a threshold of 0.5."""
    saved: dict[str, Estimate]
    """For each of them: what it costs more than the model."""

    def prices(self) -> str:
        """What each error costs, in words."""
        return f"a false positive costs {self._money(self.false_positive)}, a false negative {self._money(self.false_negative)}"

    def sentence(self, classes: tuple[str, ...]) -> str:
        """What the model's errors cost, and what the cheapest way without it would."""
        ways = {_NEVER: f"always {classes[0]}", _ALWAYS: f"always {classes[1]}"}
        way = min(ways, key=lambda name: self.others[name].value or 0.0)
        return (
            f"Errors cost {self._money(self.model.value)} per 1,000 rows ({self.prices()}); the cheapest answer without a model, "
            f"{ways[way]}, costs {self._money(self.others[way].value)}, and 0.5 as the threshold {self._money(self.others[_HALF].value)}."
        )

    def table(self, classes: tuple[str, ...]) -> Table:
        """Each way to decide, what it costs, and what the model saves."""
        ways = {
            _NEVER: Text("always ", Name(classes[0])),
            _ALWAYS: Text("always ", Name(classes[1])),
            _HALF: "the model, threshold 0.5",
        }
        rows = [("the model, as served", str(self.model), "")]
        rows += [(way, str(self.others[name]), str(self.saved[name])) for name, way in ways.items()]
        unit = f", {self.unit}" if self.unit else ""
        return Table(("decided by", f"cost per 1,000 rows{unit}", "the model saves"), rows)

    def _money(self, amount: float | None) -> str:
        return f"{shown(amount)} {self.unit}".rstrip()


def cost_scores(truth: np.ndarray, labels: np.ndarray, costs: Costs) -> Scores:
    """The score `cost`, per 1,000 rows, as a function of row weights, of labels (int codes of shape (n,), 1 the positive class)."""
    price = np.where(truth == 1, costs.false_negative, costs.false_positive) * _ROWS
    each = np.where(labels == truth, 0.0, price)

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        return {"cost": np.divide(weights @ each, total, out=np.full(len(total), np.nan), where=total > 0)}

    return scores


def with_cost(scores: Scores, truth: np.ndarray, labels: np.ndarray, costs: Costs | None) -> Scores:
    """`scores` and, where the config says what errors cost, `cost` besides."""
    if costs is None:
        return scores
    extra = cost_scores(truth, labels, costs)
    return lambda weights: {**scores(weights), **extra(weights)}


def other_ways(truth: np.ndarray, predictions: Predictions, costs: Costs | None) -> dict[tuple[str, str], Scores]:
    """The cost of every other way to decide, for the resampling; none without costs."""
    if costs is None:
        return {}
    ways = {
        _NEVER: np.zeros(len(truth), dtype="int64"),
        _ALWAYS: np.ones(len(truth), dtype="int64"),
        _HALF: (predictions.probabilities[:, 1] >= 0.5).astype("int64"),
    }
    return {("cost", name): cost_scores(truth, labels, costs) for name, labels in ways.items()}


def money_of(draws: Mapping[Any, Mapping[str, Draws]], model: Draws, costs: Costs, confidence: float) -> Money:
    """The `Money` of what `other_ways` and the model drew."""
    others = {name: draws[("cost", name)]["cost"] for name in (_NEVER, _ALWAYS, _HALF)}
    return Money(
        **costs.model_dump(),
        model=model.estimate(confidence),
        others={name: drawn.estimate(confidence) for name, drawn in others.items()},
        saved={name: (drawn - model).estimate(confidence) for name, drawn in others.items()},
    )
