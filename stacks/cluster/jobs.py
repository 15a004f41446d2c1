"""`JobWatch`: the Jobs, pods and events of one run on Kubernetes.

Forbidden pods never exist; their Job only collects FailedCreate events, and neither the Job nor ZenML ever gives up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from zenml.client import Client

from stacks.cluster.client import Cluster
from stacks.cluster.errors import Forbidden
from stacks.cluster.objects import Object
from stacks.cluster.trouble import Patience, Trouble, lacks_a_pod, of_job, of_pod
from stacks.cluster.waiting import Clock
from stacks.watching import Watcher

_STEP = "step_name"
_OF_A_RUN = Patience(start_s=15.0, refused_s=15.0, quota_s=60.0, room_s=600.0, deaths=None)
"""Nobody need be there: a registry may be back a moment later, an autoscaler brings a node within minutes. What a step dies of,
ZenML tells."""
_ORCHESTRATOR = "the run's orchestrator"
_FAILED_S = 15.0
"""How long the orchestrator's failed Job is waited for: of a step the orchestrator tells ZenML, of the orchestrator nobody does."""
_MOST_KILLS = 2
"""Times that a step may exceed its memory before the run ends; the same step on the same data will do it again."""


class JobWatch:
    """What the cluster made of one run.

    Parameters
    ----------
    orchestrator : KubernetesOrchestrator
        Of the active stack; its client and namespace are used.
    run : UUID
        The run's id, which ZenML writes on each of its Jobs and pods.
    """

    def __init__(self, orchestrator: Any, run: UUID) -> None:
        self._cluster = Cluster(orchestrator.config.kubernetes_namespace, api=orchestrator.get_kube_client())
        self._secret_of = orchestrator.get_token_secret_name
        self._run = run
        self._reasons: dict[str, str] = {}
        self._killed: dict[str, set[str]] = {}
        self._clock = Clock()

    def reason(self, step: str) -> str | None:
        """What happened to the pods of `step`, as last seen."""
        return self._reasons.get(step)

    def look(self) -> str | None:
        """Why the run can't go on; None while it can.

        Raises
        ------
        ClusterError
            The cluster does not answer or refuses; the caller decides how long to bear it.
        """
        jobs, pods = self._jobs(), self._cluster.list("Pod", f"run_id={self._run}")
        patience = _OF_A_RUN
        if any(pod["status"].get("phase") == "Running" and _STEP in pod["metadata"]["labels"] for pod in pods):
            # Pods that end make room and give back their quota, as long as one is at work.
            patience = replace(patience, room_s=None, quota_s=None)
        by_job: dict[str, list[Object]] = {}
        for pod in pods:
            by_job.setdefault(pod["metadata"]["labels"].get("job-name", ""), []).append(pod)
        known: dict[Trouble, str] = {}
        for job in jobs:
            name, own = _name_of(job), by_job.get(job["metadata"]["name"], [])
            self._note_kills(name, own)
            if len(self._killed.get(name, ())) >= _MOST_KILLS:
                return self._reasons[name]
            known.update(self._troubles(name, job, own, patience))
        hopeless = self._clock.hopeless(known)
        return known[hopeless] if hopeless else None

    def stop(self) -> None:
        """Delete the run's Jobs with their pods, and the Secret with its token."""
        # The orchestrator first, or it starts again what is deleted.
        for job in sorted(self._jobs(), key=lambda job: _name_of(job) != _ORCHESTRATOR):
            self._cluster.delete("Job", job["metadata"]["name"])
        snapshot = Client().get_pipeline_run(self._run).snapshot
        if snapshot is not None:
            # Where it may not be deleted it stays, and is worth nothing once the run has ended.
            with contextlib.suppress(Forbidden):
                self._cluster.delete("Secret", self._secret_of(snapshot.id))

    def _jobs(self) -> list[Object]:
        return self._cluster.list("Job", f"run_id={self._run}")

    def _troubles(self, name: str, job: Object, pods: list[Object], patience: Patience) -> Iterator[tuple[Trouble, str]]:
        """What keeps a Job from its end, in words, which are noted as the step's reason."""
        patience = replace(patience, failed_s=_FAILED_S) if name == _ORCHESTRATOR else patience
        events = self._refusals(job["metadata"]["name"]) if lacks_a_pod(job, pods) else []
        of_pods = [found for pod in pods if (found := of_pod(pod, patience)) and found.kind in ("image", "start", "room")]
        of_jobs = of_job(job, pods, events, patience)
        for found in [*of_pods, of_jobs] if of_jobs else of_pods:
            said = _in_words(name, found)
            if found.kind in ("room", "failed"):
                # What is known already says more.
                self._reasons.setdefault(name, said)
            else:
                self._reasons[name] = said
            yield found, self._reasons[name] if found.kind == "failed" else said

    def _note_kills(self, name: str, pods: list[Object]) -> None:
        for pod in pods:
            found = of_pod(pod, _OF_A_RUN)
            if found is None or found.kind != "memory":
                continue
            limit = pod["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory", "the node")
            self._killed.setdefault(name, set()).add(pod["metadata"]["uid"])
            self._reasons[name] = (
                f"{name} was killed for using more than its memory limit of {limit} (OOMKilled): "
                "give it more in settings.steps of the stack's YAML file"
            )

    def _refusals(self, job: str) -> list[Object]:
        return self._cluster.list("Event", fields=f"involvedObject.kind=Job,involvedObject.name={job},reason=FailedCreate")


def _name_of(job: Object) -> str:
    return job["metadata"].get("labels", {}).get(_STEP) or _ORCHESTRATOR


def _in_words(name: str, found: Trouble) -> str:
    words = {
        "image": f"{name} can't start: {found.said}",
        "start": f"{name} can't start: {found.said}",
        "room": f"{name} finds no node: {found.said}",
        "failed": f"{name} failed: {found.said}",
    }
    return words.get(found.kind, f"the cluster refuses the pod of {name}: {found.said}")


class KubernetesWatcher(Watcher):
    """Watches the runs of the orchestrator `kubernetes`."""

    name = "kubernetes"

    def watch(self, orchestrator: Any, run: UUID) -> JobWatch:
        return JobWatch(orchestrator, run)


PARTS = (KubernetesWatcher(),)
