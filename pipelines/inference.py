"""Batch inference: a table scored with the version in production."""

from __future__ import annotations

from zenml import pipeline

from steps.inference.order import ScoringOrder
from steps.inference.pick_production import pick_production
from steps.inference.report_scoring import report_scoring
from steps.inference.score_table import score_table
from switchyard.tabular.config.problem import Problem


@pipeline(name="inference")
def inference(problem: Problem, order: ScoringOrder) -> None:
    """A table scored with the version in production.

    Parameters
    ----------
    problem : Problem
        Names the model, and the columns that say who and when a row is.
    order : ScoringOrder
        Which table, and where the answers go.
    """
    release = pick_production(problem, order)
    scored = score_table(problem, release, order)
    report_scoring(scored)
