"""`renew_models`: has the pods of all models read their Secrets again; they do so when they start."""

from __future__ import annotations

from deployment.kubernetes.manifests import SECRETS
from deployment.kubernetes.names import MODEL, Names
from deployment.kubernetes.options import KubernetesOptions
from deployment.kubernetes.state import KEY, State
from deployment.kubernetes.store import Store
from stacks.cluster import trouble
from stacks.cluster.client import Cluster
from stacks.cluster.objects import Object
from stacks.cluster.waiting import Seen, wait_until

POLL_S = 1.0


def renew_models(cluster: Cluster, secrets: str, timeout_s: float) -> tuple[list[str], list[str]]:
    """Replace each pod of each model by one that is ready before the other goes.

    Parameters
    ----------
    secrets : str
        Names the Secrets as they are now; where a model's pods have been made for the same, they are left alone.

    Returns
    -------
    (models, late)
        All that serve, and those of them whose pods were not replaced in time.
    """
    models = []
    for secret in cluster.list("Secret", MODEL):
        if KEY not in secret.get("data", {}):
            continue
        model = State.from_secret(secret)[0].model
        if not cluster.get("SeldonDeployment", Names.of(model).scope):
            continue
        store = Store(cluster, model, KubernetesOptions(namespace=cluster.namespace))
        store.change(lambda state: state.renewed(secrets))
        store.sync()
        models.append(model)

    def look() -> Seen:
        late[:] = [model for model in late if not _is_renewed(cluster, model, secrets)]
        return Seen(not late)

    late = list(models)
    wait_until(look, timeout_s, POLL_S)
    return models, late


def _is_renewed(cluster: Cluster, model: str, secrets: str) -> bool:
    deployments = cluster.list("Deployment", f"seldon-deployment-id={Names.of(model).scope}")
    return all(_knows(one, secrets) and trouble.is_rolled_out(one) for one in deployments)


def _knows(deployment: Object, secrets: str) -> bool:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    return any({"name": SECRETS, "value": secrets} in one.get("env", []) for one in containers)
