"""run.py on a clock: a CronJob that runs it in the pipelines' image, as the account `monitoring` or one that may do less.

What a run decides (to train, to alert) run.py does after the run, and a pipeline can't start another from inside a step:
so it is run.py that is scheduled, not a pipeline.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from zenml.client import Client

from stacks.cluster.client import Cluster
from stacks.cluster.objects import OWNER, PART_OF, Object, config_map, restricted_pod
from switchyard.tabular.errors import InputError

ACCOUNT, PRUNER = "monitoring", "pruner"
"""Whoever starts runs, and whoever takes away what they left, for which Kubernetes is asked for one Secret."""
_APP = "/app"
_LABELS = {"app.kubernetes.io/name": "schedule", PART_OF: OWNER}
_SELECTOR = ",".join(f"{key}={value}" for key, value in _LABELS.items())


def schedule(
    name: str,
    cron: str,
    arguments: Sequence[str],
    image: str,
    config: tuple[str, str] | None = None,
    commit: str = "unknown",
    account: str = ACCOUNT,
) -> str:
    """Create or replace the CronJob that runs `python run.py ARGUMENTS` by `cron`; returns its name.

    Parameters
    ----------
    name : str
        What it is for, as `monitoring-loans`; one CronJob for each name.
    cron : str
        Five fields, in UTC.
    arguments : sequence of str
        Of run.py, without --config.
    image : str
        The image that pipelines run in.
    config : (str, str), optional
        Name and content of the file that the runs read: kept in a ConfigMap.
    commit : str
        Of the code in the image.
    account : str
        Whom the pod is for Kubernetes.

    Raises
    ------
    InputError
        The active stack is not on Kubernetes, or was installed when there was no such account.
    ClusterError
        The cluster refuses, `cron` for one where it is no cron expression.
    """
    cluster, job = _cluster(), job_name(name)
    if account != ACCOUNT and cluster.get("ServiceAccount", account) is None:
        raise InputError(f"namespace {cluster.namespace} has no account {account!r} yet; python run.py stack up kubernetes makes it")
    words = list(arguments)
    if config is not None:
        words += ["--config", f"/etc/switchyard/{config[0]}"]
        kept = config_map(job, dict([config]))
        cluster.put({**kept, "metadata": {"name": job, "labels": _LABELS}})
    cluster.put(_cron_job(job, cron.strip(), _pod(job, words, image, config is not None, commit, account)))
    return job


def unschedule(name: str) -> bool:
    """Delete the CronJob of `name` and what it reads; whether there was one."""
    cluster, job = _cluster(), job_name(name)
    cluster.delete("ConfigMap", job)
    return cluster.delete("CronJob", job)


def scheduled() -> dict[str, str]:
    """CronJobs of ours on the active stack's cluster: name -> cron expression."""
    return {job["metadata"]["name"]: job["spec"]["schedule"] for job in _cluster().list("CronJob", _SELECTOR)}


def renew(cluster: Cluster, image: str, commit: str) -> list[str]:
    """Have every CronJob run the code in `image` from its next run on; names of those that ran another."""
    renewed = []
    for job in cluster.list("CronJob", _SELECTOR):
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        if container["image"] == image:
            continue
        given = {"SWITCHYARD_IMAGE_PIPELINES": image, "SWITCHYARD_COMMIT": commit}
        env = [{**entry, "value": given[entry["name"]]} if entry["name"] in given else entry for entry in container["env"]]
        # Of a schedule that an earlier version made.
        env += [entry for entry in _databases() if entry["name"] not in {one["name"] for one in env}]
        spec = {"containers": [{**container, "image": image, "env": env}]}
        cluster.merge("CronJob", job["metadata"]["name"], {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}})
        renewed.append(str(job["metadata"]["name"]))
    return renewed


def _cluster() -> Cluster:
    orchestrator = Client().active_stack.orchestrator
    if orchestrator.flavor != "kubernetes":
        name = Client().active_stack_model.name
        raise InputError(f"stack {name!r} has no cluster that could keep a schedule: zenml stack set kubernetes")
    return Cluster(orchestrator.config.kubernetes_namespace, api=orchestrator.get_kube_client())


def job_name(name: str) -> str:
    """`name` as Kubernetes takes it; what doesn't fit is told apart by a digest."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # A CronJob's name gets 11 more characters for each Job.
    return plain if plain == name and len(plain) <= 50 else f"{plain[:41].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _pod(job: str, arguments: Sequence[str], image: str, config: bool, commit: str, account: str) -> Object:
    """Spec of the pod that runs run.py."""
    writable = {"tmp": "/tmp", "documents": f"{_APP}/docs", "reports": f"{_APP}/reports", "repository": f"{_APP}/.zen"}
    volumes: list[Object] = [{"name": volume, "emptyDir": {"sizeLimit": "2Gi"}} for volume in writable]
    mounts: list[Object] = [{"name": volume, "mountPath": path} for volume, path in writable.items()]
    read = {"kubeconfig": ("kubeconfig", "/etc/kubeconfig"), **({"problem": (job, "/etc/switchyard")} if config else {})}
    for volume, (source, path) in read.items():
        volumes.append({"name": volume, "configMap": {"name": source}})
        mounts.append({"name": volume, "mountPath": path, "readOnly": True})
    container = {
        "name": "run",
        "image": image,
        "command": ["python", "run.py", *arguments],
        "workingDir": _APP,
        "env": [
            {"name": "KUBECONFIG", "value": "/etc/kubeconfig/config"},
            {"name": "SWITCHYARD_USER", "value": f"schedule {job}"},
            {"name": "SWITCHYARD_SCHEDULE", "value": job},
            {"name": "ZENML_ACTIVE_STACK_ID", "value": str(Client().active_stack_model.id)},
            {"name": "ZENML_STORE_URL", "value": Client().zen_store.url},
            _from_secret("ZENML_STORE_API_KEY", "zenml-client", "ZENML_STORE_API_KEY"),
            *_databases(),
            {"name": "SWITCHYARD_IMAGE_PIPELINES", "value": image},
            {"name": "SWITCHYARD_COMMIT", "value": commit},
        ],
        "envFrom": [{"configMapRef": {"name": "images", "optional": True}}],
        "resources": {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "2Gi"}},
        "volumeMounts": mounts,
    }
    return restricted_pod([container], volumes, serviceAccountName=account, restartPolicy="Never")


def _cron_job(name: str, cron: str, pod: Object) -> Object:
    template = {"metadata": {"labels": _LABELS}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "labels": _LABELS},
        "spec": {
            "schedule": cron,
            "timeZone": "Etc/UTC",
            # Two runs at once would decide the same twice.
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "metadata": {"labels": _LABELS},
                "spec": {"backoffLimit": 0, "activeDeadlineSeconds": 86400, "template": template},
            },
        },
    }


def _databases() -> list[Object]:
    """The two that run.py leans on; the account may read none of the Secret itself, which has the servers' too."""
    urls = {"SWITCHYARD_STUDIES": "studies-url", "SWITCHYARD_PREDICTIONS": "predictions-url"}
    return [_from_secret(variable, "databases", key) for variable, key in urls.items()]


def _from_secret(variable: str, secret: str, key: str) -> Object:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
