"""Deployment: from a registered version to an endpoint that was seen to serve it."""

from __future__ import annotations

from zenml import pipeline

from steps.deployment.deploy_version import deploy_version
from steps.deployment.order import Order
from steps.deployment.pick_version import pick_version
from steps.deployment.promote_version import promote_version
from steps.deployment.shift_traffic import shift_traffic
from steps.deployment.verify_endpoint import verify_endpoint
from steps.experiment.plan_experiment import plan_experiment
from switchyard.tabular.config.problem import Problem


@pipeline(name="deployment")
def deployment(problem: Problem, order: Order) -> None:
    """From a registered version to an endpoint that was seen to serve it; until then the old version serves.

    Parameters
    ----------
    problem : Problem
        Names the model, and what its service is told.
    order : Order
        Which version, for whom, and who asks for it.
    """
    release, champion = pick_version(problem, order)
    deployed = deploy_version(release, champion, problem, order)
    proof = verify_endpoint(deployed, release)
    plan = plan_experiment(release, champion, problem, order)
    shift = shift_traffic(deployed, proof, release, champion, plan, order)
    promote_version(deployed, shift, release, champion, order)
