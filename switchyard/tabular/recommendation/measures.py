"""What a list of k answers is worth, user by user (nDCG, recall, average precision, reciprocal rank), and all of them together."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.recommendation.histories import Histories

K = 10
"""Answers that are scored."""
MEASURES = ("ndcg_at_10", "recall_at_10", "map_at_10", "mrr_at_10")
PLAIN = {"ndcg_at_10": "nDCG@10", "recall_at_10": "recall@10", "map_at_10": "MAP@10", "mrr_at_10": "MRR@10"}


def hits(top: np.ndarray, truth: Histories) -> np.ndarray:
    """bool of shape (n, k): which of the answers `top` (places, -1 where there is none) are in the truth."""
    found = np.zeros(top.shape, dtype=bool)
    for row, answers in enumerate(top):
        found[row] = np.isin(answers, truth[row])
    return found & (top >= 0)


def per_user(top: np.ndarray, truth: Histories) -> dict[str, np.ndarray]:
    """Each of `MEASURES` for each user, 0..1, shape (n,); every truth holds an item.

    Parameters
    ----------
    top : ndarray of int64, shape (n, k)
        Answers, best first.
    truth : Histories of n lists

    References
    ----------
    nDCG with binary gains: Järvelin and Kekäläinen, ACM TOIS 2002; the ideal list holds min(k, |truth|) items.
    Average precision is over min(k, |truth|) too, so that a full list of hits has 1.
    """
    found, possible = hits(top, truth), np.minimum(top.shape[1], truth.lengths)
    discounts = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    precision = np.cumsum(found, axis=1) / np.arange(1, top.shape[1] + 1)
    first = np.where(found.any(axis=1), 1 / (found.argmax(axis=1) + 1.0), 0.0)
    return {
        "ndcg_at_10": found @ discounts / np.cumsum(discounts)[possible - 1],
        "recall_at_10": found.sum(axis=1) / truth.lengths,
        "map_at_10": (precision * found).sum(axis=1) / possible,
        "mrr_at_10": first,
    }


def coverage(top: np.ndarray, n_items: int) -> float:
    """Share of the catalogue, 0..1, that anybody is answered."""
    return len(np.unique(top[top >= 0])) / n_items


def novelty(top: np.ndarray, takers: np.ndarray, n_users: int) -> float:
    """Mean of -log2 of the share of users who took an answer, in bits; `takers` has shape (n_items,)."""
    answered = top[top >= 0]
    return float(-np.log2(np.maximum(takers[answered], 1) / n_users).mean()) if len(answered) else 0.0


def popular_share(top: np.ndarray, takers: np.ndarray) -> float:
    """Share of the answers, 0..1, that are among the hundredth of the catalogue (10 items at least) that most users took."""
    answered = top[top >= 0]
    popular = np.argsort(-takers, kind="stable")[: max(K, len(takers) // 100)]
    return float(np.isin(answered, popular).mean()) if len(answered) else 0.0
