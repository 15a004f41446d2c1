"""What the score probably is while labels are missing, from the answers alone.

It holds as long as the model's probabilities are calibrated for the rows it sees: it follows drift of the columns, and
is blind to a changed relation between columns and target. Only labels tell of that.
"""

from __future__ import annotations

import numpy as np

from switchyard.tabular.evaluation.measures import scores_of
from switchyard.tabular.evaluation.predictions import Predictions
from switchyard.tabular.evaluation.resampling import Draws, Estimate

CLASSES = "confidence-based estimation from the calibrated probabilities (CBPE)"
VALUES = "expected error by size of the prediction, from the holdout"
_DRAWS = 100
_MOST_ROWS = 10_000
_GROUPS = 20


def estimate_scores(
    predictions: Predictions,
    task: str,
    classes: tuple[str, ...],
    confidence: float,
    holdout: Predictions | None = None,
    holdout_truth: np.ndarray | None = None,
    seed: int = 0,
    metric: str = "auto",
) -> dict[str, Estimate]:
    """Expected scores of unlabelled rows.

    Parameters
    ----------
    predictions : Predictions
        Calibrated. Of more than ten thousand rows, ten thousand drawn at random are used.
    task : str
    classes : tuple of str
        Empty for a regression.
    confidence : float
        Of the intervals, which hold what the score of as many rows would be, chance of the labels included.
    holdout, holdout_truth
        Regressions: out-of-sample answers with their truth, shape (n,), to learn the error from.
    metric : str
        Of the problem; it is among the scores, whosever it is.

    Returns
    -------
    dict
        Score name -> estimate. Labels are drawn from the probabilities and scored, again and again. Of a regression the
        errors are drawn from holdout rows with similar predictions.

    References
    ----------
    NannyML, "Confidence-based performance estimation" (nannyml.readthedocs.io); Guillory et al., "Predicting with
    confidence on unseen distributions", ICCV 2021.
    """
    rng = np.random.default_rng(seed)
    rows = len(predictions)
    if rows == 0:
        return {}
    at = np.sort(rng.choice(rows, _MOST_ROWS, replace=False)) if rows > _MOST_ROWS else np.arange(rows)
    part = predictions.at(at)
    if part.probabilities is not None:
        truths = _drawn_labels(part.probabilities, rng)
    elif part.values is None or holdout is None or holdout.values is None or holdout_truth is None or len(holdout_truth) < _GROUPS:
        return {}
    else:
        truths = _drawn_values(part.values, holdout.values, holdout_truth, rng)
        if metric.endswith("_deviance"):  # Nothing that is counted is below zero.
            truths = [np.maximum(truth, 0.0) for truth in truths]
    scored = [scores_of(truth, part, task, classes, metric)(np.ones((1, len(at)))) for truth in truths]
    names = [name for name in scored[0] if ":" not in name]
    draws = {name: np.array([score[name][0] for score in scored]) for name in names}
    # Fewer rows are drawn than there are: the interval of the mean score narrows with the square root of their number.
    scale = np.sqrt(len(at) / rows)
    means = {name: float(np.nanmean(values)) if np.isfinite(values).any() else np.nan for name, values in draws.items()}
    return {name: Draws(means[name], means[name] + scale * (values - means[name])).estimate(confidence) for name, values in draws.items()}


def _drawn_labels(probabilities: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    ends = np.cumsum(probabilities, axis=1)
    last = probabilities.shape[1] - 1
    return [np.minimum((rng.random((len(ends), 1)) * ends[:, -1:] > ends).sum(axis=1), last) for _ in range(_DRAWS)]


def _drawn_values(values: np.ndarray, past: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    edges = np.quantile(past, np.linspace(0, 1, min(_GROUPS, len(past) // 10 or 1) + 1)[1:-1])
    errors = truth - past
    group, own = np.searchsorted(edges, past), np.searchsorted(edges, values)
    pools = [errors[group == g] if (group == g).any() else errors for g in range(len(edges) + 1)]
    return [values + np.array([pools[g][rng.integers(len(pools[g]))] for g in own]) for _ in range(_DRAWS)]
