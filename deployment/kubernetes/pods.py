"""`Pods`: the pods of one instance: how they are, whether they come up, what they printed."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Iterator

from deployment.host import DeploymentError, Instance
from deployment.host import State as InstanceState
from deployment.kubernetes import manifests
from deployment.kubernetes.names import INSTANCE, REVISION, Names
from deployment.kubernetes.state import Slot
from stacks.cluster import trouble
from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.objects import Object
from stacks.cluster.trouble import Trouble
from stacks.cluster.waiting import Seen, wait_until

logger = logging.getLogger(__name__)

POLL_S = 0.5
_LAST_LINES = 15
_WAITING = re.compile(r"^switchyard_log_waiting_bytes(?:\{.*\})? (\S+)$", re.MULTILINE)


class Pods:
    """The pods of the instance in `slot`.

    Parameters
    ----------
    cluster : Cluster
    model : str
    slot : Slot
    """

    def __init__(self, cluster: Cluster, model: str, slot: Slot) -> None:
        self._cluster, self._model, self._slot, self._names = cluster, model, slot, Names.of(model)

    def list(self) -> list[Object]:
        """All of them, those that are about to end too; none of another instance that had its name."""
        revision = manifests.revision_of(self._slot.predictor)
        found = self._cluster.list("Pod", f"{self._names.selector},{INSTANCE}={self._slot.name},{REVISION}={revision}")
        return [pod for pod in found if not trouble.is_over(pod)]

    def are_told_to_end(self) -> bool:
        """Whether none of them is meant to stay."""
        return all(map(trouble.is_leaving, self.list()))

    def end(self) -> bool:
        """Take away their Deployment, which the SeldonDeployment no longer has; True once no pod is meant to stay.

        The operator does so too, but not before everything else of the model is well.
        """
        for deployment in self._deployments():
            self._cluster.delete("Deployment", deployment["metadata"]["name"])
        return self.are_told_to_end()

    def instance(self) -> Instance:
        """What the host tells of it."""
        slot, names, pods = self._slot, self._names, self.list()
        service = self._cluster.get("Service", names.service(slot.name)) or {}
        address = service.get("spec", {}).get("clusterIP") or f"{names.service(slot.name)}.{self._cluster.namespace}.svc"
        state, reason = _state(slot, pods)
        url = f"http://{address}:{manifests.PORT}"
        return Instance(slot.name, slot.version, slot.digest, slot.role, url, state, reason, trouble.restarts(pods))

    def lines(self, tail: int | None) -> Iterator[str]:
        """What they printed, the last `tail` lines; each with its pod's name where there are several."""
        pods = self.list()
        found: deque[str] = deque(maxlen=tail)
        for pod in pods:
            name = pod["metadata"]["name"]
            printed = [self._cluster.log(name, container, tail) for container in (manifests.FETCHER, manifests.CONTAINER)]
            prefix = f"{name}: " if len(pods) > 1 else ""
            found.extend(prefix + line for text in printed for line in text.splitlines())
        yield from found

    def waiting_bytes(self) -> int:
        """Bytes of their journals, by what they say themselves: not in the prediction log's database yet.

        Raises
        ------
        ClusterError
            One that has run does not say.
        """
        return sum(self._waiting_in(pod) for pod in self.list() if pod["status"].get("phase") == "Running")

    def wait_ready(self, deadline: float) -> None:
        """Wait until as many are ready as there should be at least.

        Raises
        ------
        DeploymentError
            With the pods' own reason and their last words: when the time is over, or before where there is no hope.
        """
        began, wanted = time.monotonic(), manifests.replicas_of(self._slot.predictor)
        told: set[tuple[str, ...]] = set()

        def look() -> Seen:
            pods = self.list()
            if sum(map(trouble.is_ready, pods)) >= wanted:
                return Seen(True)
            found = trouble.troubles(pods, self._deployments(), trouble.OF_A_MODEL) or self._refusals()
            if (worst := trouble.worst(found)) and worst.key not in told:
                told.add(worst.key)
                logger.info("%s, %s waits: %s", self._model, self._slot.name, worst.reason)
            return Seen(False, found, "it is still starting" if pods else "no pod of it was made; does Seldon's operator run?")

        waited = wait_until(look, deadline - began, POLL_S)
        if waited.done:
            return
        if waited.silence:
            raise waited.silence
        late = "" if waited.hopeless else f"it was not ready within {time.monotonic() - began:.0f} s; "
        why = waited.trouble.reason if waited.trouble else waited.seen.behind if waited.seen else ""
        raise DeploymentError(f"{self._model}, {self._slot.name}: {late}{why}{self._last_words(waited.trouble)}")

    def _waiting_in(self, pod: Object) -> int:
        name, port = pod["metadata"]["name"], manifests.metrics_port(pod)
        if port is None:
            raise ClusterError(f"pod {name} has no port {manifests.METRICS!r}; Seldon's operator should have made one")
        found = _WAITING.search(self._cluster.ask(name, port, manifests.METRICS_PATH))
        if found is None:
            raise ClusterError(f"pod {name} does not say at port {port} what waits in its journal")
        return int(float(found[1]))

    def _deployments(self) -> list[Object]:
        """The operator's, for this instance: by the labels of their pods, which are ours."""
        found = self._cluster.list("Deployment", f"seldon-deployment-id={self._names.scope}")
        wanted = (self._slot.name, manifests.revision_of(self._slot.predictor))
        return [one for one in found if _labels(one["spec"]["template"]) == wanted]

    def _refusals(self) -> list[Trouble]:
        """What the operator says of a SeldonDeployment that it can't make; conditions that it does not know yet say nothing."""
        status = (self._cluster.get("SeldonDeployment", self._names.scope) or {}).get("status", {})
        if status.get("state") != "Failed":
            return []
        said = status.get("description") or "it does not say why"
        return [Trouble("refused", f"Seldon's operator refuses: {said}", trouble.OF_A_MODEL.refused_s, self._names.scope, said=said)]

    def _last_words(self, found: Trouble | None) -> str:
        if found is None or not found.container:
            return ""
        now = self._cluster.log(found.subject, found.container, _LAST_LINES)
        lines = (now or self._cluster.log(found.subject, found.container, _LAST_LINES, previous=True)).splitlines()
        lines = [line for line in lines if "refusing to serve" in line][-1:] or lines
        return f"; its last words: {' / '.join(lines)}" if lines else ""


def _labels(template: Object) -> tuple[str | None, str | None]:
    labels = template["metadata"].get("labels", {})
    return labels.get(INSTANCE), labels.get(REVISION)


def _state(slot: Slot, pods: list[Object]) -> tuple[InstanceState, str]:
    if slot.status != "running":
        return "stopped", ""
    if any(map(trouble.is_ready, pods)):
        return "ready", ""
    found = trouble.trouble(pods, [])
    hopeless = found is not None and found.patience_s is not None
    return "failed" if hopeless else "starting", found.reason if found else ""
