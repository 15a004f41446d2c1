"""What it will cost to fit a trial again."""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.tables.folds import Folds
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tuning.cores import Cores
from switchyard.tabular.tuning.ledger import COMPARING_S, SLOWER
from switchyard.tabular.tuning.study import Trial

_OVERHEAD_S = 0.1
_QUICK_S = 0.1
"""An export of a small model; that of a larger one takes longer by what its fit took, up to the family's `export_s`."""


_OF_ALL = 0.5
"""Of the budget, where the last fit is to all rows of a table larger than memory: as much of it as the search on a sample takes."""


def search_seconds(problem: Problem, sampled: bool) -> float:
    """What of the budget search, ensemble and export may take; `sampled`: the rows at hand are a sample of a table larger than memory."""
    last_fit = sampled and problem.training.refit == "all" and any(FAMILIES[name].estimator.streams for name in problem.tuning.families)
    return problem.tuning.budget_s * (1 - _OF_ALL if last_fit else 1.0)


def fits_to_come(split: Split, problem: Problem) -> float:
    """What is left to do of a chosen model once the search is over, in fits to the training rows: one, and a longer one to all rows."""
    if problem.training.refit == "none" or split.holdout.empty or split.schema.sampled:
        # A table larger than memory has time of its own for the last.
        return 1.0
    # More rows, and more rounds by the root of them.
    return 1.0 + (1 + len(split.holdout) / len(split.train)) ** 1.5


def refit_seconds(trial: Trial, family: str, rows: int | None = None) -> float:
    """Estimated wall seconds to fit a complete trial to `rows` rows and to export it.

    Parameters
    ----------
    rows : int, optional
        A quarter more than the largest fold had when absent.
    """
    rows = rows or int(1.25 * max(trial.train_rows))
    fit = float(np.mean(np.array(trial.fit_seconds) * rows / np.array(trial.train_rows)))
    return fit + _OVERHEAD_S + min(FAMILIES[family].export_s, _QUICK_S + fit)


def longest_trial(left_s: float, family: str, folds: Folds, rows: int, fits: float, cores: Cores) -> float:
    """Seconds that a trial may take at most, so that what it finds can be fitted in the rest, should it lead.

    Parameters
    ----------
    left_s : float
        Seconds of the budget that are left for the trial and for all that comes after it.
    rows : int
        That the fit is to.
    fits : float
        As in `fits_to_come`.
    cores : Cores
        How many folds are fitted at once.
    """
    # As `refit_seconds`, of a trial whose folds take equally long.
    of_trial = float(np.mean([rows / len(train) for train, _ in folds])) / cores.rounds(len(folds))
    free, each = left_s - COMPARING_S - SLOWER * fits * _OVERHEAD_S, SLOWER * fits
    export_s = FAMILIES[family].export_s
    return max((free - each * export_s) / (1 + each * of_trial), (free - each * _QUICK_S) / (1 + 2 * each * of_trial))
