"""Step: how many entities a canary or an A/B test needs, before it gets any traffic."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Annotated

from zenml import step

from deployment.experiments.window import measure_of, read_observations
from registry.experiments import holdout_accuracy
from registry.versions import Registered
from steps.deployment.order import SHARES, Order
from switchyard.monitoring.experiment.planning import Plan, plan
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import SwitchyardError

logger = logging.getLogger(__name__)

BACK = timedelta(days=7)
_MOST = 200_000
"""Rows that tell the traffic and the spread of the losses well enough."""


@step(enable_cache=False)
def plan_experiment(release: Registered, champion: Registered, problem: Problem, order: Order) -> Annotated[Plan, "plan"]:
    """Plan by the champion's predictions and labels of the last days; empty where everybody gets the version."""
    if order.strategy not in SHARES:
        return Plan()
    now, config = datetime.now(UTC), problem.experiment
    measure = measure_of(problem, release)
    observations, covered = None, timedelta(0)
    try:
        versions = release.version, champion.version
        observations, covered = read_observations(problem, release, versions, now - BACK, now, _MOST)
    except SwitchyardError as error:
        # A deployment does not fail for want of a forecast.
        logger.warning("the experiment is not planned: %s", error)
    share = max(order.candidate_share(), *(config.ramp if order.strategy == "canary" else ()), 0)
    accuracy = holdout_accuracy(problem.name, champion.version) if measure.name == "accuracy" else None
    return plan(measure, share, config, observations, champion.version, covered, accuracy)
