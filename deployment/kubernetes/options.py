"""`KubernetesOptions`: how services of this host are offered; the flavor's config has these settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LOG_KEY = "predictions-url"
"""Key of the Secret that holds the prediction log's SQLAlchemy URL."""
LOG_VARIABLE = "SWITCHYARD_PREDICTIONS"
"""In the environment of pods that read the log: that URL, so that their accounts need no right to the Secret."""


@dataclass(frozen=True)
class KubernetesOptions:
    """Settings of one cluster."""

    namespace: str = "switchyard"
    serving_image: str = ""
    frontdoor_image: str = ""
    replicas: int = 3
    """Pods of each instance; the fewest, where an autoscaler may add some."""
    max_replicas: int = 0
    """Above `replicas`: an autoscaler keeps the pods' processors at `target_cpu`; otherwise there is none."""
    target_cpu: int = 70
    """Per cent of the request."""
    requests: Mapping[str, str] = field(default_factory=lambda: {"memory": "512Mi", "cpu": "500m"})
    limits: Mapping[str, str] = field(default_factory=lambda: {"memory": "1Gi", "cpu": "1000m"})
    workers: int = 2
    """Processes that answer, in each pod."""
    frontdoor_replicas: int = 2
    requests_per_second: int = 5_000
    """Through each pod of the front door."""
    requests_per_second_of_client: int = 0
    """Of each client through each pod; 0: no limit of its own."""
    timeout_s: float = 30.0
    service_type: str = "ClusterIP"
    """Type of the front door's Service: ClusterIP, NodePort or LoadBalancer."""
    ingress_host: str = ""
    """Name under which an ingress offers the front door; `{model}` in it is the model's. Empty: no ingress."""
    ingress_class: str = ""
    ingress_tls_secret: str = ""
    """Secret with the ingress's certificate; with it the address is https."""
    service_account: str = ""
    """Account of the pods; they ask the cluster for nothing and get no token. Empty: the namespace's default."""
    readers: tuple[str, ...] = ()
    """Accounts that may read what is deployed of each model, by its Secret's name and no other."""
    deployer: str = ""
    """Account of the pods that deploy, where they have one of their own: let have each model's Secret, by its name and no other."""
    image_pull_secret: str = ""
    log_secret: str = "databases"
    """Secret with the prediction log's URL under `predictions-url`; empty: no log."""
    store_secret: str = "object-store"
    """Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where they are needed, AWS_ENDPOINT_URL and AWS_DEFAULT_REGION."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
