"""`quantiles_around`: what lay above and below out-of-fold predictions, where they are small and where they are large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from switchyard.bundle import Quantiles

_PARTS, _ROWS_OF_A_PART = 10, 100


def quantiles_around(
    oof: np.ndarray, truth: np.ndarray, levels: Sequence[float], weights: np.ndarray | None = None, floor: float | None = None
) -> Quantiles:
    """The quantiles of outcomes around predictions, from residuals of predictions that had not seen them.

    Rows are parted by their prediction, into ten parts of a hundred rows at least; of each the conformal quantile of the residuals
    is known at its median prediction. An error that grows with the prediction shows so; one that depends on other columns does not.

    Parameters
    ----------
    oof, truth : ndarray of shape (n,)
        NaN predictions are left out.
    levels : sequence of float
        Rising, each in (0, 1).
    weights : ndarray of shape (n,), optional
        How much each row counts.
    floor : float, optional
        No quantile is below this.
    """
    known = np.flatnonzero(~np.isnan(oof))
    order = known[np.argsort(oof[known], kind="stable")]
    counts = np.ones(len(oof)) if weights is None else weights
    parts = np.array_split(order, int(np.clip(len(order) // _ROWS_OF_A_PART, 1, _PARTS)))
    found: dict[float, tuple[float, ...]] = {}
    for rows in parts:
        # Parts of equal predictions have one place; the first of them stands for it.
        found.setdefault(float(np.median(oof[rows])), _of(truth[rows] - oof[rows], counts[rows], levels))
    return Quantiles(tuple(levels), tuple(found), tuple(found.values()), floor)


def _of(residuals: np.ndarray, counts: np.ndarray, levels: Sequence[float]) -> tuple[float, ...]:
    """The smallest residual up to which the share of a level lies, with one more row that may lie anywhere; rising."""
    order = np.argsort(residuals, kind="stable")
    if not counts.any():
        counts = np.ones(len(residuals))
    reached = np.cumsum(counts[order] / counts.mean())
    wanted = (len(residuals) + 1) * np.asarray(levels) * (1 - 1e-12)
    return tuple(residuals[order[np.minimum(np.searchsorted(reached, wanted), len(order) - 1)]].tolist())
