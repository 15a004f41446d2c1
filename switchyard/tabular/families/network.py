"""`Network`: a trained net as plain arrays, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SOFT_CLIP = 3.0
"""Inputs x become x / sqrt(1 + (x / 3)^2): nearly unchanged when small, never beyond 3 (Holzmüller et al. 2024)."""
FAR = np.float32(1e6)
"""Inputs are kept within this before: the square of a larger one would overflow float32."""


@dataclass
class Network:
    """A trained net as arrays: batch norm is folded into the linear layers, dropout is gone.

    Attributes
    ----------
    numeric : ndarray of int64
        Positions of the numeric columns of X.
    embedded : ndarray of int64
        Positions of the columns of X that hold codes.
    sizes : ndarray of int64
        How many codes each of those has.
    table : ndarray of shape (sum of sizes, dim)
        Their embeddings one below the other, padded with zeros to one width: a single look-up finds all of them.
    layers : list of (weights of shape (n_in, n_out), bias of shape (n_out,))
        All but the last are followed by a ReLU.
    lowest, highest : float32
        The margins are kept between these: the range of a regression's target, since nets extrapolate wildly.
    """

    numeric: np.ndarray
    embedded: np.ndarray
    sizes: np.ndarray
    table: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray]]
    lowest: float
    highest: float

    @property
    def offsets(self) -> np.ndarray:
        """Where each column's codes begin in `table`."""
        return np.cumsum(self.sizes) - self.sizes

    def margins(self, X: np.ndarray) -> np.ndarray:
        """float32 of shape (n, width)."""
        parts = []
        if len(self.numeric):
            x = X[:, self.numeric]
            x = np.clip(np.where(np.isnan(x), np.float32(0.0), x), -FAR, FAR)
            parts.append(x / np.sqrt(np.float32(1.0) + np.square(x / np.float32(SOFT_CLIP))))
        if len(self.embedded):
            codes = codes_of(X[:, self.embedded], self.sizes) + self.offsets
            parts.append(self.table[codes].reshape(len(X), -1))
        hidden = np.hstack(parts)
        for weights, bias in self.layers[:-1]:
            hidden = np.maximum(hidden @ weights + bias, np.float32(0.0))
        weights, bias = self.layers[-1]
        return np.clip(hidden @ weights + bias, np.float32(self.lowest), np.float32(self.highest))


def codes_of(columns: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Integer codes of float columns of shape (n, k); what is no code becomes the nearest one, NaN the first."""
    return np.clip(np.where(np.isnan(columns), np.float32(0.0), columns), 0, (sizes - 1).astype(np.float32)).astype(np.int64)
