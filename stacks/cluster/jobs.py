"""`JobWatch`: the Jobs, pods and events of one run on Kubernetes.

Forbidden pods never exist; their Job only collects FailedCreate events, and neither the Job nor ZenML ever gives up.
"""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

from zenml.client import Client

from stacks.watching import Watcher

logger = logging.getLogger(__name__)

_STEP = "step_name"
_PATIENCE_S = 15.0
"""How long a reason must last before it counts: a registry may be back a moment later."""
_ROOM_S = 600.0
"""How long a pod may wait for a node; autoscalers bring one within minutes."""
_QUOTA_S = 60.0
"""How long a quota may refuse while no other pod of the run could make room."""
_HOPELESS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError")
_ORCHESTRATOR = "the run's orchestrator"
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
        from kubernetes import client

        api = orchestrator.get_kube_client()
        self._core, self._batch = client.CoreV1Api(api), client.BatchV1Api(api)
        self._namespace = orchestrator.config.kubernetes_namespace
        self._secret_of = orchestrator.get_token_secret_name
        self._run = run
        self._reasons: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._killed: dict[str, set[str]] = {}

    def reason(self, step: str) -> str | None:
        """What happened to the pods of `step`, as last seen."""
        return self._reasons.get(step)

    def look(self) -> str | None:
        """Why the run can't go on; None while it can.

        Raises
        ------
        kubernetes.client.ApiException
            The cluster does not answer or refuses; the caller decides how long to bear it.
        """
        jobs = self._batch.list_namespaced_job(self._namespace, label_selector=f"run_id={self._run}").items
        pods = self._core.list_namespaced_pod(self._namespace, label_selector=f"run_id={self._run}").items
        names = {job.metadata.name: (job.metadata.labels or {}).get(_STEP) or _ORCHESTRATOR for job in jobs}
        by_job: dict[str, list[Any]] = {}
        for pod in pods:
            by_job.setdefault((pod.metadata.labels or {}).get("job-name", ""), []).append(pod)
        at_work = any(pod.status.phase == "Running" and _STEP in (pod.metadata.labels or {}) for pod in pods)
        for job in jobs:
            name, own = names[job.metadata.name], by_job.get(job.metadata.name, [])
            trouble = self._of_pods(name, own, at_work) or self._of_job(name, job, own, at_work)
            if trouble:
                return trouble
        return None

    def stop(self) -> None:
        """Delete the run's Jobs with their pods, and the Secret with its token."""
        from kubernetes.client import ApiException

        jobs = self._batch.list_namespaced_job(self._namespace, label_selector=f"run_id={self._run}").items
        # The orchestrator first, or it starts again what is deleted.
        for job in sorted(jobs, key=lambda job: _STEP in (job.metadata.labels or {})):
            try:
                self._batch.delete_namespaced_job(job.metadata.name, self._namespace, propagation_policy="Background")
            except ApiException as error:
                if error.status != 404:
                    raise
        snapshot = Client().get_pipeline_run(self._run).snapshot
        if snapshot is not None:
            try:
                self._core.delete_namespaced_secret(self._secret_of(snapshot.id), self._namespace)
            except ApiException as error:
                if error.status not in (403, 404):
                    raise

    def _of_pods(self, name: str, pods: list[Any], at_work: bool) -> str | None:
        for pod in pods:
            for status in pod.status.container_statuses or []:
                ended = status.state.terminated or status.last_state.terminated
                if ended is not None and ended.reason == "OOMKilled":
                    self._note_kill(name, pod)
                waiting = status.state.waiting
                if waiting is not None and waiting.reason in _HOPELESS:
                    said = f"{name} can't start: {waiting.reason}: {' '.join((waiting.message or status.image).split())}"
                    self._reasons[name] = said
                    if self._lasts(f"{pod.metadata.name}/{waiting.reason in _HOPELESS}", _PATIENCE_S):
                        return said
            for condition in pod.status.conditions or []:
                if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
                    said = f"{name} finds no node: {condition.message}"
                    self._reasons.setdefault(name, said)
                    # Pods that end make room, as long as one is at work.
                    if at_work:
                        self._since.pop(f"{pod.metadata.name}/room", None)
                    elif pod.status.phase == "Pending" and self._lasts(f"{pod.metadata.name}/room", _ROOM_S):
                        return said
        if len(self._killed.get(name, ())) >= _MOST_KILLS:
            return self._reasons[name]
        return None

    def _note_kill(self, name: str, pod: Any) -> None:
        limits = (pod.spec.containers[0].resources.limits or {}) if pod.spec.containers[0].resources else {}
        self._killed.setdefault(name, set()).add(pod.metadata.uid)
        self._reasons[name] = (
            f"{name} was killed for using more than its memory limit of {limits.get('memory', 'the node')} (OOMKilled): "
            "give it more in settings.steps of the stack's YAML file"
        )

    def _of_job(self, name: str, job: Any, pods: list[Any], at_work: bool) -> str | None:
        for condition in job.status.conditions or []:
            if condition.type == "Failed" and condition.status == "True":
                said = f"{name} failed: {condition.reason}: {condition.message}"
                self._reasons.setdefault(name, said)
                # Of a step, the orchestrator tells ZenML; nobody tells of the orchestrator.
                if name == _ORCHESTRATOR and self._lasts(f"{job.metadata.name}/failed", _PATIENCE_S):
                    return self._reasons[name]
                return None
            if condition.type == "Complete" and condition.status == "True":
                return None
        if any(pod.status.phase in ("Pending", "Running") for pod in pods):
            return None
        refused = self._refusal(job.metadata.name, max((pod.metadata.creation_timestamp for pod in pods), default=None))
        if refused is None:
            return None
        said = f"the cluster refuses the pod of {name}: {refused}"
        self._reasons[name] = said
        if "exceeded quota" in refused:
            # Pods that end make room; only where none is at work nothing will change.
            if at_work:
                self._since.pop(f"{job.metadata.name}/quota", None)
                return None
            return said if self._lasts(f"{job.metadata.name}/quota", _QUOTA_S) else None
        return said if self._lasts(f"{job.metadata.name}/refused", _PATIENCE_S) else None

    def _refusal(self, job: str, newest_pod: Any) -> str | None:
        """The latest FailedCreate event of a Job, if no pod of it was created since."""
        chosen = f"involvedObject.kind=Job,involvedObject.name={job},reason=FailedCreate"
        events = self._core.list_namespaced_event(self._namespace, field_selector=chosen).items
        if not events:
            return None
        latest = max(events, key=_moment)
        if newest_pod is not None and _moment(latest) <= newest_pod:
            return None
        return " ".join((latest.message or "no reason given").split())

    def _lasts(self, key: str, seconds: float) -> bool:
        return time.monotonic() - self._since.setdefault(key, time.monotonic()) >= seconds


def _moment(event: Any) -> Any:
    return event.last_timestamp or event.event_time or event.metadata.creation_timestamp


class KubernetesWatcher(Watcher):
    """Of the orchestrator `kubernetes`."""

    name = "kubernetes"

    def watch(self, orchestrator: Any, run: UUID) -> JobWatch:
        return JobWatch(orchestrator, run)


PARTS = (KubernetesWatcher(),)
