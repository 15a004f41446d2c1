"""What the front door counted of both arms."""

from __future__ import annotations

from math import isfinite
from typing import Literal

from deployment.host import Host
from switchyard.monitoring.experiment.counts import Counts
from switchyard.serving.frontdoor.routes import OTHER
from switchyard.serving.frontdoor.statistics import read_statistics
from switchyard.tabular.storable import Record


class ArmTraffic(Record):
    """The traffic of one arm since its share was set."""

    version: str
    counts: Counts
    state: Literal["starting", "ready", "failed", "stopped", "absent"]
    reason: str = ""


class ExperimentTraffic(Record):
    """The traffic of both arms."""

    candidate: ArmTraffic
    champion: ArmTraffic


def counts_of(host: Host, model: str) -> dict[str, Counts]:
    """What the front door of `model` has counted so far, by instance."""
    return {
        # JSON, as which this is kept, knows no infinity; Envoy's last edge before it is an hour.
        name: Counts(
            requests=own.requests,
            errors=own.errors,
            refused=own.refused,
            latency=tuple(sorted(edge for edge in own.latency.items() if isfinite(edge[0]))),
        )
        for name, own in read_statistics(host.statistics(model)).items()
    }


def traffic_since(host: Host, model: str, version: str, before: dict[str, Counts]) -> ArmTraffic:
    """The traffic of `version` since the front door had counted `before`."""
    deployment = host.inspect(model)
    instances = [instance for instance in deployment.instances if instance.version == version] if deployment else []
    found = next((instance for instance in instances if instance.name in deployment.traffic.names), None)
    if found is None:
        return ArmTraffic(version=version, counts=Counts(), state="absent")
    now = counts_of(host, model)
    counts, other = (now.get(name, Counts()).since(before.get(name, Counts())) for name in (found.name, OTHER))
    if found.name == deployment.traffic.stable:
        # Health checks and feedback are answered by the stable version alone, and faster.
        counts = counts.less(other)
    return ArmTraffic(version=version, counts=counts, state=found.state, reason=found.reason)
