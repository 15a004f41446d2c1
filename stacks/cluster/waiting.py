"""Waits until deployments are ready and checks have ended, and says early and in one line when they can't."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from stacks.cluster.kubectl import ClusterError, Kubectl, Refused
from stacks.cluster.reasons import is_rolled_out

WAIT_S = 900.0
_PAUSE_S = 1.0
_PATIENCE_S = 8.0
"""How long the same trouble must last: registries have their moods."""
_ROOM_S = 240.0
"""How long a pod may wait for a place: autoscalers bring nodes, runs end, volumes are made."""
_RESTARTS = 3
_Seen = tuple[list[str], Iterator[tuple[str, float]]]
"""Names that are waited for, and what is in their way, with how long that may last."""
_PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


def wait_for_deployments(kubectl: Kubectl, names: Sequence[str], report: Callable[[str], None], wait_s: float = WAIT_S) -> None:
    """Return when all of `names` are rolled out.

    Raises
    ------
    ClusterError
        One can't be: its image, its volume, its admission or its own last words say why.
    """
    ready: set[str] = set()

    def look() -> _Seen:
        found = {item["metadata"]["name"]: item for item in kubectl.items("deployments")}
        for name in names:
            if name in found and name not in ready and is_rolled_out(found[name]):
                ready.add(name)
                report(f"{name} is ready")
        waiting = [name for name in names if name not in ready]
        return waiting, _troubles(kubectl, waiting, found)

    _wait(kubectl, look, "become ready", wait_s)


def run_checks(kubectl: Kubectl, jobs: Sequence[dict[str, Any]], wait_s: float = WAIT_S) -> None:
    """Run `jobs` anew and return when all have ended well.

    Raises
    ------
    ClusterError
        One did not: its last words, or what kept its pod from starting.
    """
    names = [job["metadata"]["name"] for job in jobs]
    if not names:
        return
    kubectl.run("delete", "jobs", *names, "--ignore-not-found")
    kubectl.apply(*jobs)

    def look() -> _Seen:
        ends = {item["metadata"]["name"]: _ended(item) for item in kubectl.items("jobs")}
        if failed := [name for name in names if ends.get(name) == "Failed"]:
            raise ClusterError("; ".join(_words_of(kubectl, f"job/{name}") for name in failed))
        waiting = [name for name in names if ends.get(name) != "Complete"]
        return waiting, _troubles(kubectl, waiting, {})

    _wait(kubectl, look, "end", wait_s)


def _ended(job: dict[str, Any]) -> str | None:
    """Complete or Failed; None while it runs."""
    ended = (one["type"] for one in job.get("status", {}).get("conditions", []) if one["status"] == "True")
    return next((kind for kind in ended if kind in ("Complete", "Failed")), None)


def _wait(kubectl: Kubectl, look: Callable[[], _Seen], become: str, wait_s: float) -> None:
    """Until nothing is waited for, or a trouble lasts longer than it may."""
    until, since = time.monotonic() + wait_s, dict[str, float]()
    while True:
        waiting, troubles = look()
        if not waiting:
            return
        trouble, now = dict(troubles), time.monotonic()
        since = {text: since.get(text, now) for text in trouble}
        lasting = next((text for text, patience in trouble.items() if now - since[text] >= patience), None)
        if lasting:
            raise ClusterError(lasting)
        if now > until:
            raise ClusterError(f"{', '.join(waiting)} did not {become} in {wait_s:.0f} s: kubectl -n {kubectl.namespace} describe pods")
        time.sleep(_PAUSE_S)


def _troubles(kubectl: Kubectl, names: Sequence[str], found: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """What is in the way, and how long that may last."""
    for name in names:
        for condition in found.get(name, {}).get("status", {}).get("conditions", []):
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                yield f"{name}: the cluster refuses its pods: {condition['message']}", _PATIENCE_S
    for pod in kubectl.items("pods"):
        name = pod["metadata"].get("labels", {}).get("app.kubernetes.io/name")
        if name in names:
            yield from _of_pod(kubectl, str(name), pod)


def _of_pod(kubectl: Kubectl, name: str, pod: dict[str, Any]) -> Iterator[tuple[str, float]]:
    status = pod.get("status", {})
    for condition in status.get("conditions", []):
        if condition.get("reason") == "Unschedulable":
            hint = "; STORAGE_CLASS in a file for --settings names another" if "PersistentVolumeClaim" in condition["message"] else ""
            yield f"{name} finds no place: {condition['message']}{hint}", _ROOM_S
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        state = container.get("state", {}).get("waiting") or {}
        if state.get("reason") in _PULL:
            text = (
                f"the cluster can't pull {container['image']}: nodes must reach the registry and may need a login "
                f"(IMAGE_PULL_SECRET in a file for --settings); kubectl -n {kubectl.namespace} describe pod {pod['metadata']['name']}"
            )
            yield text, _PATIENCE_S
        if state.get("reason") == "CrashLoopBackOff" and container.get("restartCount", 0) >= _RESTARTS:
            yield f"{name} ends again and again: {_last_words(kubectl, pod['metadata']['name'], container['name'])}", _PATIENCE_S


def _last_words(kubectl: Kubectl, pod: str, container: str) -> str:
    return _words_of(kubectl, pod, "-c", container, "--previous")


def _words_of(kubectl: Kubectl, *whose: str) -> str:
    """The last line of a log, or the command that shows it."""
    try:
        lines = kubectl.run("logs", *whose, "--tail", "20").strip().splitlines()
    except Refused:
        lines = []
    return lines[-1][:1000] if lines else f"kubectl -n {kubectl.namespace} logs {' '.join(whose)}"
