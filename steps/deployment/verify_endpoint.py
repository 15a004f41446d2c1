"""Step: proof, by its own answers, that the endpoint serves the version that was asked for."""

from typing import Annotated

from zenml import step

from deployment.endpoint import replay, served_digest
from deployment.guard import old_version_keeps_serving
from deployment.host import DeploymentError
from deployment.registration import active_deployer
from registry.versions import Registered
from steps.deployment.deploy_version import Deployed
from switchyard.tabular.storable import Fact, Record


class Proof(Record):
    """What the endpoint was seen to serve before it got any traffic."""

    version: str
    digest: str
    examples: int
    """Rows that it answered as the model must."""

    def metadata(self) -> dict[str, Fact]:
        return {"version": self.version, "digest": self.digest, "examples": self.examples}


@step(enable_cache=False)
def verify_endpoint(deployed: Deployed, release: Registered) -> Annotated[Proof, "proof"]:
    """Ask the new instance for its digest and replay the bundle's examples against it; if either is wrong it is stopped."""
    with old_version_keeps_serving(active_deployer(), deployed.model, deployed.changes()):
        digest = served_digest(deployed.candidate_url)
        if digest != release.digest:
            raise DeploymentError(f"the endpoint of version {release.version} serves {digest}, not {release.digest}")
        count = replay(deployed.candidate_url, release.opened.examples, release.digest)
    return Proof(version=release.version, digest=digest, examples=count)
