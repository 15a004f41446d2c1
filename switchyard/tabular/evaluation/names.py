"""`NAMES`: how scores, gaps and baselines are called for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from switchyard.tabular.evaluation.baselines import CONSTANT, DEFAULTS
from switchyard.tabular.families import BASELINE, FAMILIES
from switchyard.tabular.metrics import METRICS

_OTHERS = {
    "balanced_accuracy": "Balanced accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "f1_weighted": "F1, weighted",
    "cost": "Cost per 1,000 rows",
    "mse": "MSE",
    "bias": "Bias",
    "coverage": "Interval coverage",
    "width": "Interval width",
    "pinball": "Pinball loss, mean of the quantiles",
    "set_coverage": "Set coverage",
    "set_size": "Classes in a set",
    "set_of_one": "Sets of one class",
    "hit_rate_at_10": "Hit rate@10",
    "mrr_at_10": "MRR@10",
    CONSTANT: "constant",
    DEFAULTS: f"{FAMILIES[BASELINE].title} defaults",
    "demographic_parity": "Demographic parity difference",
    "equal_opportunity": "Equal opportunity difference (false negative rate gap)",
    "false_positive_rate_gap": "False positive rate gap",
    "score": "Score gap",
    "positive_rate": "Positive rate",
    "predicted_rate": "Predicted rate",
    "false_negative_rate": "False negative rate",
    "false_positive_rate": "False positive rate",
}


_MEANINGS = {
    "roc_auc": "1 ranks every pair right, 0.5 is chance",
    "average_precision": "1 is best, chance the share of the class",
    "log_loss": "0 is best",
    "brier": "0 is best",
    "accuracy": "share of right answers",
    "balanced_accuracy": "mean of the classes' recalls",
    "precision": "share of those answered that are it",
    "recall": "share of the class that is found",
    "f1": "harmonic mean of precision and recall",
    "precision_weighted": "mean of the classes by their rows",
    "recall_weighted": "mean of the classes by their rows",
    "f1_weighted": "mean of the classes by their rows",
    "rmse": "typical error, units of the target",
    "mse": "its square",
    "mae": "mean error, units of the target",
    "r2": "1 is best, 0 as good as the mean",
    "bias": "mean of predicted minus true, units of the target",
    "coverage": "share of true values within their interval",
    "width": "mean of the intervals, units of the target",
    "pinball": "0 is best, units of the target",
    "cost": "what errors cost, each 1,000 rows",
    "set_coverage": "share of sets with the true class",
    "set_size": "mean number of classes in a set",
    "set_of_one": "share of sets with one class",
}


_OF_LEVELS = {"pinball_": "Pinball loss of quantile ", "below_": "Outcomes below quantile ", "within_": "Outcomes within quantiles "}


class _Names(Mapping[str, str]):
    """Titles of the metrics there are, and of what is measured besides."""

    def __getitem__(self, name: str) -> str:
        if name in METRICS:
            return METRICS[name].title
        for start, title in _OF_LEVELS.items():
            if name.startswith(start):
                return title + name.removeprefix(start).replace("_", " to ")
        return _OTHERS[name]

    def __iter__(self) -> Iterator[str]:
        yield from METRICS
        yield from _OTHERS

    def __len__(self) -> int:
        return len(METRICS) + len(_OTHERS)


NAMES = _Names()


def name_of(score: str) -> str:
    """A score's name for people; what has no name of its own is called as it is."""
    return NAMES.get(score, score)


def meaning_of(score: str) -> str:
    """What a score says and its unit, in a few words; empty for what has none of ours."""
    kind, _, levels = score.partition("_")
    if score in _MEANINGS or not levels or f"{kind}_" not in _OF_LEVELS:
        return _MEANINGS.get(score, "")
    if kind == "pinball":
        return "0 is best, units of the target, of one quantile"
    low, high = ("0", levels) if kind == "below" else levels.split("_")
    place = "not above it" if kind == "below" else "between both"
    return f"share of true values {place}; {float(high) - float(low):.4g} is right"
