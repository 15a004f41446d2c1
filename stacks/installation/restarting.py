"""Has what runs read its Secrets again, in an order that loses nothing: pods read them when they start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from stacks.cluster.client import Cluster
from stacks.cluster.waiting import wait_for_deployments

RenewModels = Callable[[Cluster, str, float], tuple[list[str], list[str]]]
"""Has the pods of all models made anew by (cluster, Secrets' revision, seconds): all models, and those that were late."""
_READ = "switchyard/secrets"
"""Annotation of a server's Deployment: the Secrets that its pods have read."""
_WAIT_S = 300


def stale(deployment: dict[str, Any], revision: str) -> bool:
    """Whether the pods of a server may have read other Secrets than those of `revision`."""
    return bool((deployment["metadata"].get("annotations") or {}).get(_READ) != revision)


def mark(cluster: Cluster, servers: Sequence[str], revision: str) -> None:
    """Note that `servers` were started or restarted since the Secrets are those of `revision`.

    Afterwards, so that a command that ends half-way leaves the rest to the next one.
    """
    for name in servers:
        cluster.annotate("Deployment", name, {_READ: revision})


def restart_server(cluster: Cluster, name: str) -> None:
    """Have a server's pods made anew, as `kubectl rollout restart` does."""
    told = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat(timespec="seconds")}
    cluster.merge("Deployment", name, {"spec": {"template": {"metadata": {"annotations": told}}}})


def restart(cluster: Cluster, servers: Sequence[str], revision: str, renew_models: RenewModels, report: Callable[[str], None]) -> None:
    """Restart `servers` and the models, each pod replaced by one that is ready.

    The store goes first, since models fetch their files by the new key. Models go before the database: what waits in the
    journal of a pod that ends is still taken by the old password.
    """
    if "objects" in servers:
        restart_server(cluster, "objects")
        wait_for_deployments(cluster, ["objects"], lambda line: None, _WAIT_S)
    models, late = renew_models(cluster, revision, _WAIT_S)
    if done := [model for model in models if model not in late]:
        report(f"{', '.join(done)}: new pods know the new keys and passwords")
    if late:
        report(
            f"{', '.join(late)}: not all pods are new after {_WAIT_S} s: see "
            f"kubectl -n {cluster.namespace} get pods -l seldon-deployment-id"
        )
    for name in servers:
        if name != "objects":
            restart_server(cluster, name)
