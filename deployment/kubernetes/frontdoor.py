"""Kubernetes objects of a model's front door, as plain dictionaries. Pure functions: nothing here asks a cluster."""

from __future__ import annotations

from deployment.kubernetes.manifests import Manifest, apart, budget, get, placement
from deployment.kubernetes.names import FRONTDOOR, Names
from deployment.kubernetes.options import KubernetesOptions
from stacks.cluster.objects import restricted_pod
from switchyard.serving.frontdoor.pod import ADMIN_PORT, DRAIN_S, FOLDER, LEAVE_S, PORT, SOURCE, STATUS_PORT
from switchyard.serving.frontdoor.state import Door
from switchyard.serving.frontdoor.wish import FILE, TOKENS

_USER = 8889
CONTAINER = "frontdoor"


def door(options: KubernetesOptions) -> Door:
    """How Envoy offers the endpoint in a pod; there it always asks for a token."""
    return Door(
        port=PORT, admin_port=ADMIN_PORT, host="0.0.0.0", requests_per_second=options.requests_per_second,
        requests_per_second_of_client=options.requests_per_second_of_client, timeout_s=options.timeout_s,
    )  # fmt: skip


def objects(names: Names, options: KubernetesOptions) -> list[Manifest]:
    """All but the Secret, which the state keeps."""
    found = [_deployment(names, options), _service(names, options), budget(names.frontdoor, _labels(names), _selector(names))]
    return [*found, _ingress(names, options)] if options.ingress_host else found


def selector(names: Names) -> str:
    """Finds the front door's pods."""
    return ",".join(f"{key}={value}" for key, value in _selector(names).items())


def host_name(names: Names, options: KubernetesOptions) -> str:
    """Under which the ingress offers the model."""
    return options.ingress_host.replace("{model}", names.scope)


def _deployment(names: Names, options: KubernetesOptions) -> Manifest:
    container = {
        "name": CONTAINER,
        "image": options.frontdoor_image,
        "ports": [{"name": "http", "containerPort": PORT}, {"name": "status", "containerPort": STATUS_PORT}],
        "resources": {
            "requests": {"memory": "96Mi", "cpu": "50m", "ephemeral-storage": "64Mi"},
            "limits": {"memory": "384Mi", "cpu": "2000m"},
        },
        "volumeMounts": [
            {"name": "wish", "mountPath": str(SOURCE), "readOnly": True},
            {"name": "envoy", "mountPath": str(FOLDER)},
        ],
        "startupProbe": get("/ready", STATUS_PORT, periodSeconds=1, timeoutSeconds=3, failureThreshold=60),
        "readinessProbe": get("/ready", STATUS_PORT, periodSeconds=1, timeoutSeconds=3, failureThreshold=2),
        "livenessProbe": get("/alive", STATUS_PORT, periodSeconds=10, timeoutSeconds=5, failureThreshold=3),
    }
    # Tokens are in it, so only the pod's own user reads it; of the Secret's other keys the pod needs none.
    wish = {"secretName": names.frontdoor, "defaultMode": 0o440, "items": [{"key": key, "path": key} for key in (FILE, TOKENS)]}
    scrape = {"prometheus.io/scrape": "true", "prometheus.io/path": "/statistics", "prometheus.io/port": str(STATUS_PORT)}
    spec = restricted_pod(
        [container],
        [{"name": "wish", "secret": wish}, {"name": "envoy", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}],
        user=_USER,
        automountServiceAccountToken=False,
        terminationGracePeriodSeconds=int(LEAVE_S + DRAIN_S) + 10,
        affinity=apart(_selector(names)),
        **placement(options),
    )
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": names.frontdoor, "labels": _labels(names)},
        "spec": {
            "replicas": options.frontdoor_replicas,
            "selector": {"matchLabels": _selector(names)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": _labels(names), "annotations": scrape}, "spec": spec},
        },
    }


def _service(names: Names, options: KubernetesOptions) -> Manifest:
    ports = [{"name": "http", "port": PORT, "targetPort": PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.frontdoor, "labels": _labels(names)},
        "spec": {"type": options.service_type, "selector": _selector(names), "ports": ports},
    }


def _ingress(names: Names, options: KubernetesOptions) -> Manifest:
    backend = {"service": {"name": names.frontdoor, "port": {"number": PORT}}}
    name = host_name(names, options)
    spec: Manifest = {"rules": [{"host": name, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}
    if options.ingress_class:
        spec["ingressClassName"] = options.ingress_class
    if options.ingress_tls_secret:
        spec["tls"] = [{"hosts": [name], "secretName": options.ingress_tls_secret}]
    # As much as Envoy takes: nginx would refuse what is larger than 1 MB.
    annotations = {"nginx.ingress.kubernetes.io/proxy-body-size": str(door(options).max_bytes)}
    metadata = {"name": names.frontdoor, "labels": _labels(names), "annotations": annotations}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def _selector(names: Names) -> dict[str, str]:
    return {FRONTDOOR: names.scope}


def _labels(names: Names) -> dict[str, str]:
    return {**names.labels, **_selector(names), "app.kubernetes.io/name": "switchyard-frontdoor"}
