"""Step: promote, stop or continue."""

from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from deployment.experiments.traffic import ExperimentTraffic
from switchyard.monitoring.experiment.judgement import Judgement
from switchyard.monitoring.experiment.observations import Observations
from switchyard.monitoring.experiment.record import Experiment
from switchyard.monitoring.experiment.verdict import judge
from switchyard.tabular.config.problem import Problem


@step(enable_cache=False)
def judge_experiment(
    experiment: Experiment, observations: Observations, traffic: ExperimentTraffic, problem: Problem
) -> Annotated[Judgement, "judgement"]:
    """Judge it at this moment; one that was decided before stays so."""
    counts = traffic.candidate.counts, traffic.champion.counts
    dead = traffic.candidate.reason or "it failed" if traffic.candidate.state == "failed" else None
    return judge(experiment, observations, counts, problem.experiment, datetime.now(UTC), dead)
