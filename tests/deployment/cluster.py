"""A cluster in memory that makes pods as Seldon's operator and the Deployment controller do, and answers for them."""

from __future__ import annotations

import base64
import copy
import json

from deployment.host import Release
from deployment.kubernetes.host import KubernetesHost
from deployment.kubernetes.manifests import METRICS, METRICS_PATH
from deployment.kubernetes.options import KubernetesOptions
from stacks.cluster.errors import ClusterError
from switchyard.serving.frontdoor.pod import STATUS_PORT
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.frontdoor.wish import FILE
from tests.memory_cluster import MemoryCluster, fits

FIRST_METRICS_PORT = 6000
OPTIONS = KubernetesOptions(serving_image="registry/serving:1", frontdoor_image="registry/frontdoor:1", replicas=1, timeout_s=0.1)
SOON = 0.2


class FakeCluster(MemoryCluster):
    """`silent` ports do not answer, as where a NetworkPolicy keeps the API server out."""

    def __init__(self) -> None:
        super().__init__("models")
        self.pages: dict[tuple[int, str], str] = {}
        self.silent: set[int] = set()
        self.refused: set[str] = set()
        """Names of predictors whose pods never come up."""

    def list(self, kind, selector="", fields=""):
        wanted = [part.split("=") for part in selector.split(",") if part]
        self.asked.add(kind)
        return super().list(kind, selector, fields) if kind != "Pod" else copy.deepcopy(self._pods(wanted))

    def ask(self, pod, port, path):
        if port in self.silent:
            raise ClusterError(f"pod {pod} can't be asked at port {port}: i/o timeout", 0)
        if path == "/applied":
            secret = self.objects["Secret", pod.removesuffix("-0")]
            wish = json.loads(base64.b64decode(secret["data"][FILE]))
            return json.dumps({"applied": wish["generation"], "problem": "", "leaving": False})
        if (port, path) not in self.pages:
            raise ClusterError(f"pod {pod} can't be asked at port {port}: connection refused", 503)
        return self.pages[port, path]

    def empty_but_for(self, *kinds):
        """What `stack down --keep-data` leaves."""
        self.objects = {key: one for key, one in self.objects.items() if key[0] in kinds}

    def _pods(self, wanted):
        deployments = [one for (kind, _), one in self.objects.items() if kind == "Deployment"]
        made = [self._pod(one["metadata"]["name"], one["spec"]["template"]) for one in deployments]
        for (kind, _), one in self.objects.items():
            for place, predictor in enumerate(one["spec"]["predictors"] if kind == "SeldonDeployment" else ()):
                component = predictor["componentSpecs"][0]
                template = {"metadata": {"labels": component["metadata"]["labels"]}, "spec": component["spec"]}
                name, port = f"{one['metadata']['name']}-{predictor['name']}", FIRST_METRICS_PORT + place
                made += [self._pod(name, template, port) for _ in range(component["replicas"]) if predictor["name"] not in self.refused]
        return [pod for pod in made if fits(pod, wanted)]

    @staticmethod
    def _pod(name, template, metrics_port=STATUS_PORT):
        container = {"name": "main", "ports": [{"name": METRICS, "containerPort": metrics_port}]}
        status = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "main", "state": {"running": {}}, "restartCount": 0}],
        }
        metadata = {"name": f"{name}-0", "labels": template["metadata"]["labels"]}
        return {"metadata": metadata, "spec": {"containers": [container]}, "status": status}

    def answer(self, requests=0, waiting=0, places=1):
        """What pods say: requests that are under way to `v1`, and bytes of each journal."""
        self.pages[STATUS_PORT, "/statistics"] = f'envoy_cluster_upstream_rq_active{{envoy_cluster_name="v1"}} {requests}\n'
        for place in range(places):
            self.pages[FIRST_METRICS_PORT + place, METRICS_PATH] = f"switchyard_log_waiting_bytes {waiting}\n"


def quick_cluster(monkeypatch):
    """One that nobody waits for longer than needed."""
    kubernetes = "deployment.kubernetes"
    for name, seconds in (
        ("doors.POLL_S", 0.01),
        ("pods.POLL_S", 0.01),
        ("host.POLL_S", 0.01),
        ("host._DRAIN_EVERY_S", 0.01),
        ("host._GONE_S", SOON),
    ):
        monkeypatch.setattr(f"{kubernetes}.{name}", seconds)
    made = FakeCluster()
    made.answer()
    return made


def serving_host(cluster):
    """A host with version 1, which serves everybody."""
    made = KubernetesHost(cluster, OPTIONS)
    made.start(release("1"), SOON)
    made.shift("loans", Traffic.all_to("v1"), SOON)
    return made


def release(version):
    return Release("loans", version, f"sha256:{version * 64}", {}, uri="s3://bucket/bundle")


def names(host):
    return [instance.name for instance in host.inspect("loans").instances]
