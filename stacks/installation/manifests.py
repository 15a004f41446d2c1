"""The overlay of one installation: the repository's own, with namespace, images and addresses filled in.

It is written to `.switchyard/kubernetes/CONTEXT-NAMESPACE`, where it can be read, compared and applied by hand
(`kubectl apply -k`). Nothing in it is secret.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

from stacks.cluster.client import Cluster
from stacks.images import in_registry
from stacks.installation.settings import ClusterSettings

OVERLAYS = Path(__file__).parents[1] / "kubernetes" / "overlays"
FACES = {"zenml": 8080, "mlflow": 5000, "objects": 9000}
"""Services that clients reach, and their ports."""
ACCOUNTS = ("orchestrator", "steps", "deployer", "observer", "monitoring", "pruner", "serving", "servers")
READERS = ("observer", "monitoring")
"""Accounts that look at what is deployed."""
DEPLOYER = "deployer"
"""The account that deploys."""
_PART_OF_KIND = {"Namespace": "early", "Service": "early", "ServiceAccount": "early", "Job": "checks"}
_PLACEHOLDER = "switchyard-pipelines"
_MADE_OF, _IMAGE = "switchyard/made-of", "switchyard/image"
_SERVERS_USE = ("Dockerfile", "requirements.txt", "stacks/installation/database.py", "stacks/installation/urls.py")


def servers_image(root: Path, cluster: Cluster, image: str) -> str:
    """The image that the servers run: the one they have, while what they run of it is the same, else `image`.

    They need its libraries and little else; an edit of a step is no reason to replace them.
    """
    found = (cluster.get("Deployment", "zenml") or {}).get("metadata", {}).get("annotations") or {}
    present = found.get(_IMAGE, "")
    is_as_before = present and found.get(_MADE_OF) == _made_of(root)
    return (in_registry(present) if is_as_before else "") or image


def _made_of(root: Path) -> str:
    digest = hashlib.sha256()
    for name in _SERVERS_USE:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()[:16]


def write_overlay(root: Path, cluster: Cluster, settings: ClusterSettings, image: str) -> Path:
    """The installation's own kustomization below `root`, its servers running `image`; returns its folder."""
    folder = root / ".switchyard" / "kubernetes" / re.sub(r"[^A-Za-z0-9.-]+", "-", f"{cluster.context}-{cluster.namespace}")
    folder.mkdir(parents=True, exist_ok=True)
    tagged, _, digest = image.partition("@")
    repository, _, tag = tagged.rpartition(":")
    by = {"digest": digest} if digest else {"newTag": tag}
    resources = [os.path.relpath(OVERLAYS / settings.overlay, folder)]
    if settings.ingress_class:
        (folder / "ingress.yaml").write_text(yaml.safe_dump_all(_ingresses(settings)), encoding="utf-8")
        resources.append("ingress.yaml")
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": cluster.namespace,
        "resources": resources,
        "images": [{"name": _PLACEHOLDER, "newName": repository, **by}],
        "patches": [*_patches(settings), _annotations({_MADE_OF: _made_of(root), _IMAGE: image})],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization, sort_keys=False), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Parts:
    """Objects of an overlay in the order in which they are applied."""

    early: list[dict[str, Any]]
    """The namespace and what has an address or names an account, which secrets need first."""
    checks: list[dict[str, Any]]
    """Jobs that must end well before what leans on what they look at is touched."""
    late: list[dict[str, Any]]
    """The rest."""

    @classmethod
    def of(cls, rendered: str) -> Self:
        """The parts of what kustomize rendered."""
        parts: dict[str, list[dict[str, Any]]] = {"early": [], "checks": [], "late": []}
        for item in yaml.safe_load_all(rendered):
            if item:
                parts[_PART_OF_KIND.get(item["kind"], "late")].append(item)
        return cls(**parts)


def _patches(settings: ClusterSettings) -> list[dict[str, Any]]:
    patches = []
    if settings.service_type != "ClusterIP":
        for name in FACES if settings.overlay == "trial" else ("zenml", "mlflow"):
            patches.append(_patch("Service", name, "add", "/spec/type", settings.service_type))
            patches.append(_patch("Service", name, "add", "/spec/loadBalancerSourceRanges", settings.source_ranges))
            if settings.service_annotations:
                patches.append(_patch("Service", name, "add", "/metadata/annotations", settings.parsed("service_annotations")))
    for key, field in (("node_selector", "nodeSelector"), ("tolerations", "tolerations")):
        if getattr(settings, key):
            patches.append(_patch("Deployment|Job", ".*", "add", f"/spec/template/spec/{field}", settings.parsed(key)))
    if settings.storage_class and settings.overlay == "trial":
        for name in ("database", "objects"):
            patches.append(_patch("PersistentVolumeClaim", name, "add", "/spec/storageClassName", settings.storage_class))
    if settings.image_pull_secret:
        for name in ACCOUNTS:
            patches.append(_patch("ServiceAccount", name, "add", "/imagePullSecrets", [{"name": settings.image_pull_secret}]))
    return patches


def _annotations(values: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": "any", "annotations": values}
    patch = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}
    return {"target": {"kind": "Deployment", "name": "zenml|mlflow"}, "patch": yaml.safe_dump(patch)}


def _patch(kind: str, name: str, operation: str, path: str, value: Any) -> dict[str, Any]:
    return {"target": {"kind": kind, "name": name}, "patch": json.dumps([{"op": operation, "path": path, "value": value}])}


def _ingresses(settings: ClusterSettings) -> list[dict[str, Any]]:
    made = []
    for name, url in (("zenml", settings.zenml_url), ("mlflow", settings.mlflow_url)):
        host = urlsplit(url).hostname
        backend = {"service": {"name": name, "port": {"number": FACES[name]}}}
        spec: dict[str, Any] = {
            "ingressClassName": settings.ingress_class,
            "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        }
        if settings.ingress_tls_secret:
            spec["tls"] = [{"hosts": [host], "secretName": settings.ingress_tls_secret}]
        # Artifacts go through MLflow's server: no limit on a request's size.
        annotations = {"nginx.ingress.kubernetes.io/proxy-body-size": "0", **settings.parsed("ingress_annotations")}
        metadata = {"name": name, "annotations": annotations, "labels": {"app.kubernetes.io/part-of": "switchyard"}}
        made.append({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec})
    return made
