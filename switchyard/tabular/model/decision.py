"""From scores to decisions: the threshold of a binary label, conformal sets of classes, and conformal intervals.

All are chosen on out-of-fold predictions and travel inside the model and the bundle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from switchyard.tabular.config.learning import Costs

Rule = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]
"""Quality of a cut from the positives above it, the rows above it, all positives and all rows."""


def choose_threshold(
    scores: np.ndarray, y: np.ndarray, rule: str | float, costs: Costs | None = None, weights: np.ndarray | None = None
) -> float:
    """The probability from which on the positive class is answered.

    Parameters
    ----------
    scores : ndarray of shape (n,) or (n, 2)
        Calibrated out-of-fold probabilities, of the positive class or of both. NaN rows are left out.
    y : ndarray of int of shape (n,)
        1 is the positive class.
    rule : {"auto", "f1", "balanced_accuracy", "accuracy"} or float
        What the threshold maximises, or the threshold itself. auto is by `costs`, and without them f1 below
        40 % of positives, else accuracy.
    costs : Costs, optional
        What each kind of error costs.
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    float
        By costs, where both errors are expected to cost the same; probabilities that are not quite true show in another
        cut that would have cost less by more than two standard errors of the difference, and that is taken then.
        Else in (0, 1): the middle of the gap between two neighbouring scores, and of the widest such gap where several are
        equally good, so that no rounding can carry a row across.
    """
    if isinstance(rule, (int, float)):
        return float(rule)
    scores = np.asarray(scores, dtype=np.float64)
    scores = scores[:, 1] if scores.ndim == 2 else scores
    known = ~np.isnan(scores)
    scores, y = scores[known], np.asarray(y)[known]
    counts = np.ones(len(y)) if weights is None else weights[known]
    by_costs = rule == "auto" and costs is not None
    if len(np.unique(y)) < 2:
        return costs.break_even if by_costs else 0.5
    if by_costs:
        return _cheapest(scores, y, costs, counts)
    return _best_cut(scores, y, _RULES[("f1" if np.average(y, weights=counts) < 0.4 else "accuracy") if rule == "auto" else rule], counts)


_STEPS = 2.0**40
"""Steps of the dearest error in which expected costs are compared: sums that differ by their order of adding up alone are equal."""


def cheapest_answers(proba: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """The class whose cost as the answer is expected to be the least: int64 of shape (n,), the first of several.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
    costs : ndarray of shape (n_classes, n_classes)
        By true class (row) and answer (column).
    """
    return np.rint(np.asarray(proba, dtype=np.float64) @ in_steps(costs)).argmin(axis=1)


def in_steps(costs: np.ndarray) -> np.ndarray:
    """`costs` in the steps in which expected costs are compared; the graph uses them too."""
    return costs * (_STEPS / costs.max())


def _cheapest(scores: np.ndarray, y: np.ndarray, costs: Costs, counts: np.ndarray) -> float:
    called, missed = costs.by_class(("", ""))[(0, 1), (1, 0)]
    price = np.where(y == 1, missed, called) * counts
    best = _best_cut(scores, y, lambda hits, chosen, positives, rows: -called * (chosen - hits) - missed * (positives - hits), counts)
    saved = price * (((scores >= costs.break_even) != y).astype(float) - ((scores >= best) != y))
    return best if saved.sum() > 2 * saved.std() * len(saved) ** 0.5 else costs.break_even


def _best_cut(scores: np.ndarray, y: np.ndarray, rule: Rule, counts: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked, counted = scores[order], counts[order]
    truth = y[order] * counted
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # cuts fall between different scores only
    above = ranked[last]
    below = np.append(above[1:], 0.0)
    quality = rule(np.cumsum(truth)[last], np.cumsum(counted)[last], float(truth.sum()), float(counted.sum()))
    gaps = np.where(quality >= quality.max() - 1e-12, above - below, -1.0)
    best = int(gaps.argmax())
    return float(np.clip((above[best] + below[best]) / 2, 1e-6, 1 - 1e-6))


def _f1(hits: np.ndarray, chosen: np.ndarray, positives: float, rows: float) -> np.ndarray:
    return 2 * hits / (chosen + positives)


def _balanced_accuracy(hits: np.ndarray, chosen: np.ndarray, positives: float, rows: float) -> np.ndarray:
    negatives = rows - positives
    return (hits / positives + (negatives - (chosen - hits)) / negatives) / 2


def _accuracy(hits: np.ndarray, chosen: np.ndarray, positives: float, rows: float) -> np.ndarray:
    return (hits + rows - positives - (chosen - hits)) / rows


_RULES: dict[str, Rule] = {
    "f1": _f1,
    "balanced_accuracy": _balanced_accuracy,
    "accuracy": _accuracy,
}


def conformal_half_width(residuals: np.ndarray, coverage: float, weights: np.ndarray | None = None) -> float:
    """Half the width of an interval that holds new values with probability `coverage`, in units of the target.

    The ceil((n + 1) * coverage)-th smallest absolute residual: the finite-sample correction that makes the coverage hold
    exactly for exchangeable rows. Where that asks for more rows than there are, the largest residual.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Out-of-fold truth minus prediction; NaN rows are left out.
    coverage : float
        In (0, 1).
    weights : ndarray of shape (n,), optional
        How much each row counts: the share is then of weight, and a new row is taken to have the mean one.

    Raises
    ------
    ValueError
        If no residual is known.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani, Wasserman, *Distribution-Free Predictive Inference for Regression*, JASA 113,
    2018 (split conformal). Barber, Candès, Ramdas, Tibshirani, *Predictive Inference with the Jackknife+*, Annals of
    Statistics 49, 2021 (residuals of cross-validation). Tibshirani, Barber, Candès, Ramdas, *Conformal Prediction Under
    Covariate Shift*, NeurIPS 2019 (weights).
    """
    known = ~np.isnan(residuals)
    if not known.any():
        raise ValueError("no out-of-fold residual is known")
    sizes = np.abs(residuals[known])
    order = np.argsort(sizes, kind="stable")
    place = _place(coverage, None if weights is None else weights[known][order], len(sizes))
    return float(sizes[order[min(place, len(sizes) - 1)]])


def _place(coverage: float, weights: np.ndarray | None, rows: int) -> int:
    """The place, from 0, of the first of so many values in order that has that share of them, and of one row more, up to it."""
    if weights is None:
        return int(np.ceil((rows + 1) * coverage)) - 1
    shares = np.cumsum(weights / weights.mean())
    return int(np.searchsorted(shares, (rows + 1) * coverage * (1 - 1e-12)))


def least_probabilities(
    proba: np.ndarray, y: np.ndarray, coverage: float, each_class: bool, weights: np.ndarray | None = None
) -> tuple[float, ...]:
    """The probability from which on a class is in an answer's set, so that the true one is with probability `coverage`.

    The ceil((n + 1) * coverage)-th largest probability of a true class. Where that asks for more rows than there are,
    nothing can be promised by leaving a class out, and it is 0. A set may be empty: where the model is right more often than
    was promised, these are the rows that it is least sure of.

    Parameters
    ----------
    proba : ndarray of shape (n, n_classes)
        Calibrated out-of-fold probabilities; rows with NaN are left out.
    y : ndarray of int of shape (n,)
        Codes.
    coverage : float
        In (0, 1).
    each_class : bool
        Whether the rows of each class keep the promise by themselves (Mondrian), or all rows together.
    weights : ndarray of shape (n,), optional
        How much each row counts.

    Returns
    -------
    tuple of float
        One for each class, the same for all unless `each_class`.

    References
    ----------
    Sadinle, Lei, Wasserman, *Least Ambiguous Set-Valued Classifiers with Bounded Error Levels*, JASA 114, 2019 (the sets of
    least mean size). Vovk, *Conditional Validity of Inductive Conformal Predictors*, Machine Learning 92, 2013 (by class).
    """
    known = ~np.isnan(proba).any(axis=1)
    proba, y = proba[known], np.asarray(y)[known]
    own, n_classes = proba[np.arange(len(y)), y], proba.shape[1]
    counts = None if weights is None else weights[known]

    def least(rows: np.ndarray) -> float:
        order = rows[np.argsort(-own[rows], kind="stable")]
        place = _place(coverage, None if counts is None else counts[order], len(order))
        return 0.0 if place >= len(order) else float(own[order[place]])

    if not each_class:
        return (least(np.arange(len(y))),) * n_classes
    return tuple(least(np.flatnonzero(y == code)) for code in range(n_classes))
