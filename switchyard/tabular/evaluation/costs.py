"""What errors cost on the holdout: the served answers beside what would be decided without the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from switchyard.tabular.config.learning import Costs
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Draws, Estimate, Scores
from switchyard.tabular.model.decision import cheapest_answers
from switchyard.tabular.report.report import Name, Table, Text
from switchyard.tabular.report.words import shown

_ROWS = 1000
_NEVER, _ALWAYS, _HALF = "never", "always", "half"
_LIKELIEST = "likeliest"


class Money(Costs):
    """Costs per 1,000 rows of the holdout, and what the model saves against each other way to decide, on the same resamples."""

    model: Estimate
    others: dict[str, Estimate]
    """By way to decide: always one class, for each of them, and the model's probabilities without the costs."""
    saved: dict[str, Estimate]
    """For each of them: what it costs more than the model."""

    def prices(self) -> str:
        """What each error costs, or the dearest of more than two classes, in words."""
        if not self.matrix:
            return f"a false positive costs {self._money(self.false_positive)}, a false negative {self._money(self.false_negative)}"
        cost, true, answer = max((cost, true, answer) for true, row in self.matrix.items() for answer, cost in row.items())
        return f"the dearest, {answer} where it is {true}, costs {self._money(cost)}"

    def baselines_decide(self) -> str:
        """A sentence on what the baselines' probabilities become where they are charged."""
        if self.matrix:
            return "In cost, the baselines answer the class whose cost is expected to be the least."
        return f"In cost, the baselines decide from {self.break_even:.4g} on, where both errors are expected to cost the same."

    def sentence(self, classes: tuple[str, ...]) -> str:
        """What the model's errors cost, and what the cheapest way without it would."""
        ways = dict(zip(_constants(len(classes)), classes))
        way = min(ways, key=lambda name: self.others[name].value or 0.0)
        plain, words = (_LIKELIEST, "the most probable class") if self.matrix else (_HALF, "0.5 as the threshold")
        return (
            f"Errors cost {self._money(self.model.value)} per 1,000 rows ({self.prices()}); the cheapest answer without a model, "
            f"always {ways[way]}, costs {self._money(self.others[way].value)}, and {words} {self._money(self.others[plain].value)}."
        )

    def table(self, classes: tuple[str, ...]) -> Table:
        """Each way to decide, what it costs, and what the model saves."""
        ways: dict[str, Text | str] = {way: Text("always ", Name(label)) for way, label in zip(_constants(len(classes)), classes)}
        ways |= {_LIKELIEST: "the model, most probable class"} if self.matrix else {_HALF: "the model, threshold 0.5"}
        rows: list[tuple[Text | str, str, str]] = [("the model, as served", str(self.model), "")]
        rows += [(words, str(self.others[way]), str(self.saved[way])) for way, words in ways.items()]
        unit = f", {self.unit}" if self.unit else ""
        return Table(("decided by", f"cost per 1,000 rows{unit}", "the model saves"), rows)

    def _money(self, amount: float | None) -> str:
        return f"{shown(amount)} {self.unit}".rstrip()


def _constants(n_classes: int) -> tuple[str, ...]:
    """The names of the ways that always answer one class, in the order of the classes."""
    return (_NEVER, _ALWAYS) if n_classes == 2 else tuple(f"always_{code}" for code in range(n_classes))


def charged_labels(proba: np.ndarray, costs: Costs, classes: tuple[str, ...]) -> np.ndarray:
    """The answers of one who knows the costs and believes these probabilities: int codes of shape (n,)."""
    if costs.matrix:
        return cheapest_answers(proba, costs.by_class(classes))
    return (proba[:, 1] >= costs.break_even).astype("int64")


def cost_scores(truth: np.ndarray, labels: np.ndarray, table: np.ndarray) -> Scores:
    """The score `cost`, per 1,000 rows, as a function of row weights, of labels by a `Costs.by_class`; both int codes of shape (n,)."""
    each = table[truth, labels] * _ROWS

    def scores(weights: np.ndarray) -> dict[str, np.ndarray]:
        total = weights.sum(axis=1)
        return {"cost": np.divide(weights @ each, total, out=np.full(len(total), np.nan), where=total > 0)}

    return scores


def with_cost(scores: Scores, truth: np.ndarray, labels: np.ndarray, costs: Costs | None, classes: tuple[str, ...]) -> Scores:
    """`scores` and, where the config says what errors cost, `cost` besides."""
    if costs is None:
        return scores
    extra = cost_scores(truth, labels, costs.by_class(classes))
    return lambda weights: {**scores(weights), **extra(weights)}


def other_ways(truth: np.ndarray, predictions: Predictions, costs: Costs | None, classes: tuple[str, ...]) -> dict[tuple[str, str], Scores]:
    """The cost of every other way to decide, for the resampling; none without costs."""
    if costs is None:
        return {}
    proba = predictions.probabilities
    ways = {way: np.full(len(truth), code, dtype="int64") for code, way in enumerate(_constants(len(classes)))}
    ways |= {_LIKELIEST: proba.argmax(axis=1)} if costs.matrix else {_HALF: (proba[:, 1] >= 0.5).astype("int64")}
    table = costs.by_class(classes)
    return {("cost", name): cost_scores(truth, labels, table) for name, labels in ways.items()}


def money_of(draws: Mapping[Any, Mapping[str, Draws]], model: Draws, costs: Costs, classes: tuple[str, ...], confidence: float) -> Money:
    """The `Money` of what `other_ways` and the model drew."""
    names = (*_constants(len(classes)), _LIKELIEST if costs.matrix else _HALF)
    others = {name: draws[("cost", name)]["cost"] for name in names}
    return Money(
        **costs.model_dump(),
        model=model.estimate(confidence),
        others={name: drawn.estimate(confidence) for name, drawn in others.items()},
        saved={name: (drawn - model).estimate(confidence) for name, drawn in others.items()},
    )
