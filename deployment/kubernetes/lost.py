"""`lost_models`: models of a namespace that should serve by their Secrets, and whose pods the cluster no longer has."""

from __future__ import annotations

from deployment.kubernetes.names import MODEL, Names
from deployment.kubernetes.state import KEY, State
from stacks.cluster.client import Cluster


def lost_models(cluster: Cluster) -> dict[str, tuple[str, ...]]:
    """Model -> versions that should run, of each model that was taken away around its Secret, as `stack down --keep-data` does.

    A deployment of such a version, or `run.py start`, brings the model back as it was.
    """
    found = {}
    for secret in cluster.list("Secret", MODEL):
        if KEY not in secret.get("data", {}):
            continue
        state, _ = State.from_secret(secret)
        names = Names.of(state.model)
        versions = tuple(slot.version for slot in state.instances if slot.status == "running")
        is_there = cluster.get("SeldonDeployment", names.scope) and cluster.get("Deployment", names.frontdoor)
        if versions and not is_there:
            found[state.model] = versions
    return found
