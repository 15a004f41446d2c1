"""Kubernetes objects as plain dictionaries: where the API keeps each kind, and what all of ours have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from stacks.cluster.errors import ClusterError

Object = dict[str, Any]

OWNER = "switchyard"
"""Field manager of everything that is applied, and the label of what belongs to an installation."""
PART_OF = "app.kubernetes.io/part-of"
MANAGED_BY = "app.kubernetes.io/managed-by"
USER = 8888
"""The user that the images run as, without rights."""


@dataclass(frozen=True)
class Place:
    """Where the API keeps objects of one kind."""

    root: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str) -> str:
        """Path of the list of objects in the API."""
        return f"{self.root}/namespaces/{namespace}/{self.plural}" if self.namespaced else f"{self.root}/{self.plural}"


_PLACES = {
    "ConfigMap": Place("/api/v1", "configmaps"),
    "Event": Place("/api/v1", "events"),
    "Namespace": Place("/api/v1", "namespaces", namespaced=False),
    "Node": Place("/api/v1", "nodes", namespaced=False),
    "PersistentVolumeClaim": Place("/api/v1", "persistentvolumeclaims"),
    "Pod": Place("/api/v1", "pods"),
    "Secret": Place("/api/v1", "secrets"),
    "Service": Place("/api/v1", "services"),
    "ServiceAccount": Place("/api/v1", "serviceaccounts"),
    "Deployment": Place("/apis/apps/v1", "deployments"),
    "HorizontalPodAutoscaler": Place("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "CronJob": Place("/apis/batch/v1", "cronjobs"),
    "Job": Place("/apis/batch/v1", "jobs"),
    "SeldonDeployment": Place("/apis/machinelearning.seldon.io/v1", "seldondeployments"),
    "Ingress": Place("/apis/networking.k8s.io/v1", "ingresses"),
    "NetworkPolicy": Place("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": Place("/apis/policy/v1", "poddisruptionbudgets"),
    "Role": Place("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Place("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "ValidatingAdmissionPolicy": Place("/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies", namespaced=False),
    "ValidatingAdmissionPolicyBinding": Place(
        "/apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", namespaced=False
    ),
    "StorageClass": Place("/apis/storage.k8s.io/v1", "storageclasses", namespaced=False),
}


def place_of(kind: str, group: str, resources: Callable[[], Iterable[Object]]) -> Place:
    """Where objects of `kind` are; of one that somebody has put into an overlay of his own the cluster is asked for `resources`.

    Raises
    ------
    ClusterError
        The cluster has no such kind.
    """
    if kind in _PLACES:
        return _PLACES[kind]
    # Names with a slash are parts of objects, as deployments/scale.
    found = next((one for one in resources() if one["kind"] == kind and "/" not in one["name"]), None) if group else None
    if found is None:
        raise ClusterError(f"the cluster knows no {kind} of {group or 'any group'}: install what defines it, or take it out of the overlay")
    return Place(f"/{'apis' if '/' in group else 'api'}/{group}", found["name"], found["namespaced"])


def secret(name: str, values: dict[str, str]) -> Object:
    """The manifest of a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(name), "type": "Opaque", "stringData": values}


def config_map(name: str, values: dict[str, str]) -> Object:
    """The manifest of a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(name), "data": values}


RESTRICTED: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""A container's security context, which passes the `restricted` Pod Security level."""


def restricted_pod(containers: Iterable[Object], volumes: Iterable[Object], user: int = USER, **more: Any) -> Object:
    """The spec of a pod that passes the `restricted` level, its containers as `user`; `more` are other fields of the spec."""
    spec: Object = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        # Variables of every Service of the namespace would come with it, and could be taken for settings.
        "enableServiceLinks": False,
        "containers": _restricted(containers),
        "volumes": list(volumes),
        **more,
    }
    if "initContainers" in more:
        spec["initContainers"] = _restricted(more["initContainers"])
    return spec


def _restricted(containers: Iterable[Object]) -> list[Object]:
    return [{**container, "securityContext": RESTRICTED} for container in containers]


def _metadata(name: str) -> Object:
    return {"name": name, "labels": {PART_OF: OWNER}}
