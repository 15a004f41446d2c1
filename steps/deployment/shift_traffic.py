"""Step: the front door sends requests to the version that was proven."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

from zenml import step

from deployment.endpoint import ask, replay
from deployment.experiments.traffic import counts_of
from deployment.flavor import SwitchyardDeployer
from deployment.guard import TIMEOUT_S, old_version_keeps_serving, require_traffic
from deployment.registration import active_deployer
from registry.experiments import forget, open_experiments, save, take_back
from registry.versions import Registered
from steps.deployment.deploy_version import Deployed
from steps.deployment.order import SHARES, Order
from steps.deployment.verify_endpoint import Proof
from switchyard.monitoring.experiment.planning import Plan
from switchyard.monitoring.experiment.record import Experiment, Stage
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.storable import Fact, Record


class Shift(Record):
    """Who gets what share now."""

    weights: tuple[tuple[str, int], ...]
    """Instances and ten-thousandths."""
    shadows: tuple[str, ...]
    url: str
    """Of the front door, for clients."""

    def traffic(self) -> Traffic:
        """The traffic as the host knows it."""
        return Traffic(self.weights, self.shadows)

    def metadata(self) -> dict[str, Fact]:
        return {"traffic": ", ".join(f"{name} {weight / 100:g} %" for name, weight in self.weights), "url": self.url}


@step(enable_cache=False)
def shift_traffic(
    deployed: Deployed, proof: Proof, release: Registered, champion: Registered, plan: Plan, order: Order
) -> Annotated[Shift, "shift"]:
    """Shift, then ask through the front door itself; where that fails the traffic goes back.

    Its address outside is not asked: a name that is new there, or a balancer, takes its time, and is not what was deployed.

    A canary or an A/B test is recorded before its first request: a record without split traffic is seen for what it is,
    split traffic without a record would never end. So is the verdict on a candidate that is taken back.
    """
    deployer = active_deployer()
    traffic = _traffic(deployed, order)
    with (
        old_version_keeps_serving(deployer, deployed.model, deployed.changes(traffic)),
        _recorded(deployer, deployed, champion, plan, order),
    ):
        require_traffic(deployer, deployed.model, deployed.traffic_before(), traffic)
        for tried in order.rollback.tried if order.rollback else ():
            take_back(deployed.model, tried.version, order.by, order.why)
        deployer.host.shift(deployed.model, traffic, TIMEOUT_S)
        found = deployer.host.inspect(deployed.model)
        ask(found.inner_url, "/health")
        if order.strategy == "all":
            replay(found.inner_url, release.opened.examples, proof.digest, deployer.host.token(deployed.model), limit=1)
    return Shift(weights=traffic.weights, shadows=traffic.shadows, url=found.url)


@contextmanager
def _recorded(deployer: SwitchyardDeployer, deployed: Deployed, champion: Registered, plan: Plan, order: Order) -> Iterator[None]:
    """Keep the record of a canary or an A/B test with the candidate's version; on an error it is as it was."""
    if order.strategy not in SHARES:
        yield
        return
    before = next((one for one in open_experiments(deployed.model) if one.candidate == deployed.version), None)
    stage = Stage(share=order.candidate_share(), since=datetime.now(UTC), counts=counts_of(deployer.host, deployed.model))
    started = Experiment(
        model=deployed.model,
        strategy=order.strategy,
        candidate=deployed.version,
        champion=champion.version,
        stages=(stage,),
        planned=plan.entities,
        by=order.by,
    )
    shared = {name for name, weight in deployed.weights if weight} == {deployed.candidate, deployed.stable}
    if before and shared and (before.champion, before.strategy, before.verdict) == (champion.version, order.strategy, None):
        # The same test, at another share: what was planned when it began still holds.
        same = before.stage.share == stage.share
        started = before if same else before.model_copy(update={"stages": (*before.stages, stage)})
    save(started)
    try:
        yield
    except BaseException:
        save(before) if before else forget(started)
        raise


def _traffic(deployed: Deployed, order: Order) -> Traffic:
    if order.strategy == "all":
        return Traffic.all_to(deployed.candidate)
    if order.strategy == "shadow":
        return Traffic.all_to(deployed.stable, shadow=deployed.candidate)
    return Traffic.split(deployed.candidate, deployed.stable, order.candidate_share())
