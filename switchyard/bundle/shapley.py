"""Shapley values of any function of a row's columns, by sampled permutations.

The value of a column for a row is its mean contribution when columns are switched one by one, in random order,
from those of a background row to those of the row (Strumbelj & Kononenko, *Knowledge and Information Systems* 41,
2014; the interventional values of Lundberg & Lee, NeurIPS 2017). Every explained row walks from every background
row once, each walk in an order of its own, and every second walk in the reverse of the order before it (antithetic
sampling: Mitchell et al., *JMLR* 23, 2022). The contributions of a walk telescope, so the values of a row add up
to its prediction less the mean prediction of the background, exactly.

Why not `shap.PermutationExplainer`: it scores every switch on the whole background, so a given number of calls
goes to one or two orders; here the same number goes to as many orders as there are background rows, and a switch
that changes nothing costs no call. For boosted trees on 12 columns and 100 background rows the root mean square
error against the exact values was 0.018 after 22,000 calls, and 0.021 after 75,000 of `shap.PermutationExplainer`.
The tests hold the result against `shap`'s exact values.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]
"""From coded rows of shape (n, n_columns) to outputs of shape (n, n_outputs)."""

_BATCH, _BATCH_CELLS = 16_384, 4_000_000
"""Rows given to the function at once, about, and of how many cells at most."""
MOST_PLAYERS = 100
"""Columns are switched one by one up to this many; of more, those that move the output least are switched together, as one player,
and share its value equally. So the calls do not grow with the columns, and the values still add up."""
_PAIRS, _DRAWS = 8, 256
"""Of the screening that tells which columns these are: pairs of a row and a background row, and random mixtures of each."""


def shapley_values(function: Function, rows: np.ndarray, background: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shapley values of `rows` against `background`.

    Parameters
    ----------
    function : callable
    rows : ndarray of shape (n_rows, n_columns)
        Categories as codes; NaN is a value like any other.
    background : ndarray of shape (n_background, n_columns)
        An even number of rows uses the antithetic orders best; consecutive ones should be alike.
    seed : int

    Returns
    -------
    values : ndarray of shape (2, n_rows, n_columns, n_outputs)
        From the two halves of the background, interleaved by pairs of walks. Their mean, weighted by the halves' sizes,
        is what `combined` gives.
    base : ndarray of shape (n_outputs,)
        Mean output of the background.
    outputs : ndarray of shape (n_rows, n_outputs)
        Of `rows`.
    """
    of_background, of_rows = function(background), function(rows)
    half, player = half_of(len(background)), players(function, rows, background, seed)
    share = np.bincount(player)[player][:, None]
    batch = min(_BATCH, max(1, _BATCH_CELLS // rows.shape[1]))
    values = np.zeros((2, *rows.shape, of_rows.shape[1]))
    waiting: list[tuple[int, _Walks]] = []
    size = 0
    for position, row in enumerate(rows):
        walks = _Walks(row, background, player, np.random.default_rng([seed, position]))
        waiting.append((position, walks))
        size += len(walks.points)
        if size >= batch or position == len(rows) - 1:
            outputs = function(np.concatenate([walks.points for _, walks in waiting])) if size else np.empty((0, of_rows.shape[1]))
            start = 0
            for at, walks in waiting:
                end = start + len(walks.points)
                contributions = walks.contributions(outputs[start:end], of_background, of_rows[at])
                for part in range(2):
                    values[part, at] = contributions[half == part].mean(axis=0)[player] / share if (half == part).any() else 0.0
                start = end
            waiting, size = [], 0
    return values, of_background.mean(axis=0), of_rows


def players(function: Function, rows: np.ndarray, background: np.ndarray, seed: int) -> np.ndarray:
    """Which columns are switched together, as a number from 0 for each column; shape (n_columns,).

    Of more than `MOST_PLAYERS` columns the last player is all those whose switch moves the output least in random mixtures
    of a row and a background row, by the odd part of the output (a mixture less its complement).
    """
    n_columns = rows.shape[1]
    if n_columns <= MOST_PLAYERS:
        return np.arange(n_columns)
    rng = np.random.default_rng(seed)
    moves = np.zeros(n_columns)
    for _ in range(_PAIRS):
        row, start = rows[rng.integers(len(rows))], background[rng.integers(len(background))]
        switched = rng.random((max(16, min(_DRAWS, _BATCH_CELLS // n_columns)), n_columns)) < 0.5
        odd = function(np.where(switched, row, start)) - function(np.where(switched, start, row))
        side = switched - 0.5
        effect = side.T @ odd / len(side)
        # What the strongest explain is noise to all others: it is taken out, and they are looked at again.
        strong = np.argsort(-(effect**2).sum(axis=1), kind="stable")[: len(side) // 8]
        known = np.linalg.lstsq(side[:, strong], odd, rcond=None)[0]
        effect = side.T @ (odd - side[:, strong] @ known) / len(side)
        effect[strong] = known / 4
        moves += np.where((row == start) | (np.isnan(row) & np.isnan(start)), 0.0, (effect**2).sum(axis=1))
    alone = np.sort(np.argsort(-moves, kind="stable")[: MOST_PLAYERS - 1])
    player = np.full(n_columns, MOST_PLAYERS - 1)
    player[alone] = np.arange(len(alone))
    return player


def half_of(n_background: int) -> np.ndarray:
    """Which half, 0 or 1, each background row's walk counts to; shape (n_background,)."""
    return np.arange(n_background) // 2 % 2


def combined(values: np.ndarray, n_background: int) -> np.ndarray:
    """The values of both halves as one, shape (n_rows, n_columns, n_outputs)."""
    share = half_of(n_background).mean()
    return (1 - share) * values[0] + share * values[1]


class _Walks:
    """The walks of one row, one from each background row: the points to score, and what their outputs mean."""

    def __init__(self, row: np.ndarray, background: np.ndarray, player: np.ndarray, rng: np.random.Generator) -> None:
        n, n_players = len(background), int(player.max()) + 1
        pairs = rng.permuted(np.tile(np.arange(n_players), ((n + 1) // 2, 1)), axis=1)
        self._order = np.stack([pairs, pairs[:, ::-1]], axis=1).reshape(-1, n_players)[:n]
        differs = ~((row == background) | (np.isnan(row) & np.isnan(background)))
        by_player = np.argsort(player, kind="stable")
        differs = np.logical_or.reduceat(differs[:, by_player], np.searchsorted(player[by_player], np.arange(n_players)), axis=1)
        self._changes = np.take_along_axis(differs, self._order, axis=1)
        done = self._changes.cumsum(axis=1)
        # After its last change a walk is at the row itself, whose output is known.
        scored = self._changes & (done < done[:, -1:])
        walk, step = np.nonzero(scored)
        rank = np.empty_like(self._order)
        np.put_along_axis(rank, self._order, np.arange(n_players)[None, :].repeat(n, axis=0), axis=1)
        self.points = np.where(rank[walk[:, None], player] <= step[:, None], row, background[walk])
        self._scored = (walk, step)

    def contributions(self, outputs: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """What each player contributed on each walk, shape (n_background, n_players, n_outputs)."""
        n, n_players = self._order.shape
        levels = np.empty((n, n_players + 1, len(end)))
        levels[:, 0] = start
        levels[:, 1:] = end
        levels[self._scored[0], self._scored[1] + 1] = outputs
        # A step that changes nothing stays at the level of the last one that did.
        last = np.maximum.accumulate(np.where(self._changes, np.arange(1, n_players + 1), 0), axis=1)
        levels[:, 1:] = np.take_along_axis(levels, last[:, :, None], axis=1)
        contributions = np.empty((n, n_players, len(end)))
        np.put_along_axis(contributions, self._order[:, :, None], np.diff(levels, axis=1), axis=1)
        return contributions
