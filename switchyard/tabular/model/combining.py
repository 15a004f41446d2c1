"""Ways to make one prediction of several, learnt on out-of-fold predictions: vote, greedy selection, blend, stack.

Each learner takes the members' outputs and the truth and returns a `Combination`. A learner that chooses weights looks
better on the rows it chose them on than it is; `held_out_outputs` therefore learns on some folds and predicts the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from switchyard.tabular.model.combiner import Combiner, stack_features

Outputs = Sequence[np.ndarray]
"""One array per member: probabilities of shape (n, n_classes), or predictions of shape (n,)."""
Weights = np.ndarray | None
"""How much each row counts, of shape (n,); None where all count alike."""
Score = Callable[..., float]
"""`score(truth, output)`, or of rows that do not count alike `score(truth, output, weights)`; greater is better."""

_ROUNDS = 15
_IDLE = 4
"""Greedy rounds without a better score before it ends."""
_ROWS = 10_000
"""Rows that greedy selection scores on; more cost time and change little."""


def rank_auc(truth: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve by ranks: scikit-learn's value in a fifth of its time, which greedy selection spends a hundred times.

    References
    ----------
    Hanley, McNeil, *The meaning and use of the area under a receiver operating characteristic (ROC) curve*, Radiology
    143, 1982.
    """
    from scipy.stats import rankdata

    positives = int(truth.sum())
    above = float(rankdata(scores)[truth == 1].sum()) - positives * (positives + 1) / 2
    return above / (positives * (len(truth) - positives))


@dataclass(frozen=True)
class Combination:
    """Which members, and how they become one."""

    members: tuple[int, ...]
    """Positions in the pool."""
    combiner: Combiner

    def output(self, outputs: Outputs) -> np.ndarray:
        """The combined output, given those of the whole pool."""
        return self.combiner.combine([outputs[member] for member in self.members])


Learner = Callable[..., Combination]
"""`learner(outputs, truth, weights=None)`."""


def vote(members: Sequence[int]) -> Learner:
    """Equal weights: soft voting of probabilities, averaging of predictions. Nothing is learnt."""
    combination = Combination(tuple(members), Combiner.average(np.ones(len(members))))
    return lambda outputs, truth, weights=None: combination


def greedy(score: Score, fits: Callable[[set[int]], bool], seed: int) -> Learner:
    """Forward selection with replacement: again and again the member that improves the mean most; counts become weights.

    Parameters
    ----------
    score : callable
        What is maximised.
    fits : callable
        Whether a set of distinct members may be an ensemble (not too many or too large, time enough to fit them
        again).
    seed : int
        Of the rows it is scored on where there are more than ten thousand.

    References
    ----------
    Caruana, Niculescu-Mizil, Crew, Ksikes, *Ensemble Selection from Libraries of Models*, ICML 2004.
    """

    def learn(outputs: Outputs, truth: np.ndarray, weights: Weights = None) -> Combination:
        if len(truth) > _ROWS:
            rows = np.sort(np.random.default_rng(seed).choice(len(truth), _ROWS, replace=False))
            outputs, truth, weights = [output[rows] for output in outputs], truth[rows], None if weights is None else weights[rows]
        weighing = () if weights is None else (weights,)
        chosen: list[int] = []
        total = np.zeros_like(outputs[0])
        best, best_size = -np.inf, 0
        for size in range(1, _ROUNDS + 1):
            # Where nothing fits by itself, a single member has to do: what it lacks, the gates say.
            allowed = [member for member in range(len(outputs)) if member in chosen or fits({*chosen, member})] or range(len(outputs))
            scores = {member: score(truth, (total + outputs[member]) / size, *weighing) for member in allowed}
            member = max(scores, key=scores.__getitem__)
            chosen.append(member)
            total = total + outputs[member]
            if scores[member] > best:
                best, best_size = scores[member], size
            elif size - best_size >= _IDLE:
                break
        members, counts = np.unique(chosen[:best_size], return_counts=True)
        return Combination(tuple(members.tolist()), Combiner.average(counts))

    return learn


def blend(members: Sequence[int]) -> Learner:
    """Non-negative weights with sum 1 that minimise the squared error (for classes, the Brier score).

    References
    ----------
    Breiman, *Stacked Regressions*, Machine Learning 24, 1996: non-negativity is what makes the combination generalise.
    """

    def learn(outputs: Outputs, truth: np.ndarray, weights: Weights = None) -> Combination:
        from scipy.optimize import minimize

        goal = truth if outputs[0].ndim == 1 else np.eye(outputs[0].shape[1])[truth]
        errors = np.stack(
            [(outputs[member] - goal if weights is None else _weighed(outputs[member] - goal, weights)).ravel() for member in members]
        )
        # Weights sum to 1, so the error of the mean is the mean of the errors: only their products matter.
        products = errors @ errors.T
        products /= max(float(np.trace(products)), 1e-300)
        found = minimize(
            lambda shares: shares @ products @ shares,
            np.full(len(members), 1 / len(members)),
            jac=lambda shares: 2 * products @ shares,
            bounds=[(0, 1)] * len(members),
            constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-10},
        )
        shares = np.clip(found.x, 0, None)
        shares[shares < 0.01 * shares.max()] = 0.0
        kept = np.flatnonzero(shares)
        return Combination(tuple(members[place] for place in kept), Combiner.average(shares[kept]))

    return learn


def stack(members: Sequence[int]) -> Learner:
    """A regularised linear model over the members' log-odds, log-probabilities or predictions.

    References
    ----------
    Wolpert, *Stacked Generalization*, Neural Networks 5, 1992. Ting, Witten, *Issues in Stacked Generalization*,
    JAIR 10, 1999.
    """

    def learn(outputs: Outputs, truth: np.ndarray, weights: Weights = None) -> Combination:
        from sklearn.linear_model import LogisticRegression, RidgeCV

        features = stack_features([outputs[member] for member in members])
        # On one scale, so that the penalty treats all members alike; taken back into the weights below.
        centre, scale = features.mean(axis=0), features.std(axis=0)
        counts = None if weights is None else weights / weights.mean()
        scale[scale == 0] = 1.0
        scaled = (features - centre) / scale
        if outputs[0].ndim == 2:
            # Newton's method takes a few steps where the Hessian is small; L-BFGS takes a hundred.
            solver = "newton-cholesky" if scaled.shape[1] * outputs[0].shape[1] <= 200 else "lbfgs"
            model = LogisticRegression(C=1.0, solver=solver, max_iter=200).fit(scaled, truth, counts)
            coefficients, intercept = model.coef_.T, model.intercept_
        else:
            model = RidgeCV(alphas=np.logspace(-2, 4, 13)).fit(scaled, truth, counts)
            coefficients, intercept = model.coef_[:, None], np.atleast_1d(model.intercept_)
        slopes = coefficients / scale[:, None]
        return Combination(tuple(members), Combiner.stack(slopes, intercept - centre @ slopes))

    return learn


def _weighed(errors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Errors whose plain squares are the weighted ones."""
    return errors * np.sqrt(weights).reshape(-1, *[1] * (errors.ndim - 1))


def held_out_outputs(
    learner: Learner,
    outputs: Outputs,
    truth: np.ndarray,
    parts: Sequence[np.ndarray],
    forward: bool,
    first: Sequence[int],
    weights: Weights = None,
) -> np.ndarray:
    """What the learner would have said of every part had it never seen that part's truth.

    Parameters
    ----------
    outputs, truth
        Out-of-fold outputs of the pool and truth.
    parts : sequence of ndarray of int
        Row positions of the folds; together all rows.
    forward : bool
        Parts are in time order: learn on earlier parts only.
    first : sequence of int
        Members whose plain mean the first part gets when `forward`, since it has no past to learn from.
    weights : ndarray of shape (n,), optional

    Returns
    -------
    ndarray
        Of the shape of each of `outputs`.
    """
    result = np.full_like(outputs[0], np.nan)
    for number, part in enumerate(parts):
        others = parts[:number] if forward else [other for place, other in enumerate(parts) if place != number]
        if others:
            rows = np.concatenate(others)
            weighing = () if weights is None else (weights[rows],)
            combination = learner([output[rows] for output in outputs], truth[rows], *weighing)
        else:
            combination = vote(first)(outputs, truth, weights)
        result[part] = combination.output([output[part] for output in outputs])
    return result
