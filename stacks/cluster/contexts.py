"""A kube context of one name on every machine: the stack's components, which all users share, name it."""

from __future__ import annotations

import json

from stacks.cluster.kubectl import ClusterError, Kubectl, Refused


def shared_name(kubectl: Kubectl) -> str:
    """NAMESPACE-DIGITS, by the namespace's own id: the same for all who use the installation, whatever they call the cluster."""
    namespace = kubectl.get("namespace", kubectl.namespace) or {}
    return f"{kubectl.namespace}-{namespace['metadata']['uid'][:8]}"


def ensure_context(kubectl: Kubectl) -> str:
    """Have this machine's kubeconfig know the cluster by its shared name too, with the login of the current context; returns the name.

    Raises
    ------
    ClusterError
        The kubeconfig can't be written.
    """
    name = shared_name(kubectl)
    contexts = {entry["name"]: entry["context"] for entry in json.loads(kubectl.run("config", "view", "-o", "json")).get("contexts") or []}
    own = contexts[kubectl.context]
    wanted = {"cluster": own["cluster"], "user": own["user"], "namespace": kubectl.namespace}
    if contexts.get(name) != wanted:
        try:
            kubectl.run("config", "set-context", name, f"--cluster={wanted['cluster']}", f"--user={wanted['user']}")
        except Refused as error:
            raise ClusterError(
                f"the kubeconfig can't be given context {name} ({error}): make it writable, or let KUBECONFIG begin with a file that is"
            ) from None
    return name


def forget_context(kubectl: Kubectl, name: str) -> None:
    """Take the shared name out of this machine's kubeconfig, unless it is the one in use."""
    known = {entry["name"] for entry in json.loads(kubectl.run("config", "view", "-o", "json")).get("contexts") or []}
    if name in known and name != kubectl.context:
        kubectl.run("config", "delete-context", name)
