"""Step: the experiment that runs, and what both arms have shown."""

from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from deployment.experiments.traffic import ExperimentTraffic, traffic_since
from deployment.experiments.window import read_observations
from deployment.registration import active_deployer
from registry.experiments import open_experiments
from registry.production import find_version, version_of
from registry.versions import CHAMPION
from switchyard.monitoring.experiment.observations import Observations
from switchyard.monitoring.experiment.record import Experiment
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.errors import InputError


@step(enable_cache=False)
def read_experiment(
    problem: Problem,
) -> tuple[Annotated[Experiment, "experiment"], Annotated[Observations, "observations"], Annotated[ExperimentTraffic, "traffic"]]:
    """Read the experiment from the registry, the host and the prediction log as they are now; never cached."""
    host = active_deployer().host
    experiment = _running(problem.name)
    versions, before = (experiment.candidate, experiment.champion), experiment.stage.counts
    candidate, champion = (traffic_since(host, problem.name, version, before) for version in versions)
    if experiment.verdict is None and "absent" in (candidate.state, champion.state):
        raise InputError(f"versions {' and '.join(versions)} of {problem.name!r} do not share the traffic any more; {_how(problem.name)}")
    release = find_version(problem.name, experiment.candidate)
    observations, _ = read_observations(problem, release, versions, experiment.stage.since, datetime.now(UTC))
    return experiment, observations, ExperimentTraffic(candidate=candidate, champion=champion)


def _running(name: str) -> Experiment:
    """The latest that is open and whose champion still is; one that is decided and not ended in any case."""
    champion = version_of(name, CHAMPION)
    found = [one for one in open_experiments(name) if one.verdict or one.champion == champion]
    if not found:
        raise InputError(f"no canary and no A/B test of {name!r} runs; {_how(name)}")
    return found[0]


def _how(name: str) -> str:
    return "start one: python run.py --pipeline deployment --strategy canary"
