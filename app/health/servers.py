"""The servers of an installation on Kubernetes: whether their pods are ready, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Iterator

from app.health.check import Check
from stacks.cluster.client import Cluster
from stacks.cluster.trouble import trouble
from switchyard.tabular.report.words import count_of

_SERVERS = "app.kubernetes.io/part-of=switchyard"
_NAME = "app.kubernetes.io/name"


def look_at_servers(cluster: Cluster) -> Iterator[Check]:
    """A check for each of ZenML, MLflow and, on a trial, database and S3."""
    for deployment in cluster.list("Deployment", _SERVERS):
        name, wanted = deployment["metadata"]["name"], deployment["spec"].get("replicas", 1)
        ready = deployment.get("status", {}).get("availableReplicas", 0)
        found = f"{ready} of {count_of(wanted, 'pod')} ready"
        if ready < wanted and (worst := trouble(cluster.list("Pod", f"{_NAME}={name}"), [deployment])):
            found += f": {worst.reason}"
        here = f"kubectl -n {cluster.namespace}"
        yield Check(
            f"{name} in {cluster.namespace}",
            ready >= wanted > 0,
            found,
            f"{here} describe pods -l {_NAME}={name}; {here} logs deploy/{name}",
        )
