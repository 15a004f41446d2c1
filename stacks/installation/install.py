"""`run.py stack up kubernetes` and its opposite: from a kube context to a stack that runs pipelines."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stacks.cluster.client import Cluster
from stacks.cluster.connection import by_kubeconfig
from stacks.cluster.contexts import ensure_context, forget_context, shared_name
from stacks.cluster.errors import ClusterError, Forbidden
from stacks.cluster.kubectl import current_context, render, user_of
from stacks.cluster.objects import MANAGED_BY, OWNER, PART_OF, config_map
from stacks.cluster.platforms import platform_of_cluster
from stacks.cluster.waiting import delete_all, run_checks, wait_for_deployments
from stacks.images import DOCKERFILES, PREPARED, ensure_image
from stacks.installation import admission, secrets
from stacks.installation.addresses import Addresses, check_reach, find_addresses
from stacks.installation.bucket import ensure_bucket
from stacks.installation.checks import SELDON_API, check_cluster, check_operator, check_storage
from stacks.installation.manifests import DEPLOYER, READERS, Parts, servers_image, write_overlay
from stacks.installation.restarting import RenewModels, mark, restart, restart_server, stale
from stacks.installation.settings import ClusterSettings
from switchyard.tabular.errors import InputError

NAMESPACE = "switchyard"
Report = Callable[[str], None]
_OURS = f"{PART_OF}={OWNER}"
_VOLUMES = ("database", "objects")
_RUNNING = (
    "CronJob",
    "Job",
    "Deployment",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Service",
    "Ingress",
    "NetworkPolicy",
    "ConfigMap",
)
"""Kinds of what goes while data stays, in this order: what makes others goes before them."""
_SERVERS = {"trial": ("database", "objects", "zenml", "mlflow"), "external": ("zenml", "mlflow")}


@dataclass(frozen=True)
class Installed:
    """What is there after `install`."""

    cluster: Cluster
    context: str
    """Name of the kube context by which every machine knows the cluster."""
    addresses: Addresses
    object_store: dict[str, str]
    """Its keys, as a client needs them."""
    registry: str
    images: dict[str, str]
    """Names of the images, by kind."""
    settings: ClusterSettings

    def values(self) -> dict[str, Any]:
        """What stacks/kubernetes.yaml leaves open."""
        trial = self.settings.overlay == "trial"
        return {
            "kubernetes_context": self.context,
            "kubernetes_namespace": self.cluster.namespace,
            "container_registry": self.registry,
            "mlflow_url": self.addresses.mlflow,
            "object_store_url": self.addresses.objects,
            "object_store_region": self.object_store["AWS_DEFAULT_REGION"],
            "bucket": self.addresses.bucket,
            "serving_image": self.images["serving"],
            "frontdoor_image": self.images["frontdoor"],
            "readers": list(READERS),
            "deployer": DEPLOYER,
            "serving_replicas": 1 if trial else 3,
            "serving_requests": {"memory": "256Mi", "cpu": "100m"} if trial else {"memory": "512Mi", "cpu": "500m"},
        }


def install(
    root: Path, given: ClusterSettings | None, namespace: str, registry: str | None, renew_models: RenewModels, report: Report
) -> Installed:
    """Bring the cluster of the current kube context to where it should be; what is so already is left alone.

    Parameters
    ----------
    given : ClusterSettings, optional
        None: those of the last time, which the cluster keeps; a trial's at first.
    registry : str, optional
        HOST[:PORT][/PATH] that images are pushed to and nodes pull from.
    renew_models : callable
        Has the pods of models read new keys and passwords, where there are models.
    report : callable
        Told a line for each thing that is done.

    Raises
    ------
    SwitchyardError
        The first thing that is in the way, and how to mend it.
    """
    if not registry:
        raise InputError("CONTAINER_REGISTRY is not set: export the registry that images go to, as CONTAINER_REGISTRY=ghcr.io/NAME")
    cluster = _cluster_of(namespace)
    version = check_cluster(cluster)
    settings = secrets.settle(cluster, given)
    check_storage(cluster, settings)
    report(f"context {cluster.context}: Kubernetes {version}, rights, Seldon's resource and storage are as needed")
    platform = platform_of_cluster(cluster)
    image = ensure_image("pipelines", registry, report, platform=platform)
    folder = write_overlay(root, cluster, settings, servers_image(root, cluster, image))
    parts = Parts.of(render(folder))
    cluster.apply(*without_foreign_namespace(cluster, parts.early, report))
    context, addresses = ensure_context(cluster), find_addresses(cluster, settings)
    keys = _settled_secrets(cluster, settings, addresses, parts, report)
    _apply_servers(cluster, context, settings, addresses, parts, renew_models, report)
    count = len(parts.early) + len(parts.late)
    report(f"applied {count} objects to namespace {namespace} ({settings.overlay}); their overlay is in {folder.relative_to(root)}")
    # The servers start while the images that serve are built.
    images = {kind: ensure_image(kind, registry, report, platform=platform) for kind in DOCKERFILES}
    cluster.apply(config_map("images", {PREPARED.format(kind=kind.upper()): name for kind, name in images.items()}))
    admission.admit(cluster, admission.allowed(images, addresses.zenml), folder / "admission.yaml", report)
    check_operator(cluster)
    report("Seldon's operator answers")
    wait_for_deployments(cluster, _SERVERS[settings.overlay], report)
    check_reach(addresses.zenml, "ZenML")
    check_reach(addresses.mlflow, "MLflow")
    if settings.overlay == "trial":
        check_reach(addresses.objects, "S3", path="/", wait_s=10)
        ensure_bucket(keys, addresses.bucket)
    return Installed(cluster, context, addresses, keys, registry, images, settings)


def _settled_secrets(cluster: Cluster, settings: ClusterSettings, addresses: Addresses, parts: Parts, report: Report) -> dict[str, str]:
    """Have the Secrets be what the settings say, if what they lead to works; returns the object store's keys."""
    with secrets.on_trial(cluster):
        keys = secrets.ensure(cluster, settings, addresses.objects)
        if settings.overlay == "external":
            # They run already: what is wrong with them is told before anything waits for servers that lean on them.
            ensure_bucket(keys, addresses.bucket)
            run_checks(cluster, parts.checks)
            report("S3 and the databases take what will be kept in them")
    return keys


def _apply_servers(
    cluster: Cluster, context: str, settings: ClusterSettings, addresses: Addresses, parts: Parts, renew_models: RenewModels, report: Report
) -> None:
    """Apply what is left of the overlay; servers that run by other Secrets or addresses are restarted."""
    revision, servers = secrets.revision(cluster), _SERVERS[settings.overlay]
    running = {name: found for name in servers if (found := cluster.get("Deployment", name))}
    moved = (cluster.get("ConfigMap", "addresses") or {}).get("data") != addresses.values()
    cluster.apply(
        config_map("addresses", addresses.values()),
        config_map("kubeconfig", {"config": _in_cluster_config(context, cluster.namespace)}),
        *parts.late,
    )
    if waiting := [name for name, found in running.items() if stale(found, revision)]:
        restart(cluster, waiting, revision, renew_models, report)
    elif moved and "mlflow" in running:
        # It answers to the names that it was started with.
        restart_server(cluster, "mlflow")
    mark(cluster, servers, revision)


def without_foreign_namespace(cluster: Cluster, objects: list[dict[str, Any]], report: Report) -> list[dict[str, Any]]:
    """`objects` without the Namespace where somebody else made it, and only he may change it."""
    if cluster.can("patch", f"namespaces/{cluster.namespace}"):
        return objects
    report(
        f"namespace {cluster.namespace} is left as it is: it is not ours to label, and enforces the Pod Security level that its maker chose"
    )
    return [item for item in objects if item["kind"] != "Namespace"]


def uninstall(namespace: str, delete_data: bool, report: Report) -> None:
    """Remove what `install` and deployments made: all of the namespace, or all but volumes and secrets.

    Raises
    ------
    ClusterError
        There is no such installation.
    """
    cluster = _cluster_of(namespace)
    _check_ours(cluster)
    forget_context(cluster, shared_name(cluster))
    if cluster.serves(SELDON_API):
        delete_all(cluster, _all_of(cluster, "SeldonDeployment"), 180)
    with contextlib.suppress(Forbidden):
        for kind, name in admission.names(namespace) if cluster.has(admission.API, admission.POLICY) else ():
            cluster.delete(kind, name)
    if delete_data and cluster.can("delete", f"namespaces/{namespace}"):
        delete_all(cluster, [("Namespace", namespace)], 600)
        report(f"namespace {namespace} is gone, its volumes and secrets with it")
        return
    delete_all(cluster, _all_of(cluster, *_RUNNING), 300)
    delete_all(cluster, _all_of(cluster, "RoleBinding", "Role", "ServiceAccount", selector=_OURS), 120)
    if not delete_data:
        report(f"namespace {namespace} keeps volumes and secrets; the next `stack up kubernetes` takes them up")
        return
    delete_all(cluster, [("PersistentVolumeClaim", name) for name in _VOLUMES], 300)
    for label in (_OURS, f"{MANAGED_BY}={OWNER}"):
        delete_all(cluster, _all_of(cluster, "Secret", selector=label), 120)
    report(f"volumes and secrets are gone; namespace {namespace} stays: it is not ours to delete")


def _all_of(cluster: Cluster, *kinds: str, selector: str = "") -> list[tuple[str, str]]:
    return [(kind, one["metadata"]["name"]) for kind in kinds for one in cluster.list(kind, selector)]


def _cluster_of(namespace: str) -> Cluster:
    """The cluster of the current kube context."""
    context = current_context()
    api, user = by_kubeconfig(context), user_of(context)
    if acts_as := user.get("as"):
        # The client passes over it, and who only acts as somebody would do so with all of his own rights.
        api.set_default_header("Impersonate-User", acts_as)
    if user.get("as-groups"):
        raise ClusterError(f"context {context!r} acts as groups, which is not supported: take one whose user has the rights himself")
    return Cluster(namespace, context, api=api)


def what_is_there(namespace: str) -> tuple[list[str], str]:
    """Names of the installation's volumes, none where data lies outside the cluster; and the URL of its ZenML server."""
    cluster = _cluster_of(namespace)
    _check_ours(cluster)
    addresses = (cluster.get("ConfigMap", "addresses") or {}).get("data", {})
    return [claim["metadata"]["name"] for claim in cluster.list("PersistentVolumeClaim")], addresses.get("ZENML_STORE_URL", "")


def _check_ours(cluster: Cluster) -> None:
    found = cluster.get("Namespace", cluster.namespace)
    labelled = found is not None and found["metadata"].get("labels", {}).get(PART_OF) == OWNER
    if not labelled and not (found and secrets.read(cluster, secrets.SETTINGS)):
        raise ClusterError(f"context {cluster.context!r} has no Switchyard in namespace {cluster.namespace}")


def _in_cluster_config(context: str, namespace: str) -> str:
    """A kubeconfig for pods that start runs: the clients' context by name, the pod's own account by rights. Holds no secret."""
    import json

    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "here", "cluster": {"server": "https://kubernetes.default.svc", "certificate-authority": f"{account}/ca.crt"}}
            ],
            "users": [{"name": "pod", "user": {"tokenFile": f"{account}/token"}}],
            "contexts": [{"name": context, "context": {"cluster": "here", "user": "pod", "namespace": namespace}}],
            "current-context": context,
        }
    )
