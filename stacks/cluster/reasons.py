"""Why pods do not come up, from what the cluster says of them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

_NEVER = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}
"""What a container waits for that seldom comes by itself."""
DEATHS = 2
"""Of a container, until its pod counts as one that dies again and again."""


@dataclass(frozen=True)
class Trouble:
    """What keeps a pod from being ready."""

    reason: str
    patience_s: float | None
    """How long it may last until there is no hope; None: as long as there is time."""
    pod: str = ""
    container: str = ""
    """Whose last words say more; empty where there are none."""


def is_ready(pod: Object) -> bool:
    """Whether the pod takes requests and is not told to end."""
    conditions = pod.get("status", {}).get("conditions", [])
    return not is_leaving(pod) and any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def is_rolled_out(deployment: Object) -> bool:
    """Whether it is as it was last asked for: all of its pods new and ready, and no old one left."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return seen and status.get("updatedReplicas", 0) >= wanted and status.get("availableReplicas", 0) >= wanted == status.get("replicas", 0)


def is_leaving(pod: Object) -> bool:
    """Whether the pod is told to end."""
    return "deletionTimestamp" in pod["metadata"]


def is_over(pod: Object) -> bool:
    """Whether none of its containers will run again."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def restarts(pods: Iterable[Object]) -> int:
    """Of all containers that serve."""
    return sum(status.get("restartCount", 0) for pod in pods for status in pod.get("status", {}).get("containerStatuses", []))


def trouble(pods: Iterable[Object], deployments: Iterable[Object]) -> Trouble | None:
    """The worst that is known of the pods of an instance, and of the Deployment that is to make them."""
    found = [_of_deployment(deployment) for deployment in deployments] + [_of_pod(pod) for pod in pods if not is_leaving(pod)]
    known = [one for one in found if one is not None]
    return min(known, key=lambda one: float("inf") if one.patience_s is None else one.patience_s, default=None)


def _of_deployment(deployment: Object) -> Trouble | None:
    """Pods that can't even be made: a quota, an admission rule, an account that is missing."""
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return Trouble(f"no pod can be made: {condition.get('message') or condition.get('reason', '')}", 10.0)
    return None


def _of_pod(pod: Object) -> Trouble | None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        found = _of_container(container, name)
        if found is not None:
            return found
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Trouble(f"pod {name} has no node: {condition.get('message', '')}", None, name)
    if status.get("phase") == "Failed":
        return Trouble(f"pod {name} has failed: {status.get('reason', '')} {status.get('message', '')}".strip(), None, name)
    return None


def _of_container(container: Object, pod: str) -> Trouble | None:
    name, state, last = container["name"], container.get("state", {}), container.get("lastState", {})
    waiting, ended = state.get("waiting", {}), state.get("terminated") or last.get("terminated") or {}
    if waiting.get("reason") in _NEVER:
        said = " ".join(waiting.get("message", "").split()) or f"image {container.get('image', '')}"
        return Trouble(f"container {name} of pod {pod} can't start: {waiting['reason']}: {said}", 20.0, pod)
    if ended and ended.get("exitCode", 0) != 0 and not container.get("ready"):
        how = ended.get("reason", "Error")
        what = f"killed for want of memory ({how})" if how == "OOMKilled" else f"ended with code {ended['exitCode']} ({how})"
        patience = 0.0 if container.get("restartCount", 0) >= DEATHS else None
        return Trouble(
            f"container {name} of pod {pod} was {what}" if how == "OOMKilled" else f"container {name} of pod {pod} {what}",
            patience,
            pod,
            name,
        )
    return None
