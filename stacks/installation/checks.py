"""Whether a cluster can take an installation: each thing looked at, and the way to mend it."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from stacks.cluster.kubectl import ClusterError, Forbidden, Kubectl, Refused
from stacks.installation.settings import Settings

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
"""Of the account `deployer`: nobody can give a right that he has not."""
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_PROBE = "switchyard-probe"
_PROBE_WAIT_S = 45.0


def check_cluster(kubectl: Kubectl) -> str:
    """Version, rights and Seldon's resource; returns the cluster's version.

    Raises
    ------
    ClusterError
        The first thing that is not as it must be, with the way to mend it.
    """
    version = _version(kubectl)
    _check_rights(kubectl)
    if not kubectl.serves(SELDON_API):
        raise ClusterError(f"the cluster has no Seldon Core 1.17 ({SELDON} is unknown): {_INSTALL_SELDON}")
    return version


def _version(kubectl: Kubectl) -> str:
    try:
        found = json.loads(kubectl.run("version", "-o", "json", timeout_s=30))["serverVersion"]
    except (Refused, KeyError) as error:
        raise ClusterError(f"the cluster of context {kubectl.context!r} does not answer ({error}): kubectl cluster-info") from None
    numbers = tuple(int(re.sub(r"\D", "", found[part])) for part in ("major", "minor"))
    if numbers < OLDEST:
        raise ClusterError(f"Kubernetes {found['gitVersion']} is too old: Switchyard needs {OLDEST[0]}.{OLDEST[1]} or newer")
    return str(found["gitVersion"])


def _check_rights(kubectl: Kubectl) -> None:
    if kubectl.can("*", "*.*"):
        return
    missing = [resource for resource in _MADE if not kubectl.can("create", resource)]
    if not _sees_namespace(kubectl) and not kubectl.can("create", "namespaces"):
        missing.insert(0, "namespaces")
    where = f"context {kubectl.context!r} may not"
    if missing:
        raise ClusterError(
            f"{where} create {', '.join(missing)} in namespace {kubectl.namespace}: "
            f"use one with ClusterRole admin there (kubectl create rolebinding switchyard --clusterrole=admin --user=YOU -n {kubectl.namespace})"
        )
    verbs = [verb for verb in _SELDON_VERBS if not kubectl.can(verb, SELDON)]
    if verbs:
        role = f"kubectl create role switchyard-seldon --verb={','.join(_SELDON_VERBS)} --resource={SELDON} -n {kubectl.namespace}"
        raise ClusterError(
            f"{where} {', '.join(verbs)} {SELDON} in namespace {kubectl.namespace}, which ClusterRole admin does not hold: "
            f"{role} && kubectl create rolebinding switchyard-seldon --role=switchyard-seldon --user=YOU -n {kubectl.namespace}"
        )


def _sees_namespace(kubectl: Kubectl) -> bool:
    try:
        return kubectl.get("namespace", kubectl.namespace) is not None
    except Refused:
        return False


def check_storage(kubectl: Kubectl, settings: Settings) -> None:
    """Whether the trial's volumes are there or will be; the other overlay has none.

    Raises
    ------
    ClusterError
        Nothing would make them.
    """
    if settings.overlay != "trial":
        return
    claims = {claim["metadata"]["name"]: claim for claim in kubectl.items("persistentvolumeclaims")}
    if claims.get("database") and claims.get("objects"):
        return
    try:
        classes = kubectl.items("storageclasses")
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


def check_operator(kubectl: Kubectl) -> None:
    """Have Seldon's operator look at a SeldonDeployment of no replicas, which starts no pod.

    Raises
    ------
    ClusterError
        Nobody did.
    """
    kubectl.apply(_probe())
    try:
        until = time.monotonic() + _PROBE_WAIT_S
        while time.monotonic() < until:
            found = kubectl.get(SELDON, _PROBE) or {}
            if (found.get("status") or {}).get("state"):
                return
            time.sleep(0.5)
    finally:
        kubectl.run("delete", SELDON, _PROBE, "--ignore-not-found", "--wait=false")
    raise ClusterError(
        f"Seldon's resource is there, but no operator minds namespace {kubectl.namespace}: see that its pods run "
        f"(kubectl get pods -n seldon-system) and watch all namespaces, or install it: {_INSTALL_SELDON}"
    )


def _probe() -> dict[str, Any]:
    locked = {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 8888, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "probe", "image": "probe:none", "securityContext": {**locked, "seccompProfile": {"type": "RuntimeDefault"}}}
    predictor = {
        "name": "none",
        "replicas": 0,
        "annotations": {"seldon.io/no-engine": "true"},
        "graph": {"name": "probe", "type": "MODEL"},
        "componentSpecs": [{"spec": {"containers": [container]}}],
    }
    return {
        "apiVersion": SELDON_API,
        "kind": "SeldonDeployment",
        "metadata": {"name": _PROBE, "labels": {"app.kubernetes.io/part-of": "switchyard"}},
        "spec": {"name": _PROBE, "predictors": [predictor]},
    }
