"""Is this table fit to learn from? `check_quality` answers with findings; each has an action from `problem.quality`.

Checks: completeness (`completeness`), columns that give the target away, name the row or come from the future
(`leakage`), rows on both sides of the split (`overlap`), and time that does not add up (`temporal`).
"""

from __future__ import annotations

import numpy as np

from switchyard.tabular.config.problem import Problem
from switchyard.tabular.quality.completeness import check_completeness, check_duplicates, check_extremes, check_imbalance
from switchyard.tabular.quality.identifiers import check_identifiers
from switchyard.tabular.quality.leakage import check_leakage
from switchyard.tabular.quality.outcome import check_future
from switchyard.tabular.quality.overlap import check_overlap
from switchyard.tabular.quality.report import Finding, QualityReport
from switchyard.tabular.quality.temporal import check_temporal
from switchyard.tabular.tables.split import Split
from switchyard.tabular.tasks import TASKS

__all__ = ["Finding", "QualityReport", "check_quality"]

_ORDER = {"stop": 0, "drop": 1, "warn": 2, "note": 3}


def check_quality(split: Split, problem: Problem) -> QualityReport:
    """Look for what would make a model of `split` wrong, or wrongly praised.

    What is learnt from the target is learnt from the training part alone; the holdout is only compared with it.

    Parameters
    ----------
    split : Split
        Both parts in canonical types.
    problem : Problem
        With task and positive class resolved; `problem.quality` holds limits and actions.

    Returns
    -------
    QualityReport
        Nothing is raised and nothing is changed: call `raise_if_stopped()` for the gate and hand `dropped`
        to `plan_features`.
    """
    # What was found in the columns follows from them, by design.
    given = TASKS[problem.task].target
    scores, leaks = check_leakage(split, problem) if given else ({}, [])
    findings = [
        *check_completeness(split, problem),
        *check_duplicates(split, problem),
        *(check_imbalance(split, problem) if given else ()),
        *check_extremes(split, problem),
        *leaks,
        *(check_future(split, problem) if given else ()),
        *check_identifiers(split, problem),
        *check_overlap(split, problem),
        *check_temporal(split, problem),
    ]
    # Stable: within one action the order of the checks, then that of the columns.
    order = np.argsort([_ORDER[finding.action] for finding in findings], kind="stable")
    return QualityReport(
        findings=tuple(findings[position] for position in order),
        train_rows=len(split.train),
        holdout_rows=len(split.holdout),
        task=problem.task,
        leakage_score=problem.quality.leakage_score,
        scores=scores,
        of_rows=split.schema.of,
    )
