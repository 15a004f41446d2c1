"""Step: `champion` in MLflow and production in ZenML, for the version that serves everybody."""

from typing import Annotated

from zenml import step

from deployment.guard import old_version_keeps_serving, require_traffic, retire_idle
from deployment.registration import active_deployer
from registry.experiments import end_all
from registry.production import promote
from registry.versions import Registered
from steps.deployment.deploy_version import Deployed
from steps.deployment.order import SHARES, Order
from steps.deployment.shift_traffic import Shift
from switchyard.tabular.storable import Fact, Record


class Promotion(Record):
    """What the deployment came to."""

    promoted: bool
    """False where the version is tried on a share, or on copies, of the requests."""
    version: str
    digest: str
    previous: str | None
    """Champion before, or still."""
    by: str
    why: str

    def metadata(self) -> dict[str, Fact]:
        return {"promoted": self.promoted, "version": self.version, "previous": self.previous or "none", "by": self.by, "why": self.why}


@step(enable_cache=False)
def promote_version(
    deployed: Deployed, shift: Shift, release: Registered, champion: Registered, order: Order
) -> Annotated[Promotion, "promotion"]:
    """Record who serves, and stop what has no traffic any more; what another deployment has started since is its own."""
    deployer, previous = active_deployer(), champion.version
    if order.strategy == "all":
        with old_version_keeps_serving(deployer, deployed.model, deployed.changes(shift.traffic())):
            require_traffic(deployer, deployed.model, shift.traffic())
            previous = promote(deployed.model, release.version, order.by, order.why, withdraw=order.rollback is not None)
    running = release.version if order.strategy in SHARES else None
    end_all(deployed.model, f"version {release.version} was deployed ({order.strategy})", but=running)
    retire_idle(deployer, deployed.model, (*deployed.present, *deployed.started))
    deployer.tidy(deployed.model)
    return Promotion(
        promoted=order.strategy == "all", version=release.version, digest=release.digest, previous=previous, by=order.by, why=order.why
    )
