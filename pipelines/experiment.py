"""Experiment: one look at a canary or an A/B test, whose verdict run.py acts upon."""

from __future__ import annotations

from zenml import pipeline

from steps.experiment.judge_experiment import judge_experiment
from steps.experiment.read_experiment import read_experiment
from steps.experiment.record_verdict import record_verdict
from switchyard.tabular.config.problem import Problem


@pipeline(name="experiment")
def experiment(problem: Problem) -> None:
    """Read what both versions have shown, judge, and keep the verdict.

    Parameters
    ----------
    problem : Problem
        Its name says which model, its section `experiment` when a test is decided.
    """
    running, observations, traffic = read_experiment(problem)
    judgement = judge_experiment(running, observations, traffic, problem)
    record_verdict(running, judgement)
