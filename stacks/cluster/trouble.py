"""Why pods do not come up, from what the cluster says of them and of what is to make them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from stacks.cluster.objects import Object

Kind = Literal["image", "start", "death", "memory", "room", "refused", "quota", "failed"]
"""An image can't be pulled; a container can't be made of it; one ended badly, or for want of memory; a pod finds no node, can't
be made, can't for want of quota; or all of a pod or Job has failed."""

_PULL = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_NEVER = _PULL | {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
"""What a container waits for that seldom comes by itself."""


@dataclass(frozen=True)
class Patience:
    """Seconds that each trouble may last until there is no hope; None: as long as there is time.

    Who waits says how long, and why: one pod of a run may wait for a node that an autoscaler brings, and a person at a
    terminal wants to know sooner.
    """

    start_s: float | None
    """An image that can't be pulled, a container that can't be made: registries have their moods."""
    refused_s: float | None
    """Pods that the cluster does not let be made."""
    quota_s: float | None
    """The same for want of quota, which pods that end give back."""
    room_s: float | None
    """A pod without a node."""
    deaths: int | None
    """Deaths of a container from which on it counts as one that dies again and again; None: no number of them."""
    death_s: float = 0.0
    """A container that dies again and again."""
    failed_s: float | None = None
    """A pod or Job that has failed for good."""


OF_A_MODEL = Patience(start_s=20.0, refused_s=10.0, quota_s=10.0, room_s=None, deaths=2)
"""What serves goes on while a new version waits: a node may come as long as the deployment's own time lasts."""


@dataclass(frozen=True)
class Trouble:
    """What keeps a pod from being ready, or from being made."""

    kind: Kind
    reason: str
    """In one line, with the names of pod and container."""
    patience_s: float | None
    """How long it may last until there is no hope; None: as long as there is time."""
    subject: str = ""
    """Name of the pod, or of the Deployment or Job that can't make one."""
    container: str = ""
    """Whose last words say more; empty where there are none."""
    said: str = ""
    """The cluster's own words."""
    image: str = ""

    @property
    def key(self) -> tuple[str, str, Kind]:
        """The same as long as it is the same trouble: a reason that changes its words is the same reason."""
        return self.subject, self.container, self.kind


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
    """Restarts of all containers that serve."""
    return sum(status.get("restartCount", 0) for pod in pods for status in pod.get("status", {}).get("containerStatuses", []))


def ended_as(job: Object) -> Literal["Complete", "Failed"] | None:
    """How a Job has ended; None while it runs."""
    return next((one["type"] for one in _true_conditions(job) if one["type"] in ("Complete", "Failed")), None)


def lacks_a_pod(job: Object, pods: Iterable[Object]) -> bool:
    """Whether a Job goes on and none of its pods is there: why, only events say."""
    return ended_as(job) is None and not any(pod.get("status", {}).get("phase") in ("Pending", "Running") for pod in pods)


def trouble(pods: Iterable[Object], deployments: Iterable[Object], patience: Patience = OF_A_MODEL) -> Trouble | None:
    """The worst that is known of the pods of an instance, and of the Deployment that is to make them."""
    return worst(troubles(pods, deployments, patience))


def worst(known: Iterable[Trouble]) -> Trouble | None:
    """The one of which there is no hope the soonest."""
    return min(known, key=lambda one: float("inf") if one.patience_s is None else one.patience_s, default=None)


def troubles(pods: Iterable[Object], deployments: Iterable[Object], patience: Patience) -> list[Trouble]:
    """All that is known of pods that are to stay, and of the Deployments that are to make them."""
    found = [of_deployment(deployment, patience) for deployment in deployments]
    found += [of_pod(pod, patience) for pod in pods if not is_leaving(pod)]
    return [one for one in found if one is not None]


def of_deployment(deployment: Object, patience: Patience) -> Trouble | None:
    """Pods that can't even be made: a quota, an admission rule, an account that is missing."""
    for condition in _true_conditions(deployment):
        if condition["type"] == "ReplicaFailure":
            said = condition.get("message") or condition.get("reason", "")
            return _refusal(deployment.get("metadata", {}).get("name", ""), f"no pod can be made: {said}", said, patience)
    return None


def of_job(job: Object, pods: Iterable[Object], events: Iterable[Object], patience: Patience) -> Trouble | None:
    """What keeps a Job from an end: it has failed, or the cluster refuses its pod, of which nothing but `events` tell."""
    name, pods = job["metadata"]["name"], list(pods)
    if failed := next((one for one in _true_conditions(job) if one["type"] == "Failed"), None):
        said = f"{failed.get('reason')}: {failed.get('message')}"
        return Trouble("failed", f"Job {name} failed: {said}", patience.failed_s, name, said=said)
    if not lacks_a_pod(job, pods):
        return None
    latest = max(events, key=_moment, default=None)
    if latest is None or _moment(latest) <= max((pod["metadata"].get("creationTimestamp", "") for pod in pods), default=""):
        return None
    said = _one_line(latest.get("message") or "no reason given")
    return _refusal(name, f"no pod of Job {name} can be made: {said}", said, patience)


def of_pod(pod: Object, patience: Patience) -> Trouble | None:
    """What keeps the pod from being ready."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    if found := next(_of_containers(pod, patience), None):
        return found
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("status") != "True":
            said = condition.get("message", "")
            return Trouble("room", f"pod {name} has no node: {said}", patience.room_s, name, said=said)
    if status.get("phase") == "Failed":
        said = f"{status.get('reason', '')} {status.get('message', '')}".strip()
        return Trouble("failed", f"pod {name} has failed: {said}".strip(" :"), patience.failed_s, name, said=said)
    return None


def _of_containers(pod: Object, patience: Patience) -> Iterator[Trouble]:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        found = _of_waiting(container, name, patience) or _of_ended(container, name, patience)
        if found is not None:
            yield found


def _of_waiting(container: Object, pod: str, patience: Patience) -> Trouble | None:
    """A container that can't start."""
    waiting, image = container.get("state", {}).get("waiting") or {}, container.get("image", "")
    why = waiting.get("reason")
    if why not in _NEVER:
        return None
    said = f"{why}: {_one_line(waiting.get('message') or '') or f'image {image}'}"
    reason = f"container {container['name']} of pod {pod} can't start: {said}"
    # Nothing was printed by what never started: no container is named.
    return Trouble("image" if why in _PULL else "start", reason, patience.start_s, pod, said=said, image=image)


def _of_ended(container: Object, pod: str, patience: Patience) -> Trouble | None:
    """A container that has ended badly, and runs again at the most."""
    name, state, last = container["name"], container.get("state", {}), container.get("lastState", {})
    ended, backs_off = state.get("terminated") or last.get("terminated") or {}, _backs_off(state)
    if container.get("ready") or not (backs_off or ended.get("exitCode", 0) != 0):
        return None
    how, code = ended.get("reason", "Error"), ended.get("exitCode", "unknown")
    out_of_memory = how == "OOMKilled"
    what = f"was killed for want of memory ({how})" if out_of_memory else f"ended with code {code} ({how})"
    # One that runs may come up this time.
    deaths = container.get("restartCount", 0) + (1 if backs_off or state.get("terminated") else 0)
    hopeless = patience.deaths is not None and deaths >= patience.deaths
    kind: Kind = "memory" if out_of_memory else "death"
    return Trouble(
        kind,
        f"container {name} of pod {pod} {what}",
        patience.death_s if hopeless else None,
        pod,
        name,
        said=what,
        image=container.get("image", ""),
    )


def _backs_off(state: Object) -> bool:
    return (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"


def _refusal(subject: str, reason: str, said: str, patience: Patience) -> Trouble:
    if "exceeded quota" in said:
        return Trouble("quota", reason, patience.quota_s, subject, said=said)
    return Trouble("refused", reason, patience.refused_s, subject, said=said)


def _true_conditions(found: Object) -> Iterator[Object]:
    return (one for one in found.get("status", {}).get("conditions", []) if one["status"] == "True")


def _moment(event: Object) -> str:
    """When it was last seen; the API's times sort as text, to the second."""
    return (event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])[:19]


def _one_line(text: str) -> str:
    return " ".join(text.split())
