"""What the account that deploys must be allowed to do in the models' namespace, and who has to do with which model's Secret.

Names of Secrets come with the models, and no account may read them all: whoever starts a deployment lets the account that
deploys have the one Secret of that model, and that account lets those read it who look at what is deployed.
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
from stacks.cluster.objects import OWNER, PART_OF, Object

logger = logging.getLogger(__name__)

_API = "rbac.authorization.k8s.io"
_OWN_VERBS = ["get", "update", "delete"]
"""Of the account that deploys, for a model's Secret; it may make any, and read none without a name."""

RULES: list[dict[str, Any]] = [
    {"apiGroups": ["machinelearning.seldon.io"], "resources": ["seldondeployments"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]},
    # For readers of a model's Secret. Kubernetes lets it grant what it has itself, which of Secrets is those that it is let have by name.
    {"apiGroups": [_API], "resources": ["roles", "rolebindings"], "verbs": ["create"]},
]


def role(name: str, namespace: str) -> dict[str, Any]:
    """The Role, as `kubectl apply` takes it."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{_API}/v1", "kind": "Role", "metadata": metadata, "rules": RULES}


def let_deploy(cluster: Cluster, names: Names, account: str) -> None:
    """Let `account` have the Secret of one model, be it there yet or not; who may let nobody leaves it as it is."""
    if not account:
        return
    try:
        for manifest in _granted(names, f"{names.frontdoor}-deployer", _OWN_VERBS, [account], cluster.namespace):
            cluster.apply(manifest)
    except Forbidden as error:
        # As a schedule's account: then whoever deployed the model first has done so.
        logger.debug("%s: %s is let have nothing: %s", names.scope, account, error)


def let_nobody_deploy(cluster: Cluster, names: Names) -> None:
    """Take back what `let_deploy` gave, where there is any and who asks may."""
    with contextlib.suppress(Forbidden):
        for kind in ("RoleBinding", "Role"):
            cluster.delete(kind, f"{names.frontdoor}-deployer")


def let_deploy_all(cluster: Cluster, account: str) -> None:
    """Let `account` have the Secret of every model that was deployed before."""
    for names in _deployed(cluster):
        let_deploy(cluster, names, account)


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
    for names in _deployed(cluster):
        let_read(cluster, names, accounts)


def _deployed(cluster: Cluster) -> list[Names]:
    return [Names(one["metadata"]["labels"][MODEL]) for one in cluster.list("Secret", MODEL) if KEY in one.get("data", {})]


def readers(names: Names, secret: Object, accounts: Sequence[str], namespace: str) -> list[Object]:
    """Role and RoleBinding that let `accounts` read `secret`.

    They are the Secret's in Kubernetes' sense, and have a name of its own: what is left of one that was removed never passes for
    those of its successor.
    """
    uid = secret["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Secret", "name": names.frontdoor, "uid": uid}
    made = _granted(names, f"{names.frontdoor}-{uid[:8]}", ["get"], accounts, namespace)
    return [{**one, "metadata": {**one["metadata"], "ownerReferences": [owner]}} for one in made]


def _granted(names: Names, name: str, verbs: list[str], accounts: Sequence[str], namespace: str) -> list[Object]:
    """Role and RoleBinding `name` that let `accounts` do `verbs` to the Secret of one model."""
    metadata = {"name": name, "labels": {**names.labels, PART_OF: OWNER}}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [names.frontdoor], "verbs": verbs}
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": namespace} for account in accounts]
    reference = {"apiGroup": _API, "kind": "Role", "name": name}
    return [
        {"apiVersion": f"{_API}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
        {"apiVersion": f"{_API}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects},
    ]


if __name__ == "__main__":
    # python -m deployment.kubernetes.rights | kubectl apply -f -
    import json
    import sys

    json.dump(role("switchyard-deployer", "switchyard"), sys.stdout, indent=1)
