"""`with_limits`: how far out a row may lie before it is like none of the groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from switchyard.bundle.unlike import Unlike
from switchyard.tabular.model.model import Model


def with_limits(model: Model, frame: pd.DataFrame, rate: float) -> Model:
    """`model` with the distance that all but `rate` of the rows of each group in `frame` keep to; itself, where classes have no centres.

    A group of fewer than 1 / `rate` rows has the farthest of them, one without rows in `frame` that of all rows.
    """
    distances = model.distances(frame)
    if distances is None:
        return model
    groups = model.decide(model.predict_proba(frame))
    parts = [distances[groups == code] if (groups == code).any() else distances for code in range(len(model.classes))]
    farthest = tuple(float(np.quantile(part, 1 - rate, method="higher")) for part in parts)
    return replace(model, unlike=Unlike(rate, farthest))
