"""Step: the front door sends requests to the version that was proven."""

import json
from typing import Annotated

from zenml import step

from serving.frontdoor.state import Traffic
from stacks.deployer.registration import active_deployer
from stacks.registry import Registered
from steps.deployment.deploy_version import Deployed
from steps.deployment.endpoint import ask, replay
from steps.deployment.guard import TIMEOUT_S, old_version_keeps_serving
from steps.deployment.order import Order
from steps.deployment.verify_endpoint import Proof
from tabular.storable import Fact, Record


class Shift(Record):
    """Who gets what share now."""

    weights: tuple[tuple[str, int], ...]
    """Instances and ten-thousandths."""
    shadows: tuple[str, ...]
    url: str
    """Of the front door."""

    def facts(self) -> dict[str, Fact]:
        return {"traffic": ", ".join(f"{name} {weight / 100:g} %" for name, weight in self.weights), "url": self.url}


@step(enable_cache=False)
def shift_traffic(deployed: Deployed, proof: Proof, release: Registered, order: Order) -> Annotated[Shift, "shift"]:
    """Shift, then ask through the front door; where that fails the traffic goes back."""
    deployer = active_deployer()
    traffic = _traffic(deployed, order)
    with old_version_keeps_serving(deployer, deployed.model, deployed.traffic_before(), deployed.present):
        deployer.host.shift(deployed.model, traffic, TIMEOUT_S)
        url = deployer.host.inspect(deployed.model).url
        ask(url, "/health")
        if order.strategy == "all":
            replay(url, json.loads(release.files["examples.json"]), proof.digest, deployer.host.token(deployed.model), limit=1)
    return Shift(weights=traffic.weights, shadows=traffic.shadows, url=url)


def _traffic(deployed: Deployed, order: Order) -> Traffic:
    if order.strategy == "all":
        return Traffic.all_to(deployed.candidate)
    if order.strategy == "shadow":
        return Traffic.all_to(deployed.stable, shadow=deployed.candidate)
    return Traffic.split(deployed.candidate, deployed.stable, order.candidate_share())
