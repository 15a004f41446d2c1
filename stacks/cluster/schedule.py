"""run.py on a clock: a CronJob that runs it in the pipelines' image, as the account `monitoring`.

What a run decides (to train, to alert) run.py does after the run, and a pipeline can't start another from inside a step:
so it is run.py that is scheduled, not a pipeline.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from zenml.client import Client

from stacks.cluster.kubectl import Kubectl
from switchyard.tabular.errors import InputError, SwitchyardError

ACCOUNT = "monitoring"
_APP = "/app"
_FIELD = r"(\*|\d+(-\d+)?|[A-Za-z]{3}(-[A-Za-z]{3})?)(/\d+)?"
_CRON = re.compile(rf"@(hourly|daily|weekly|monthly)|{_FIELD}(,{_FIELD})*( +{_FIELD}(,{_FIELD})*){{4}}")
_LABELS = {"app.kubernetes.io/name": "schedule", "app.kubernetes.io/part-of": "switchyard"}
_SELECTOR = ",".join(f"{key}={value}" for key, value in _LABELS.items())


class ScheduleError(SwitchyardError):
    """The cluster refuses a CronJob; the message says why."""


def schedule(
    name: str,
    cron: str,
    arguments: Sequence[str],
    image: str,
    config: tuple[str, str] | None = None,
    suspend: bool = False,
    commit: str = "unknown",
) -> str:
    """Create or replace the CronJob that runs `python run.py ARGUMENTS` by `cron`; returns its name.

    Parameters
    ----------
    name : str
        What it is for, as `monitoring-loans`; one CronJob for each name.
    cron : str
        Five fields, in UTC, or @hourly, @daily, @weekly, @monthly.
    arguments : sequence of str
        Of run.py, without --config.
    image : str
        The image that pipelines run in.
    config : (str, str), optional
        Name and content of the file that the runs read: kept in a ConfigMap.
    suspend : bool
        Keep it, but start nothing.
    commit : str
        Of the code in the image.

    Raises
    ------
    InputError
        `cron` is not a cron expression, or the active stack is not on Kubernetes.
    ScheduleError
        The cluster refuses.
    """
    if not _CRON.fullmatch(cron.strip()):
        raise InputError(
            f"--schedule {cron!r} is not a cron expression: five fields as in '0 * * * *', or @hourly, @daily, @weekly, @monthly"
        )
    core, batch, namespace, context = _cluster()
    job = _job_name(name)
    words = list(arguments)
    if config is not None:
        words += ["--config", f"/etc/switchyard/{config[0]}"]
        body = {"metadata": {"name": job, "labels": _LABELS}, "data": dict([config])}
        _put(core, "config_map", job, namespace, body)
    _put(batch, "cron_job", job, namespace, _manifest(job, cron.strip(), words, image, context, config is not None, suspend, commit))
    return job


def unschedule(name: str) -> bool:
    """Delete the CronJob of `name` and what it reads; whether there was one."""
    core, batch, namespace, _ = _cluster()
    job = _job_name(name)
    _delete(core, "config_map", job, namespace)
    return _delete(batch, "cron_job", job, namespace)


def scheduled() -> dict[str, str]:
    """CronJobs of ours on the active stack's cluster: name -> cron expression."""
    _, batch, namespace, _ = _cluster()
    return {job.metadata.name: job.spec.schedule for job in batch.list_namespaced_cron_job(namespace, label_selector=_SELECTOR).items}


def renew(kubectl: Kubectl, image: str, commit: str) -> list[str]:
    """Have every CronJob run the code in `image` from its next run on; names of those that ran another."""
    renewed = []
    for job in kubectl.items("cronjobs", "-l", _SELECTOR):
        spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        if container["image"] == image:
            continue
        given = {"SWITCHYARD_IMAGE_PIPELINES": image, "SWITCHYARD_COMMIT": commit}
        env = [{**entry, "value": given[entry["name"]]} if entry["name"] in given else entry for entry in container["env"]]
        path = "/spec/jobTemplate/spec/template/spec/containers/0"
        patch = [{"op": "replace", "path": f"{path}/{key}", "value": value} for key, value in {"image": image, "env": env}.items()]
        kubectl.run("patch", "cronjob", job["metadata"]["name"], "--type=json", "-p", json.dumps(patch))
        renewed.append(str(job["metadata"]["name"]))
    return renewed


def _cluster() -> tuple[Any, Any, str, str]:
    from kubernetes import client

    orchestrator = Client().active_stack.orchestrator
    if orchestrator.flavor != "kubernetes":
        name = Client().active_stack_model.name
        raise InputError(f"stack {name!r} has no cluster that could keep a schedule: zenml stack set kubernetes")
    api = orchestrator.get_kube_client()
    config = orchestrator.config
    return client.CoreV1Api(api), client.BatchV1Api(api), config.kubernetes_namespace, config.kubernetes_context or ""


def _job_name(name: str) -> str:
    """`name` as Kubernetes takes it; what doesn't fit is told apart by a digest."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # A CronJob's name gets 11 more characters for each Job.
    return plain if plain == name and len(plain) <= 50 else f"{plain[:41].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _manifest(
    job: str, cron: str, arguments: Sequence[str], image: str, context: str, config: bool, suspend: bool, commit: str
) -> dict[str, Any]:
    locked = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {"tmp": "/tmp", "documents": f"{_APP}/docs", "reports": f"{_APP}/reports", "repository": f"{_APP}/.zen"}
    volumes: list[dict[str, Any]] = [{"name": volume, "emptyDir": {"sizeLimit": "2Gi"}} for volume in writable]
    mounts = [{"name": volume, "mountPath": path} for volume, path in writable.items()]
    volumes.append({"name": "kubeconfig", "configMap": {"name": "kubeconfig"}})
    mounts.append({"name": "kubeconfig", "mountPath": "/etc/kubeconfig", "readOnly": True})
    if config:
        volumes.append({"name": "problem", "configMap": {"name": job}})
        mounts.append({"name": "problem", "mountPath": "/etc/switchyard", "readOnly": True})
    container = {
        "name": "run",
        "image": image,
        "command": ["python", "run.py", *arguments],
        "workingDir": _APP,
        "env": [
            {"name": "KUBECONFIG", "value": "/etc/kubeconfig/config"},
            {"name": "SWITCHYARD_USER", "value": f"schedule {job}"},
            {"name": "ZENML_ACTIVE_STACK_ID", "value": str(Client().active_stack_model.id)},
            {"name": "ZENML_STORE_URL", "value": Client().zen_store.url},
            _secret("ZENML_STORE_API_KEY", "zenml-client", "ZENML_STORE_API_KEY"),
            _secret("SWITCHYARD_STUDIES", "databases", "studies-url"),
            {"name": "SWITCHYARD_IMAGE_PIPELINES", "value": image},
            {"name": "SWITCHYARD_COMMIT", "value": commit},
        ],
        "envFrom": [{"configMapRef": {"name": "images", "optional": True}}],
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "2Gi"}},
        "securityContext": locked,
        "volumeMounts": mounts,
    }
    spec = {
        "serviceAccountName": ACCOUNT,
        "restartPolicy": "Never",
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 8888,
            "runAsGroup": 8888,
            "fsGroup": 8888,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }
    return {
        "metadata": {"name": job, "labels": _LABELS},
        "spec": {
            "schedule": cron,
            "timeZone": "Etc/UTC",
            "suspend": suspend,
            # Two runs at once would decide the same twice.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": _LABELS},
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": 86400,
                    "template": {"metadata": {"labels": _LABELS}, "spec": spec},
                },
            },
        },
    }


def _secret(variable: str, secret: str, key: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _put(api: Any, kind: str, name: str, namespace: str, body: dict[str, Any]) -> None:
    from kubernetes.client import ApiException

    try:
        try:
            getattr(api, f"replace_namespaced_{kind}")(name, namespace, body)
        except ApiException as error:
            if error.status != 404:
                raise
            getattr(api, f"create_namespaced_{kind}")(namespace, body)
    except ApiException as error:
        raise ScheduleError(f"the cluster refuses {kind.replace('_', ' ')} {name}: {error.reason}: {error.body}"[:600]) from None


def _delete(api: Any, kind: str, name: str, namespace: str) -> bool:
    from kubernetes.client import ApiException

    try:
        getattr(api, f"delete_namespaced_{kind}")(name, namespace)
    except ApiException as error:
        if error.status == 404:
            return False
        raise ScheduleError(f"the cluster refuses to delete {kind.replace('_', ' ')} {name}: {error.reason}") from None
    return True
