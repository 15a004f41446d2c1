"""`FrontDoors`: the front door's pods of one model: whether they follow, what they count, where they are."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable

from deployment.host import DeploymentError
from deployment.kubernetes import frontdoor
from deployment.kubernetes.names import Names
from deployment.kubernetes.options import KubernetesOptions
from stacks.cluster import trouble
from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.objects import Object
from stacks.cluster.waiting import Seen, wait_until
from switchyard.serving.frontdoor.pod import PORT, STATUS_PORT

POLL_S = 0.3
_TRIES = 3
"""To ask a pod for its counts."""
_SEEN = "switchyard/seen"
_SAMPLE = re.compile(r"^([^\s{]+(?:\{.*\})?) (\S+)$")


class FrontDoors:
    """The front door's pods of one model.

    Parameters
    ----------
    cluster : Cluster
    model : str
    options : KubernetesOptions
    """

    def __init__(self, cluster: Cluster, model: str, options: KubernetesOptions) -> None:
        self._cluster, self._model, self._options, self._names = cluster, model, options, Names.of(model)

    def nudge(self) -> None:
        """Have the pods look at their Secret now: a change of the pod itself is what the kubelet acts on at once."""
        for pod in self._pods():
            self._cluster.annotate("Pod", pod["metadata"]["name"], {_SEEN: f"{time.time_ns()}"})

    def wait_applied(self, generation: int, timeout_s: float) -> None:
        """Wait until every pod that answers clients works by `generation` or a later one, and one does at least.

        Raises
        ------
        DeploymentError
            Not in time, or there is no hope; with the pod's own reason.
        """
        waited = wait_until(lambda: self._seen_of(generation), timeout_s, POLL_S)
        if waited.done:
            return
        behind = waited.trouble.reason if waited.trouble else waited.seen.behind if waited.seen else ""
        raise DeploymentError(
            f"{self._model}: the front door did not take up its routes within {timeout_s:g} s: {waited.silence or behind}"
        )

    def _seen_of(self, generation: int) -> Seen:
        pods = self._pods()
        late = [lag for pod in pods if (lag := self._lag(pod, generation))]
        if any(map(trouble.is_ready, pods)) and not late:
            return Seen(True)
        found = trouble.troubles(pods, self._deployments(), trouble.OF_A_MODEL)
        return Seen(False, found, "; ".join(late) or "none of its pods runs")

    def active_requests(self, instance: str) -> int:
        """Requests that `instance` has not answered yet; raises as `statistics`."""
        pattern = re.compile(r'^envoy_cluster_upstream_rq_active\{envoy_cluster_name="([^"]*)"\} (\d+)$', re.MULTILINE)
        return sum(int(count) for name, count in pattern.findall(self.statistics()) if name == instance)

    def statistics(self) -> str:
        """Envoy's counts in Prometheus' text format, summed over the pods.

        Raises
        ------
        ClusterError
            A pod that clients are sent to can't be asked: a sum without it would pass for all there is.
        """
        return added_up(map(self._counts, self._running()))

    def urls(self) -> tuple[str, str]:
        """URL of the Service in the cluster, and that by which clients find it: of an ingress or a load balancer, where it has one."""
        options = self._options
        service = self._cluster.get("Service", self._names.frontdoor) or {}
        address = service.get("spec", {}).get("clusterIP") or f"{self._names.frontdoor}.{self._cluster.namespace}.svc"
        inner = f"http://{address}:{PORT}"
        if options.ingress_host:
            return inner, f"{'https' if options.ingress_tls_secret else 'http'}://{frontdoor.host_name(self._names, options)}"
        balancers = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
        found = next((one.get("hostname") or one.get("ip") for one in balancers), None)
        return inner, f"http://{found}:{PORT}" if found else inner

    def _lag(self, pod: Object, generation: int) -> str:
        """What keeps `pod` from `generation`; empty where nothing does, or where it is no client's yet."""
        statuses = pod["status"].get("containerStatuses", [])
        if not any("running" in status.get("state", {}) for status in statuses):
            # One that starts reads the Secret as it is by then.
            return ""
        name = pod["metadata"]["name"]
        try:
            told = json.loads(self._cluster.ask(name, STATUS_PORT, "/applied"))
        except ClusterError as error:
            return str(error)
        if told["applied"] >= generation:
            return ""
        behind = f"it works by generation {told['applied']}, not by {generation}"
        return f"{name}: {told['problem'] or behind}"

    def _counts(self, pod: Object) -> str:
        """What one pod counts; nothing of one that comes or goes and does not answer."""
        name, tries = pod["metadata"]["name"], _TRIES
        while True:
            try:
                return self._cluster.ask(name, STATUS_PORT, "/statistics")
            except ClusterError:
                if not trouble.is_ready(pod):
                    return ""
                tries -= 1
                if not tries:
                    raise
            time.sleep(POLL_S)

    def _running(self) -> list[Object]:
        return [pod for pod in self._pods() if pod.get("status", {}).get("phase") == "Running"]

    def _pods(self) -> list[Object]:
        return [pod for pod in self._cluster.list("Pod", frontdoor.selector(self._names)) if not trouble.is_over(pod)]

    def _deployments(self) -> list[Object]:
        found = self._cluster.get("Deployment", self._names.frontdoor)
        return [found] if found else []


def added_up(texts: Iterable[str]) -> str:
    """Several pages of Prometheus' text format as one: samples of the same name and labels are added.

    Right for counters, histograms and gauges of amounts, which is what Envoy has of its clusters.
    """
    sums: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                kinds[line.split()[2]] = line
            elif found := _SAMPLE.match(line):
                sums[found[1]] = sums.get(found[1], 0.0) + float(found[2])
    lines, told = [], set()
    for sample, value in sums.items():
        name = re.sub(r"_(bucket|sum|count)$", "", sample.partition("{")[0])
        for key in (sample.partition("{")[0], name):
            if key in kinds and key not in told:
                lines.append(kinds[key])
                told.add(key)
        lines.append(f"{sample} {int(value) if value.is_integer() else value!r}")
    return "\n".join(lines) + "\n" if lines else ""
