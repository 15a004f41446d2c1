"""Kubernetes objects of a model's front door, as plain dictionaries. Pure functions: nothing here asks a cluster."""

from __future__ import annotations

from deployment.kubernetes.manifests import RESTRICTED, Manifest, apart, budget, get, placement, pod_security
from deployment.kubernetes.names import FRONTDOOR, Names
from deployment.kubernetes.offer import Offer
from switchyard.serving.frontdoor.pod import ADMIN_PORT, DRAIN_S, FOLDER, LEAVE_S, PORT, SOURCE, STATUS_PORT
from switchyard.serving.frontdoor.state import Door
from switchyard.serving.frontdoor.wish import FILE, TOKENS

_USER = 8889
CONTAINER = "frontdoor"


def door(offer: Offer) -> Door:
    """How Envoy offers the endpoint in a pod; there it always asks for a token."""
    return Door(port=PORT, admin_port=ADMIN_PORT, host="0.0.0.0", requests_per_second=offer.requests_per_second, timeout_s=offer.timeout_s)


def objects(names: Names, offer: Offer) -> list[Manifest]:
    """All but the Secret, which the state keeps."""
    found = [_deployment(names, offer), _service(names, offer), budget(names.frontdoor, _labels(names), _selector(names))]
    return [*found, _ingress(names, offer)] if offer.ingress_host else found


def selector(names: Names) -> str:
    """Finds the front door's pods."""
    return ",".join(f"{key}={value}" for key, value in _selector(names).items())


def host_name(names: Names, offer: Offer) -> str:
    """Under which the ingress offers the model."""
    return offer.ingress_host.replace("{model}", names.scope)


def _deployment(names: Names, offer: Offer) -> Manifest:
    container = {
        "name": CONTAINER,
        "image": offer.frontdoor_image,
        "ports": [{"name": "http", "containerPort": PORT}, {"name": "status", "containerPort": STATUS_PORT}],
        "resources": {"requests": {"memory": "96Mi", "cpu": "50m"}, "limits": {"memory": "384Mi", "cpu": "2000m"}},
        "securityContext": RESTRICTED,
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
    spec = {
        "securityContext": pod_security(_USER),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": int(LEAVE_S + DRAIN_S) + 10,
        "affinity": apart(_selector(names)),
        "containers": [container],
        "volumes": [{"name": "wish", "secret": wish}, {"name": "envoy", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}],
        **placement(offer),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": names.frontdoor, "labels": _labels(names)},
        "spec": {
            "replicas": offer.frontdoor_replicas,
            "selector": {"matchLabels": _selector(names)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": _labels(names), "annotations": scrape}, "spec": spec},
        },
    }


def _service(names: Names, offer: Offer) -> Manifest:
    ports = [{"name": "http", "port": PORT, "targetPort": PORT}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": names.frontdoor, "labels": _labels(names)},
        "spec": {"type": offer.service_type, "selector": _selector(names), "ports": ports},
    }


def _ingress(names: Names, offer: Offer) -> Manifest:
    backend = {"service": {"name": names.frontdoor, "port": {"number": PORT}}}
    name = host_name(names, offer)
    spec: Manifest = {"rules": [{"host": name, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}
    if offer.ingress_class:
        spec["ingressClassName"] = offer.ingress_class
    if offer.ingress_tls_secret:
        spec["tls"] = [{"hosts": [name], "secretName": offer.ingress_tls_secret}]
    # As much as Envoy takes: nginx would refuse what is larger than 1 MB.
    annotations = {"nginx.ingress.kubernetes.io/proxy-body-size": str(door(offer).max_bytes)}
    metadata = {"name": names.frontdoor, "labels": _labels(names), "annotations": annotations}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


def _selector(names: Names) -> dict[str, str]:
    return {FRONTDOOR: names.scope}


def _labels(names: Names) -> dict[str, str]:
    return {**names.labels, **_selector(names), "app.kubernetes.io/name": "switchyard-frontdoor"}
