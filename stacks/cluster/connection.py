"""How a process gets to a cluster: by its pod's account, or by a context of the kubeconfig."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stacks.cluster.errors import ClusterError

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def in_pod() -> bool:
    """Whether this process runs in a pod that has an account."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and _ACCOUNT.is_file()


def connect(context: str | None) -> Any:
    """An ApiClient by the pod's own account; where this is no pod, by `context` of the kubeconfig or its current one.

    Raises
    ------
    ClusterError
        There is no such context.
    """
    from kubernetes import client, config

    if not in_pod():
        return by_kubeconfig(context, "python run.py stack up kubernetes puts it right for this machine")
    configuration = client.Configuration()
    config.load_incluster_config(client_configuration=configuration)
    return _client(configuration)


def by_kubeconfig(context: str | None, mend: str = "kubectl cluster-info") -> Any:
    """An ApiClient by `context` of the kubeconfig, in a pod too: who installs means the cluster that the kubeconfig names.

    Raises
    ------
    ClusterError
        There is no such context; `mend` says what to do.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        config.load_kube_config(context=context, client_configuration=configuration)
    except config.ConfigException as error:
        where = f"context {context!r} of the kubeconfig" if context else "the kubeconfig"
        raise ClusterError(f"{where} can't be used ({error}): {mend}") from None
    return _client(configuration)


def _client(configuration: Any) -> Any:
    from kubernetes import client

    # Who waits tries again by himself, and says what he waits for.
    configuration.retries = False
    return client.ApiClient(configuration)
