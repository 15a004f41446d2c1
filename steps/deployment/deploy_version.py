"""Step: start the version beside those that serve, without traffic."""

from typing import Annotated, Any

from zenml import get_step_context, step

from deployment.flavor import SwitchyardDeployer
from deployment.guard import Changes, old_version_keeps_serving
from deployment.host import Instance, Release, Role
from deployment.registration import active_deployer
from registry.trust import proof_for_serving, require_trusted
from registry.versions import Registered
from steps.deployment.order import Order
from switchyard.serving.frontdoor.state import Traffic
from switchyard.tabular.config.problem import Problem
from switchyard.tabular.storable import Fact, Record


class Deployed(Record):
    """What runs now, and how it was before."""

    model: str
    version: str
    digest: str
    candidate: str
    """Instance of the new version."""
    candidate_url: str
    stable: str | None
    """Instance of the champion, where traffic is to be split with it."""
    weights: tuple[tuple[str, int], ...]
    """The traffic before."""
    shadows: tuple[str, ...]
    present: tuple[str, ...]
    """Instances before."""
    started: tuple[str, ...]
    """Instances that were not there before."""

    def traffic_before(self) -> Traffic:
        """The traffic as the host knew it before."""
        return Traffic(self.weights, self.shadows)

    def changes(self, after: Traffic | None = None) -> Changes:
        """What there is to undo, the traffic `after` the shift included."""
        return Changes(self.traffic_before(), after, list(self.started))

    def metadata(self) -> dict[str, Fact]:
        return {"model": self.model, "version": self.version, "digest": self.digest, "instance": self.candidate, "url": self.candidate_url}


@step(enable_cache=False)
def deploy_version(release: Registered, champion: Registered, problem: Problem, order: Order) -> Annotated[Deployed, "deployed"]:
    """Start the version, and the champion where it is to share the traffic and does not run; wait until they are ready."""
    deployer = active_deployer()
    before = deployer.host.inspect(problem.name)
    traffic = before.traffic if before else Traffic()
    present = tuple(instance.name for instance in before.instances) if before else ()
    changes = Changes(traffic)

    def start(registered: Registered, role: Role) -> Instance:
        instance = _start(deployer, registered, problem, role)
        if instance.name not in present:
            changes.started.append(instance.name)
        return instance

    with old_version_keeps_serving(deployer, problem.name, changes):
        stable = None if order.strategy == "all" else start(champion, "live")
        candidate = start(release, "shadow" if order.strategy == "shadow" else "live")
    return Deployed(
        model=problem.name,
        version=release.version,
        digest=release.digest,
        candidate=candidate.name,
        candidate_url=candidate.url,
        stable=stable.name if stable else None,
        weights=traffic.weights,
        shadows=traffic.shadows,
        present=present,
        started=tuple(changes.started),
    )


def _start(deployer: SwitchyardDeployer, registered: Registered, problem: Problem, role: Role) -> Instance:
    require_trusted(registered, problem.trust)
    context = get_step_context()
    origin = {"pipeline_name": context.pipeline.name, "pipeline_step_name": context.step_name}
    settings = {**_settings(problem), **proof_for_serving(registered, problem.trust)}
    release = Release(problem.name, registered.version, registered.digest, registered.opened.files, role, settings)
    return deployer.deploy(release, origin)


def _settings(problem: Problem) -> dict[str, Any]:
    """What the service needs to know of the problem; defaults are left out."""
    # Of a recommender a row is a request, whoever its table called the user.
    requests = problem.task == "recommendation"
    time_column = None if requests or problem.data.time_column == "@row" else problem.data.time_column
    wanted = {
        "entity_column": "user" if requests else problem.data.entity_column,
        "time_column": time_column,
        "log_exclude": list(problem.serving.log_exclude),
        "retention_days": problem.serving.retention_days,
        "max_rows": problem.serving.max_rows,
        "refusal": problem.serving.refusal,
        "actionable": list(problem.serving.actionable),
        "pool": problem.serving.pool,
    }
    return {name: value for name, value in wanted.items() if value}
