"""Whether two fits of one recipe, one of which has learnt from the rows in question, agree there as they should."""

from __future__ import annotations

import numpy as np
import pandas as pd

from switchyard.tabular.evaluation.predictions import Predictions, encode_truth
from switchyard.tabular.storable import Record

ALLOWED = 1.5
"""How far apart the answers may be, in units of the evaluated model's own error. A model that had learnt these rows by heart would be
once that far from one that never saw them."""
_FLOOR = 0.02
"""As a probability, or in standard deviations of the target: less than this is no disagreement, however small the errors."""
_CLEARLY = 3.0
"""Standard errors of the mean difference of squared errors from which on a model is worse and not unlucky."""


class Agreement(Record):
    """Root mean squares over the holdout, of probabilities or in units of the target."""

    rows: int
    distance: float
    """Between the answers of both."""
    allowed: float
    error: float
    """Of the evaluated model, which has not seen these rows."""
    served_error: float
    """Of the model fitted to all rows, which has."""
    worse_by: float
    """By how many standard errors the squared errors of the latter are larger in the mean; negative where they are smaller."""

    @property
    def objection(self) -> str:
        """Why the two do not agree; empty where they do."""
        if not self.distance <= self.allowed:
            return f"its answers on the holdout are {self.distance:.3g} from the evaluated model's; more rows explain {self.allowed:.3g}"
        if not self.worse_by <= _CLEARLY:
            return f"its error on the holdout, which it has learnt from, is {self.served_error:.3g}, the evaluated model's {self.error:.3g}"
        return ""


def agreement(evaluated: Predictions, served: Predictions, target: pd.Series, task: str, classes: tuple[str, ...]) -> Agreement:
    """Hold the answers of a model fitted to all rows against those of its evaluated twin, on the holdout.

    More rows move an answer towards the truth of those rows and no farther: so the distance between both may be
    `ALLOWED` times the error of the twin, and the squared error of the one that has learnt from the rows must not be
    clearly larger.

    Parameters
    ----------
    evaluated, served : Predictions
        For the rows of `target`, in order.
    target : Series
        The holdout's.
    task : str
    classes : tuple of str
        In the order of the probabilities.
    """
    truth = encode_truth(target.to_numpy(), task, classes)
    if task == "regression":
        goal, theirs, ours = (np.asarray(values)[:, None] for values in (truth, evaluated.values, served.values))
        spread = float(truth.std()) or 1.0
    else:
        goal, theirs, ours = np.eye(len(classes))[truth], np.asarray(evaluated.probabilities), np.asarray(served.probabilities)
        spread = 1.0
    before, after = ((answers - goal) ** 2 for answers in (theirs, ours))
    change = after.sum(axis=1) - before.sum(axis=1)
    deviation = float(change.std()) / max(len(change), 1) ** 0.5
    error = float(before.sum(axis=1).mean() ** 0.5)
    return Agreement(
        rows=len(truth),
        distance=float(((theirs - ours) ** 2).sum(axis=1).mean() ** 0.5),
        allowed=max(ALLOWED * error, _FLOOR * spread),
        error=error,
        served_error=float(after.sum(axis=1).mean() ** 0.5),
        worse_by=float(change.mean()) / deviation if deviation else 0.0,
    )
