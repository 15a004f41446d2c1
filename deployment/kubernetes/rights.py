"""What the account that deploys must be allowed to do in the models' namespace, and what it lets others read.

Its own Secrets can't be limited by name, since their names come with the models; a namespace of its own keeps them from others.
Who only looks at models is let read each one's Secret by that name.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import Any

from deployment.kubernetes.names import MODEL, Names
from deployment.kubernetes.state import KEY
from stacks.cluster.client import Cluster
from stacks.cluster.errors import Conflict, Forbidden
from stacks.cluster.objects import Object

logger = logging.getLogger(__name__)

_API = "rbac.authorization.k8s.io"

RULES: list[dict[str, Any]] = [
    {"apiGroups": ["machinelearning.seldon.io"], "resources": ["seldondeployments"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update", "delete"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
    # For readers of a model's Secret. Kubernetes lets it grant what it has itself, and change or take away nothing that others made.
    {"apiGroups": [_API], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
]


def role(name: str, namespace: str) -> dict[str, Any]:
    """The Role, as `kubectl apply` takes it."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{_API}/v1", "kind": "Role", "metadata": metadata, "rules": RULES}


def let_read(cluster: Cluster, names: Names, accounts: Sequence[str]) -> None:
    """Let `accounts` read the Secret of one model, and none beside it; what lets them goes when that Secret goes."""
    secret = cluster.get("Secret", names.frontdoor) if accounts else None
    if secret is None:
        return
    try:
        for manifest in readers(names, secret, accounts, cluster.namespace):
            with contextlib.suppress(Conflict):
                cluster.write(manifest)
    except Forbidden as error:
        logger.warning("%s can't be looked at by %s: %s", names.scope, ", ".join(accounts), error)


def let_read_all(cluster: Cluster, accounts: Sequence[str]) -> None:
    """The same for every model that was deployed before."""
    for secret in cluster.list("Secret", MODEL):
        if KEY in secret.get("data", {}):
            let_read(cluster, Names(secret["metadata"]["labels"][MODEL]), accounts)


def readers(names: Names, secret: Object, accounts: Sequence[str], namespace: str) -> list[Object]:
    """Role and RoleBinding that let `accounts` read `secret`.

    They are the Secret's in Kubernetes' sense, and have a name of its own: what is left of one that was removed never passes for
    those of its successor.
    """
    uid = secret["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Secret", "name": names.frontdoor, "uid": uid}
    metadata = {"name": f"{names.frontdoor}-{uid[:8]}", "labels": names.labels, "ownerReferences": [owner]}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [names.frontdoor], "verbs": ["get"]}
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": namespace} for account in accounts]
    reference = {"apiGroup": _API, "kind": "Role", "name": metadata["name"]}
    return [
        {"apiVersion": f"{_API}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
        {"apiVersion": f"{_API}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects},
    ]


if __name__ == "__main__":
    # python -m deployment.kubernetes.rights | kubectl apply -f -
    import json
    import sys

    json.dump(role("switchyard-deployer", "switchyard"), sys.stdout, indent=1)
