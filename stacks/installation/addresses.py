"""One address for each server, the same inside the cluster and on this machine."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.waiting import holds
from stacks.installation.manifests import FACES
from stacks.installation.settings import ClusterSettings

_BALANCER_WAIT_S = 180.0
_TIMEOUT_S = 5.0
_PRIVATE = [f"172.{second}.*" for second in range(16, 32)]


@dataclass(frozen=True)
class Addresses:
    """URLs without a slash at the end."""

    zenml: str
    mlflow: str
    objects: str
    bucket: str

    def values(self) -> dict[str, str]:
        """Values of the ConfigMap `addresses`, which pods read."""
        hosts = ["mlflow*", "localhost*", "127.0.0.1*", "10.*", "192.168.*", *_PRIVATE]
        parts = urlsplit(self.mlflow)
        return {
            "ZENML_STORE_URL": self.zenml,
            "MLFLOW_TRACKING_URI": self.mlflow,
            "MLFLOW_ARTIFACTS": f"s3://{self.bucket}/mlflow",
            "MLFLOW_HOSTS": ",".join([*hosts, f"{parts.hostname}*"]),
            # As browsers name it: without the port that the scheme has anyway.
            "MLFLOW_ORIGINS": f"{parts.scheme}://{_without_default_port(parts)}",
        }


def _without_default_port(parts: SplitResult) -> str:
    return parts.netloc.lower().removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ""))


def find_addresses(cluster: Cluster, settings: ClusterSettings) -> Addresses:
    """Where the Services are, or what the settings say.

    Raises
    ------
    ClusterError
        Services have IPv6 addresses, or one got none from a load balancer.
    """
    _check_family(cluster)
    return Addresses(
        zenml=settings.zenml_url.rstrip("/") or _address(cluster, settings, "zenml"),
        mlflow=settings.mlflow_url.rstrip("/") or _address(cluster, settings, "mlflow"),
        objects=settings.s3_endpoint_url or settings.s3_url.rstrip("/") or _address(cluster, settings, "objects"),
        bucket=settings.s3_bucket,
    )


def _check_family(cluster: Cluster) -> None:
    """The servers, the models and the front doors listen on IPv4."""
    address = ((cluster.get("Service", "zenml") or {}).get("spec") or {}).get("clusterIP", "")
    if ":" in address:
        raise ClusterError(
            f"Services of this cluster have IPv6 addresses ({address}), and Switchyard listens on IPv4: take a cluster of IPv4, "
            "or of both with IPv4 first"
        )


def _address(cluster: Cluster, settings: ClusterSettings, name: str) -> str:
    found: list[str] = []

    def is_there() -> bool:
        service = cluster.get("Service", name) or {}
        if settings.service_type == "ClusterIP":
            found.append(service["spec"]["clusterIP"])
        else:
            given = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
            found.append(given[0].get("ip") or given[0].get("hostname") or "")
        return bool(found[-1])

    if not holds(is_there, _BALANCER_WAIT_S, 2):
        raise ClusterError(f"service {name} got no address from a load balancer in {_BALANCER_WAIT_S:.0f} s: does the cluster have one?")
    return f"http://{f'[{found[-1]}]' if ':' in found[-1] else found[-1]}:{FACES[name]}"


def check_reach(url: str, what: str, path: str = "/health", wait_s: float = 30.0) -> None:
    """Have `what` answer this machine.

    Raises
    ------
    ClusterError
        It does not; with the ways out.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            with urllib.request.urlopen(url + path, timeout=_TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
            reason = str(error)
        except OSError as error:
            reason = str(getattr(error, "reason", error))
        if time.monotonic() > until:
            break
        time.sleep(1)
    raise ClusterError(
        f"{what} runs, but this machine does not reach it at {url} ({reason}): route the cluster's service addresses to this machine, "
        "or set SERVICE_TYPE=LoadBalancer, or the URLs of an ingress, in a file for --settings (docs/kubernetes.md, Reaching the servers)"
    )
