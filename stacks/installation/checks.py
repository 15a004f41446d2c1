"""Whether a cluster can take an installation: each thing looked at, and the way to mend it."""

from __future__ import annotations

import re
from typing import Any

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError, Forbidden, Refused
from stacks.cluster.objects import OWNER, PART_OF, restricted_pod
from stacks.cluster.waiting import holds
from stacks.installation.settings import ClusterSettings

OLDEST = (1, 25)
"""The first with the `restricted` level that can't be switched off."""
SELDON, SELDON_API = "seldondeployments.machinelearning.seldon.io", "machinelearning.seldon.io/v1"
_INSTALL_SELDON = (
    "helm install seldon-core seldon-core-operator --repo https://storage.googleapis.com/seldon-charts --version 1.17.1 "
    "--namespace seldon-system --create-namespace"
)
_MADE = (
    "deployments.apps",
    "services",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "serviceaccounts",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "networkpolicies.networking.k8s.io",
    "poddisruptionbudgets.policy",
    "jobs.batch",
)
_SELDON_VERBS = ("create", "delete", "get", "list", "patch")
"""Verbs of the account `deployer`: nobody can give a right that he has not."""
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_PROBE = "switchyard-probe"
_PROBE_WAIT_S = 45.0


def check_cluster(cluster: Cluster) -> str:
    """Version, rights and Seldon's resource; returns the cluster's version.

    Raises
    ------
    ClusterError
        The first thing that is not as it must be, with the way to mend it.
    """
    version = _version(cluster)
    _check_rights(cluster)
    if not cluster.serves(SELDON_API):
        raise ClusterError(f"the cluster has no Seldon Core 1.17 ({SELDON} is unknown): {_INSTALL_SELDON}")
    return version


def _version(cluster: Cluster) -> str:
    try:
        found = cluster.version()
    except ClusterError as error:
        raise ClusterError(f"the cluster of context {cluster.context!r} does not answer ({error}): kubectl cluster-info") from None
    numbers = tuple(int(re.sub(r"\D", "", found[part])) for part in ("major", "minor"))
    if numbers < OLDEST:
        raise ClusterError(f"Kubernetes {found['gitVersion']} is too old: Switchyard needs {OLDEST[0]}.{OLDEST[1]} or newer")
    return str(found["gitVersion"])


def _check_rights(cluster: Cluster) -> None:
    if cluster.can("*", "*.*"):
        return
    missing = [resource for resource in _MADE if not cluster.can("create", resource)]
    if not _sees_namespace(cluster) and not cluster.can("create", "namespaces"):
        missing.insert(0, "namespaces")
    where = f"context {cluster.context!r} may not"
    if missing:
        raise ClusterError(
            f"{where} create {', '.join(missing)} in namespace {cluster.namespace}: "
            "use one with ClusterRole admin there (kubectl create rolebinding switchyard --clusterrole=admin --user=YOU "
            f"-n {cluster.namespace})"
        )
    verbs = [verb for verb in _SELDON_VERBS if not cluster.can(verb, SELDON)]
    if verbs:
        role = f"kubectl create role switchyard-seldon --verb={','.join(_SELDON_VERBS)} --resource={SELDON} -n {cluster.namespace}"
        raise ClusterError(
            f"{where} {', '.join(verbs)} {SELDON} in namespace {cluster.namespace}, which ClusterRole admin does not hold: "
            f"{role} && kubectl create rolebinding switchyard-seldon --role=switchyard-seldon --user=YOU -n {cluster.namespace}"
        )


def _sees_namespace(cluster: Cluster) -> bool:
    try:
        return cluster.get("Namespace", cluster.namespace) is not None
    except Refused:
        return False


def check_storage(cluster: Cluster, settings: ClusterSettings) -> None:
    """Whether the trial's volumes are there or will be; the other overlay has none.

    Raises
    ------
    ClusterError
        Nothing would make them.
    """
    if settings.overlay != "trial":
        return
    claims = {claim["metadata"]["name"]: claim for claim in cluster.list("PersistentVolumeClaim")}
    if claims.get("database") and claims.get("objects"):
        return
    try:
        classes = cluster.list("StorageClass")
    except Forbidden:
        # Nobody but the cluster knows; a volume that is never made is told while the servers start.
        return
    names = [item["metadata"]["name"] for item in classes]
    if settings.storage_class and settings.storage_class not in names:
        raise ClusterError(f"STORAGE_CLASS={settings.storage_class}: the cluster has {', '.join(names) or 'no storage class'}")
    default = [item for item in classes if (item["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"]
    if not settings.storage_class and not default:
        known = f"; there is {', '.join(names)}" if names else ""
        raise ClusterError(
            f"the cluster has no default storage class{known}: set STORAGE_CLASS in a file for --settings, or mark one "
            f"(kubectl annotate storageclass NAME {_DEFAULT_CLASS}=true)"
        )


def check_operator(cluster: Cluster) -> None:
    """Have Seldon's operator look at a SeldonDeployment of no replicas, which starts no pod.

    Raises
    ------
    ClusterError
        Nobody did.
    """
    cluster.apply(_probe())
    try:
        if holds(lambda: bool((cluster.get("SeldonDeployment", _PROBE) or {}).get("status", {}).get("state")), _PROBE_WAIT_S, 0.5):
            return
    finally:
        cluster.delete("SeldonDeployment", _PROBE)
    raise ClusterError(
        f"Seldon's resource is there, but no operator minds namespace {cluster.namespace}: see that its pods run "
        f"(kubectl get pods -n seldon-system) and watch all namespaces, or install it: {_INSTALL_SELDON}"
    )


def _probe() -> dict[str, Any]:
    predictor = {
        "name": "none",
        "replicas": 0,
        "annotations": {"seldon.io/no-engine": "true"},
        "graph": {"name": "probe", "type": "MODEL"},
        "componentSpecs": [{"spec": restricted_pod([{"name": "probe", "image": "probe:none"}], [])}],
    }
    return {
        "apiVersion": SELDON_API,
        "kind": "SeldonDeployment",
        "metadata": {"name": _PROBE, "labels": {PART_OF: OWNER}},
        "spec": {"name": _PROBE, "predictors": [predictor]},
    }
