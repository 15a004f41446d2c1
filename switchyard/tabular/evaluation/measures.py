"""The scores of a classification or a regression as functions of row weights.

With weights of one they equal scikit-learn's; with bootstrap counts they give a whole chunk of resamples at
once, without a sort per resample.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.quantiles import quantile_columns
from switchyard.tabular.evaluation.resampling import Scores
from switchyard.tabular.metrics import Metric
from switchyard.tabular.tasks import metric_of

_VECTORISED = ("roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1", "rmse", "mae", "r2")
"""Metrics that the classes below compute for a whole chunk of resamples; any other is computed for one after the other."""


def _ratio(numerator: np.ndarray, denominator: np.ndarray, empty: float = np.nan) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full_like(numerator, empty, dtype="float64"), where=denominator > 0)


class Ranking:
    """ROC-AUC and average precision of one score for one class, by rank sums.

    The area is the chance that a positive outranks a negative, ties counting half (Hanley & McNeil, *Radiology*
    143, 1982). Sorting and tie search happen once; each resample costs two cumulative sums.
    """

    def __init__(self, positive: np.ndarray, score: np.ndarray) -> None:
        order = np.argsort(score, kind="stable")
        self._positives = order[positive[order]]
        self._negatives = order[~positive[order]]
        s_pos, s_neg = score[self._positives], score[self._negatives]
        self._below = np.searchsorted(s_neg, s_pos, "left")
        self._upto = np.searchsorted(s_neg, s_pos, "right")
        self._first_tied = np.searchsorted(s_pos, s_pos, "left")

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ROC-AUC and average precision, each of shape (n_resamples,); NaN without both classes."""
        pos, neg = weights[:, self._positives], weights[:, self._negatives]
        cum_neg = _cumulative(neg)
        n_pos, n_neg = pos.sum(axis=1), cum_neg[:, -1]
        below = cum_neg[:, self._below]
        auc = _ratio(np.einsum("ij,ij->i", pos, below + cum_neg[:, self._upto]) / 2, n_pos * n_neg)
        true_positives = n_pos[:, None] - _cumulative(pos)[:, self._first_tied]
        false_positives = n_neg[:, None] - below
        precision = _ratio(true_positives, true_positives + false_positives, empty=0.0)
        return auc, _ratio(np.einsum("ij,ij->i", pos, precision), n_pos)


def _cumulative(weights: np.ndarray) -> np.ndarray:
    out = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=out[:, 1:])
    return out


class ClassificationScores:
    """All scores of a classification.

    `precision`, `recall` and `f1` are those of the positive class for two classes and weighted by class size for
    more; `*_weighted` are weighted for both. `CLASS:precision` and so on hold the scores of each class. Labels are the
    served ones, so they depend on the model's threshold; `roc_auc`, `average_precision`, `log_loss` and `brier` do not.
    ROC-AUC of several classes is the mean of one-against-rest over the classes that are there. With conformal sets there are
    `set_coverage` (share of rows whose set holds the true class; of each class too), `set_size` (mean number of classes in a
    set) and `set_of_one` (share of sets that hold one class).

    Parameters
    ----------
    truth : ndarray of int, shape (n,)
        Codes into `classes`.
    predictions : Predictions
    classes : tuple of str
    """

    def __init__(self, truth: np.ndarray, predictions: Predictions, classes: tuple[str, ...]) -> None:
        n_classes = len(classes)
        proba, labels = predictions.probabilities, predictions.labels
        own = np.clip(proba[np.arange(len(truth)), truth], 1e-15, 1.0)
        one_hot = np.eye(n_classes)
        self._classes = classes
        # Columns whose weighted sums every score but the ranking ones is made of.
        columns = [
            -np.log(own),
            ((proba - one_hot[truth]) ** 2).sum(axis=1) / 2,
            one_hot[truth],
            one_hot[labels],
            one_hot[truth] * one_hot[labels],
        ]
        self._sets = predictions.members is not None
        if predictions.members is not None:
            sizes = predictions.members.sum(axis=1)
            columns += [one_hot[truth] * predictions.members, sizes, sizes == 1]
        self._columns = np.column_stack(columns)
        ranked = range(1, 2) if n_classes == 2 else range(n_classes)
        self._rankings = [Ranking(truth == k, proba[:, k]) for k in ranked]

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        n_classes = len(self._classes)
        sums = weights @ self._columns
        total = weights.sum(axis=1)
        true, served, hit = (sums[:, 2 + k * n_classes : 2 + (k + 1) * n_classes] for k in range(3))
        precision, recall = _ratio(hit, served, empty=0.0), _ratio(hit, true)
        f1 = _ratio(2 * hit, true + served)
        share = _ratio(true, total[:, None])
        weighted = {name: np.nansum(part * share, axis=1) for name, part in (("precision", precision), ("recall", recall), ("f1", f1))}
        main = {"precision": precision[:, 1], "recall": recall[:, 1], "f1": f1[:, 1]} if n_classes == 2 else weighted
        ranks = [ranking(weights) for ranking in self._rankings]
        scores = {
            "roc_auc": _mean_defined([auc for auc, _ in ranks]),
            "average_precision": _mean_defined([precision for _, precision in ranks]),
            "log_loss": _ratio(sums[:, 0], total),
            "brier": _ratio(sums[:, 1], total),
            "accuracy": _ratio(hit.sum(axis=1), total),
            "balanced_accuracy": _mean_defined(list(recall.T)),
            **main,
            **{f"{name}_weighted": part for name, part in weighted.items()},
        }
        for k, label in enumerate(self._classes):
            scores |= {f"{label}:precision": precision[:, k], f"{label}:recall": recall[:, k], f"{label}:f1": f1[:, k]}
        return {**scores, **self._of_sets(sums, true, total)} if self._sets else scores

    def _of_sets(self, sums: np.ndarray, true: np.ndarray, total: np.ndarray) -> dict[str, np.ndarray]:
        n_classes = len(self._classes)
        held, (sizes, single) = sums[:, 2 + 3 * n_classes : 2 + 4 * n_classes], sums[:, 2 + 4 * n_classes :].T
        by_class = _ratio(held, true)
        return {
            "set_coverage": _ratio(held.sum(axis=1), total),
            "set_size": _ratio(sizes, total),
            "set_of_one": _ratio(single, total),
            **{f"{label}:set_coverage": by_class[:, k] for k, label in enumerate(self._classes)},
        }


def _mean_defined(parts: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack(parts)
    return _ratio(np.nansum(stacked, axis=0), np.isfinite(stacked).sum(axis=0).astype("float64"))


class RegressionScores:
    """All scores of a regression: `mse`, `rmse`, `mae`, `r2`, `bias` (mean of prediction minus truth), and
    `coverage` (share of true values inside the interval) and `width` (mean, units of the target) where there is one;
    of quantiles those of `quantile_columns`.

    R2 is taken around the mean of the resample, as scikit-learn does around that of the rows.
    """

    def __init__(self, truth: np.ndarray, predictions: Predictions) -> None:
        error = predictions.values - truth
        # Centring first keeps the sums of squares exact for targets far from zero.
        centred = truth - truth.mean() if len(truth) else truth
        columns = [error**2, np.abs(error), error, centred, centred**2]
        self._intervals = predictions.lower is not None
        if self._intervals:
            columns += [(predictions.lower <= truth) & (truth <= predictions.upper), predictions.upper - predictions.lower]
        more = quantile_columns(truth, predictions)
        self._more = {name: len(columns) + at for at, name in enumerate(more)}
        self._columns = np.column_stack([*columns, *more.values()]).astype("float64")

    def __call__(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        means = _ratio(weights @ self._columns, np.repeat(weights.sum(axis=1, keepdims=True), self._columns.shape[1], axis=1))
        mse, mae, bias, centre, square = means[:, :5].T
        scores = {"rmse": np.sqrt(mse), "mse": mse, "mae": mae, "r2": 1 - _ratio(mse, square - centre**2), "bias": bias}
        if self._intervals:
            scores |= {"coverage": means[:, 5], "width": means[:, 6]}
        return scores | {name: means[:, at] for name, at in self._more.items()}


def scores_of(truth: np.ndarray, predictions: Predictions, task: str, classes: tuple[str, ...], metric: str = "auto") -> Scores:
    """The scores of `task` for these predictions, as a function of row weights; `metric` is among them, whosever it is."""
    scores: Scores = RegressionScores(truth, predictions) if task == "regression" else ClassificationScores(truth, predictions, classes)
    wanted = metric_of(task, metric)
    if wanted.name in _VECTORISED:
        return scores
    extra = _by_repetition(wanted, truth, predictions)
    return lambda weights: {**scores(weights), wanted.name: extra(weights)}


def _by_repetition(metric: Metric, truth: np.ndarray, predictions: Predictions) -> Callable[[np.ndarray], np.ndarray]:
    """A metric for one resample after the other; NaN where it is not defined. To one that does not weigh they are counts of rows."""

    def values(weights: np.ndarray) -> np.ndarray:
        found = np.full(len(weights), np.nan)
        for number, counts in enumerate(weights):
            rows = np.flatnonzero(counts) if metric.weighs else np.repeat(np.arange(len(truth)), counts.astype(int))
            if len(rows):
                with suppress(ValueError, ArithmeticError):
                    found[number] = metric.of_served(truth[rows], predictions.at(rows), counts[rows] if metric.weighs else None)
        return np.where(np.isfinite(found), found, np.nan)

    return values


def on_rows(scores: Scores, rows: np.ndarray) -> Scores:
    """`scores`, made for the rows at positions `rows`, fed from weights of all rows."""
    return lambda weights: scores(weights[:, rows])
