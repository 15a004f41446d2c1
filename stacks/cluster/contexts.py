"""A kube context of one name on every machine: the stack's components, which all users share, name it."""

from __future__ import annotations

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.kubectl import kubeconfig, kubectl


def shared_name(cluster: Cluster) -> str:
    """NAMESPACE-DIGITS, by the namespace's own id: the same for all who use the installation, whatever they call the cluster."""
    namespace = cluster.get("Namespace", cluster.namespace) or {}
    return f"{cluster.namespace}-{namespace['metadata']['uid'][:8]}"


def ensure_context(cluster: Cluster) -> str:
    """Have this machine's kubeconfig know the cluster by its shared name too, with the login of the current context; returns the name.

    Raises
    ------
    ClusterError
        The kubeconfig can't be written.
    """
    name, known = shared_name(cluster), _known()
    own = known[cluster.context]
    wanted = {"cluster": own["cluster"], "user": own["user"], "namespace": cluster.namespace}
    if known.get(name) != wanted:
        try:
            kubectl("config", "set-context", name, *(f"--{key}={value}" for key, value in wanted.items()))
        except ClusterError as error:
            raise ClusterError(
                f"the kubeconfig can't be given context {name} ({error}): make it writable, or let KUBECONFIG begin with a file that is"
            ) from None
    return name


def forget_context(cluster: Cluster, name: str) -> None:
    """Take the shared name out of this machine's kubeconfig, unless it is the one in use."""
    if name in _known() and name != cluster.context:
        kubectl("config", "delete-context", name)


def _known() -> dict[str, dict[str, str]]:
    """Contexts by their names."""
    return {entry["name"]: entry["context"] for entry in kubeconfig().get("contexts") or []}
