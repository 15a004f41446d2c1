"""Kubernetes objects of the served versions, as plain dictionaries. Pure functions: nothing here asks a cluster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from deployment.host import Release
from deployment.kubernetes.names import DIGEST, INSTANCE, REVISION, VERSION, Names, label
from deployment.kubernetes.options import LOG_KEY, KubernetesOptions
from stacks.cluster.objects import Object, restricted_pod
from switchyard.serving import fetch
from switchyard.serving.settings import PREFIX, Settings

Manifest = Object

GROUP = "machinelearning.seldon.io/v1"
CONTAINER, FETCHER = "model", "fetch"
PORT = 9000
"""Seldon's, of every model container."""
METRICS, METRICS_PATH = "metrics", "/prometheus"
"""The operator's name for the port that answers no predictions, and its only page; its number goes by the predictor's place."""
SECRETS = "SWITCHYARD_SECRETS"
"""In the environment of a model's containers: the Secrets that they were made to read."""
_BUNDLE, _JOURNAL = "/bundle", "/journal"
_JOURNAL_BYTES = 512 * 1024**2
"""While the database is away a pod keeps as much as this, and then answers nothing: past its volume's limit the pod would be
evicted, and its journal with it."""
_VOLUMES = [{"name": "bundle", "emptyDir": {"sizeLimit": "2Gi"}}, {"name": "journal", "emptyDir": {"sizeLimit": "1Gi"}}]
_DISK = {"ephemeral-storage": "1Gi"}
"""What a pod asks of its node's disk: who uses more than was asked for goes first where that is short."""
_STOP_S = 10
"""Seconds between the order to end and the end: until then the front door has learned that the pod is going."""
_GRACE_S = 60


def predictor(release: Release, name: str, names: Names, options: KubernetesOptions) -> Manifest:
    """Seldon's predictor for `release`, without what changes while it runs (replicas, traffic).

    It is made once, when an instance is started, and kept: settings that change later are for later instances, and no
    pod is restarted by them.
    """
    spec = restricted_pod(
        [_container(release, options)],
        _VOLUMES,
        initContainers=[_fetcher(release, options)],
        automountServiceAccountToken=False,
        terminationGracePeriodSeconds=_GRACE_S,
        affinity=apart({INSTANCE: name, **_model(names)}),
        **placement(options),
    )
    labels = {**names.labels, INSTANCE: name, VERSION: label(release.version), DIGEST: label(release.digest.removeprefix("sha256:"))}
    labels[REVISION] = _revision(spec)
    annotations = {"seldon.io/no-engine": "true", "seldon.io/svc-name": names.service(name), DIGEST: release.digest}
    component: Manifest = {"metadata": {"labels": labels}, "spec": spec}
    if options.max_replicas > options.replicas:
        target = {"type": "Utilization", "averageUtilization": options.target_cpu}
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        component["hpaSpec"] = {"minReplicas": options.replicas, "maxReplicas": options.max_replicas, "metricsv2": metrics}
    else:
        component["replicas"] = options.replicas
    return {
        "name": name,
        "annotations": annotations,
        "labels": labels,
        "graph": {"name": CONTAINER, "type": "MODEL", "endpoint": {"type": "REST"}, "children": []},
        "componentSpecs": [component],
    }


def revision_of(made: Manifest) -> str:
    """What tells the pods of a predictor from those of another that had its name."""
    return made["labels"][REVISION]


def replicas_of(made: Manifest) -> int:
    """Pods that a running predictor has at least."""
    component = made["componentSpecs"][0]
    return component["hpaSpec"]["minReplicas"] if "hpaSpec" in component else component["replicas"]


def metrics_port(pod: Manifest) -> int | None:
    """Number of the port at which a pod that serves has its metrics; None where it has none."""
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
    return next((port["containerPort"] for port in ports if port.get("name") == METRICS), None)


def idle(made: Manifest) -> Manifest:
    """`made` without a pod."""
    component = {key: value for key, value in made["componentSpecs"][0].items() if key != "hpaSpec"}
    return {**made, "componentSpecs": [{**component, "replicas": 0}]}


def renewed(made: Manifest, secrets: str) -> Manifest:
    """`made` with containers that tell `secrets`: another text there is the one change that every operator follows with new pods.

    Restarted by `kubectl rollout restart` they end at once: Seldon's operator takes the annotation away again
    (https://github.com/SeldonIO/seldon-core/issues/4567).
    """
    if not secrets:
        return made
    component = made["componentSpecs"][0]
    told = {"name": SECRETS, "value": secrets}
    containers = [{**one, "env": [*one.get("env", []), told]} for one in component["spec"]["containers"]]
    return {**made, "componentSpecs": [{**component, "spec": {**component["spec"], "containers": containers}}]}


def seldon_deployment(names: Names, model: str, predictors: Sequence[tuple[Manifest, bool, int, bool]]) -> Manifest:
    """The SeldonDeployment of a model.

    Parameters
    ----------
    predictors : sequence of (manifest, running, traffic, shadow)
        Traffic in per cent; it adds up to 100 over those that are no shadows.
    """
    wanted = []
    for made, running, traffic, shadow in predictors:
        entry = {**(made if running else idle(made)), "traffic": traffic}
        wanted.append({**entry, "shadow": True} if shadow else entry)
    return {
        "apiVersion": GROUP,
        "kind": "SeldonDeployment",
        "metadata": {"name": names.scope, "labels": names.labels, "annotations": {"switchyard/name": model}},
        "spec": {"predictors": wanted},
    }


def pods_service(names: Names, instance: str) -> Manifest:
    """The Service by which the front door finds each pod of an instance that is ready."""
    selector = {**_model(names), INSTANCE: instance}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.pods(instance), "labels": {**names.labels, INSTANCE: instance}},
        "spec": {"clusterIP": "None", "selector": selector, "ports": [{"name": "http", "port": PORT, "targetPort": PORT}]},
    }


def disruption_budget(names: Names, instance: str) -> Manifest:
    """One pod of an instance at a time may be moved.

    Not Seldon's `pdbSpec`: its budgets cover the pods of all predictors, and Kubernetes evicts no pod that has two.
    """
    return budget(names.service(instance), {**names.labels, INSTANCE: instance}, {**_model(names), INSTANCE: instance})


def budget(name: str, labels: Manifest, selector: Manifest) -> Manifest:
    """A disruption budget: at most one of the pods of `selector` is away by intention."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "labels": labels},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector}},
    }


def apart(labels: Manifest) -> Manifest:
    """Affinity that keeps pods of the same labels on different nodes, where there are several."""
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}}


def placement(options: KubernetesOptions) -> Manifest:
    """Where pods may run, and by what account; left out where nothing is said."""
    wanted = {
        "serviceAccountName": options.service_account,
        "imagePullSecrets": [{"name": options.image_pull_secret}] if options.image_pull_secret else [],
        "nodeSelector": dict(options.node_selector),
        "tolerations": [dict(toleration) for toleration in options.tolerations],
    }
    return {key: value for key, value in wanted.items() if value}


def get(path: str, port: int, **settings: int) -> Manifest:
    """A probe that asks by HTTP."""
    return {"httpGet": {"path": path, "port": port}, **settings}


def _fetcher(release: Release, options: KubernetesOptions) -> Manifest:
    variables = {fetch.URI: release.uri, fetch.DIGEST: release.digest, fetch.FOLDER: _BUNDLE}
    container: Manifest = {
        "name": FETCHER,
        "image": options.serving_image,
        "command": ["python", "-m", "switchyard.serving.fetch"],
        "env": _environment(variables),
        "resources": {"requests": {**_DISK, **options.requests}, "limits": dict(options.limits)},
        "volumeMounts": [{"name": "bundle", "mountPath": _BUNDLE}],
    }
    if options.store_secret:
        container["envFrom"] = [{"secretRef": {"name": options.store_secret}}]
    return container


def _container(release: Release, options: KubernetesOptions) -> Manifest:
    settings = Settings(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in release.settings.items()},
        bundle=_BUNDLE,
        name=release.model,
        version=release.version,
        digest=release.digest,
        role=release.role,
        host="0.0.0.0",
        journal=_JOURNAL,
        journal_bytes=_JOURNAL_BYTES,
    )
    environment = _environment({**settings.environment(), "GUNICORN_WORKERS": str(options.workers)})
    if options.log_secret:
        reference = {"secretKeyRef": {"name": options.log_secret, "key": LOG_KEY}}
        environment.append({"name": f"{PREFIX}LOG_URL", "valueFrom": reference})
    return {
        "name": CONTAINER,
        "image": options.serving_image,
        "env": environment,
        "resources": {"requests": {**_DISK, **options.requests}, "limits": dict(options.limits)},
        "volumeMounts": [{"name": "bundle", "mountPath": _BUNDLE, "readOnly": True}, {"name": "journal", "mountPath": _JOURNAL}],
        "startupProbe": get("/health/status", PORT, periodSeconds=1, timeoutSeconds=3, failureThreshold=90),
        "readinessProbe": get("/health/status", PORT, periodSeconds=2, timeoutSeconds=3, failureThreshold=3),
        "livenessProbe": get("/health/ping", PORT, periodSeconds=10, timeoutSeconds=5, failureThreshold=3),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_STOP_S)]}}},
    }


def _environment(variables: dict[str, str]) -> list[Manifest]:
    return [{"name": name, "value": variables[name]} for name in sorted(variables)]


def _model(names: Names) -> dict[str, str]:
    return {key: value for key, value in names.labels.items() if key.startswith("switchyard/")}


def _revision(spec: Manifest) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:10]
