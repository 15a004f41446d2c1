"""Has what runs read its Secrets again, in an order that loses nothing: pods read them when they start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from deployment.kubernetes.client import Cluster
from deployment.kubernetes.renewing import renew
from stacks.cluster.kubectl import Kubectl

_READ = "switchyard/secrets"
"""Annotation of a server's Deployment: the Secrets that its pods have read."""
_WAIT_S = 300


def stale(deployment: dict[str, Any], revision: str) -> bool:
    """Whether the pods of a server may have read other Secrets than those of `revision`."""
    return bool((deployment["metadata"].get("annotations") or {}).get(_READ) != revision)


def mark(kubectl: Kubectl, servers: Sequence[str], revision: str) -> None:
    """Note that `servers` were started or restarted since the Secrets are those of `revision`.

    Afterwards, so that a command that ends half-way leaves the rest to the next one.
    """
    kubectl.run("annotate", "--overwrite", "deployment", *servers, f"{_READ}={revision}")


def restart(kubectl: Kubectl, cluster: Cluster, servers: Sequence[str], revision: str, report: Callable[[str], None]) -> None:
    """Restart `servers` and the models, each pod replaced by one that is ready.

    The store goes first, since models fetch their files by the new key. Models go before the database: what waits in the
    journal of a pod that ends is still taken by the old password.
    """
    if "objects" in servers:
        kubectl.run("rollout", "restart", "deployment/objects")
        kubectl.run("rollout", "status", "deployment/objects", f"--timeout={_WAIT_S}s", timeout_s=_WAIT_S + 30)
    models, late = renew(cluster, revision, _WAIT_S)
    if done := [model for model in models if model not in late]:
        report(f"{', '.join(done)}: new pods know the new keys and passwords")
    if late:
        report(
            f"{', '.join(late)}: not all pods are new after {_WAIT_S} s: see kubectl -n {kubectl.namespace} get pods -l seldon-deployment-id"
        )
    for name in servers:
        if name != "objects":
            kubectl.run("rollout", "restart", f"deployment/{name}")
