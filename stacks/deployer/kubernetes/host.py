"""`KubernetesHost`: serves models in a cluster, by Seldon's operator and front doors of its own."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from serving.frontdoor import files
from serving.frontdoor.state import Traffic
from stacks.deployer.host import Deployment, DeploymentError, Host, Instance, Release
from stacks.deployer.host import State as InstanceState
from stacks.deployer.kubernetes import frontdoor, manifests, reasons
from stacks.deployer.kubernetes.client import Cluster, ClusterError, Conflict, Object
from stacks.deployer.kubernetes.doors import FrontDoors
from stacks.deployer.kubernetes.names import INSTANCE, REVISION, Names, instance_name
from stacks.deployer.kubernetes.offer import Offer
from stacks.deployer.kubernetes.state import Slot, State
from tabular.errors import InputError

logger = logging.getLogger(__name__)

POLL_S = 0.5
_GONE_S = 45.0
_LAST_LINES = 15


class KubernetesHost(Host):
    """Deployments in one namespace. All of their state is in the cluster: any client and any pod finds it.

    Parameters
    ----------
    cluster : Cluster
    offer : Offer
    folder : Path, optional
        Where a client's copies of the token files go; without one there are none.
    """

    def __init__(self, cluster: Cluster, offer: Offer = Offer(), folder: Path | None = None) -> None:
        self._cluster, self._offer, self._folder = cluster, offer, folder

    def name_for(self, release: Release) -> str:
        found = self._read(release.model)
        return self._name(found[0] if found else None, release)

    def start(self, release: Release, timeout_s: float) -> Instance:
        self._require_images()
        names, model, deadline = Names.of(release.model), release.model, time.monotonic() + timeout_s
        found = self._read(model)
        before = found[0] if found else None
        name = self._name(before, release)
        is_new = before is None or before.instance(name) is None
        try:
            state = self._change(model, lambda state: self._with(state, name, release), create=True)
            for manifest in frontdoor.objects(names, self._offer):
                self._cluster.apply(manifest)
            for manifest in (manifests.pods_service(names, name), manifests.disruption_budget(names, name)):
                self._cluster.apply(manifest)
            self._sync(model)
            self._wait_ready(state, name, deadline)
            self._doors(model).wait_applied(state.generation, max(5.0, deadline - time.monotonic()))
        except BaseException:
            if is_new:
                self._discard(model, name, before)
            raise
        return self._instance_of(self.inspect(model), name)

    def shift(self, model: str, traffic: Traffic, timeout_s: float) -> None:
        before = self._deployed(model)
        for name in traffic.names:
            instance = before.instance(name)
            if instance is None or instance.state != "ready":
                state = instance.state if instance else "not deployed"
                raise DeploymentError(f"{model}: {name} is {state}; only what is ready gets traffic")
        try:
            state = self._change(model, lambda state: state.with_traffic(traffic))
            self._doors(model).wait_applied(state.generation, timeout_s)
            # Last, since only a mesh would act on it, which there is none beside the front door.
            self._sync(model)
        except BaseException:
            self._give_back(model, before.traffic)
            raise

    def stop(self, model: str, name: str, timeout_s: float) -> None:
        self._drain(model, name, timeout_s)
        state = self._change(model, lambda state: state.with_status(name, "stopped"))
        self._sync(model)
        slot = state.instance(name)
        if not self._wait(lambda: not self._pods(model, slot), max(timeout_s, _GONE_S)):
            raise DeploymentError(f"{model}: {name} has not ended within {timeout_s:g} s")

    def resume(self, model: str, name: str, timeout_s: float) -> Instance:
        deadline = time.monotonic() + timeout_s
        self._instance_of(self._deployed(model), name)
        state = self._change(model, lambda state: state.with_status(name, "running"))
        self._sync(model)
        self._wait_ready(state, name, deadline)
        self._doors(model).wait_applied(state.generation, max(5.0, deadline - time.monotonic()))
        return self._instance_of(self.inspect(model), name)

    def delete(self, model: str, name: str, timeout_s: float) -> None:
        self._drain(model, name, timeout_s)
        found = self._read(model)
        slot = found[0].instance(name) if found else None
        self._change(model, lambda state: state.without(name))
        self._sync(model)
        self._forget(Names.of(model), name)
        # Until the operator has acted: pods that are still to be told would be taken for those of an instance that is started again.
        if slot is not None and not self._wait(lambda: all(map(reasons.is_leaving, self._pods(model, slot))), timeout_s):
            raise DeploymentError(f"{model}: pods of {name} were not told to end within {timeout_s:g} s; does Seldon's operator run?")

    def remove(self, model: str, timeout_s: float) -> None:
        names, cluster = Names.of(model), self._cluster
        cluster.delete("SeldonDeployment", names.scope)
        for kind in ("Ingress", "Service", "Deployment", "PodDisruptionBudget"):
            with contextlib.suppress(ClusterError) if kind == "Ingress" else contextlib.nullcontext():
                for found in cluster.list(kind, names.selector):
                    cluster.delete(kind, found["metadata"]["name"])
        if not self._wait(lambda: not cluster.list("Pod", names.selector), timeout_s):
            raise DeploymentError(f"{model}: not all of it has ended within {timeout_s:g} s")
        # Last: what is left of a removal that failed is found by it.
        cluster.delete("Secret", names.frontdoor)
        if (copy := self._copy(model)) is not None:
            copy.unlink(missing_ok=True)

    def inspect(self, model: str) -> Deployment | None:
        found = self._read(model)
        if found is None:
            return None
        state, tokens = found
        names = Names.of(model)
        pods = self._cluster.list("Pod", names.selector)
        instances = tuple(self._instance(names, slot, [pod for pod in pods if _is_of(pod, slot)]) for slot in state.instances)
        return Deployment(model, self._doors(model).url(), self._write_copy(model, tokens), instances, state.traffic)

    def token(self, model: str) -> str | None:
        found = self._read(model)
        if found is None:
            raise DeploymentError(f"nothing is deployed of {model}")
        return next(iter(files.parse_tokens(found[1], "the Secret's tokens").values()), None)

    def logs(self, model: str, name: str, tail: int | None = None) -> Iterator[str]:
        found = self._read(model)
        slot = found[0].instance(name) if found else None
        pods = self._pods(model, slot) if slot else []
        lines: deque[str] = deque(maxlen=tail)
        for pod in pods:
            pod_name = pod["metadata"]["name"]
            printed = [self._cluster.log(pod_name, container, tail) for container in (manifests.FETCHER, manifests.CONTAINER)]
            prefix = f"{pod_name}: " if len(pods) > 1 else ""
            lines.extend(prefix + line for text in printed for line in text.splitlines())
        yield from lines

    def statistics(self, model: str) -> str:
        """Envoy's counts in Prometheus' text format, added up over the front door's pods; those of a pod end with it."""
        return self._doors(model).statistics()

    def _doors(self, model: str) -> FrontDoors:
        return FrontDoors(self._cluster, model, self._offer)

    def _read(self, model: str) -> tuple[State, str] | None:
        secret = self._cluster.get("Secret", Names.of(model).frontdoor)
        return State.from_secret(secret) if secret else None

    def _change(self, model: str, change: Callable[[State], State], create: bool = False) -> State:
        """Change what should run; where somebody else did so meanwhile, on top of that."""
        names = Names.of(model)
        while True:
            secret = self._cluster.get("Secret", names.frontdoor)
            if secret is None and not create:
                raise DeploymentError(f"nothing is deployed of {model}")
            before, tokens = State.from_secret(secret) if secret else (State(model, frontdoor.door(self._offer)), files.new_tokens())
            after = change(before)
            if secret is not None and after == before:
                return before
            after = after.counted()
            version = secret["metadata"]["resourceVersion"] if secret else None
            with contextlib.suppress(Conflict):
                self._cluster.write(after.to_secret(names, tokens, version))
                self._doors(model).nudge()
                return after

    def _sync(self, model: str) -> None:
        """Have Seldon's operator make what should run; again, where that has changed while it was written."""
        names, written = Names.of(model), None
        while (found := self._read(model)) is not None and found[0].generation != written:
            state = found[0]
            wanted = state.seldon_deployment(names)
            if wanted is None:
                self._cluster.delete("SeldonDeployment", names.scope)
            else:
                self._cluster.apply(wanted)
            written = state.generation

    def _with(self, state: State, name: str, release: Release) -> State:
        """With `release` running under `name`, offered as it is now."""
        state = state.offered(frontdoor.door(self._offer))
        if state.instance(name) is not None:
            return state.with_status(name, "running")
        made = manifests.predictor(release, name, Names.of(release.model), self._offer)
        return state.with_instance(Slot(name, release.version, release.digest, release.role, made))

    def _name(self, state: State | None, release: Release) -> str:
        names, slots = Names.of(release.model), state.instances if state else ()
        for slot in slots:
            if manifests.predictor(release, slot.name, names, self._offer) == slot.predictor:
                return slot.name
        base, taken = instance_name(release.version, release.role), {slot.name for slot in slots}
        return next(name for name in (base, *(f"{base}-{number}" for number in range(2, len(slots) + 3))) if name not in taken)

    def _wait_ready(self, state: State, name: str, deadline: float) -> None:
        """Wait for all pods of an instance.

        Raises
        ------
        DeploymentError
            With the pods' own reason and their last words: when the time is over, or before where there is no hope.
        """
        slot, model, since = state.instance(name), state.model, {}
        began, wanted, found = time.monotonic(), manifests.replicas_of(slot.predictor), None
        while True:
            with contextlib.suppress(ClusterError) if time.monotonic() < deadline else contextlib.nullcontext():
                pods = self._pods(model, slot)
                if sum(map(reasons.is_ready, pods)) >= wanted:
                    return
                found = reasons.trouble(pods, self._deployments(model, slot)) or self._refused(model)
            now = time.monotonic()
            # A reason that changes its words is the same reason.
            known = since.setdefault((found.pod, found.patience_s), now) if found else now
            hopeless = found is not None and found.patience_s is not None and now - known >= found.patience_s
            if hopeless or now > deadline:
                late = "" if hopeless else f"it was not ready within {now - began:.0f} s; "
                why = found.reason if found else "no pod of it was made; does Seldon's operator run?"
                raise DeploymentError(f"{model}, {name}: {late}{why}{self._last_words(found)}")
            time.sleep(POLL_S)

    def _refused(self, model: str) -> reasons.Trouble | None:
        """What Seldon's operator says of a SeldonDeployment that it can't make; conditions that it does not know yet say nothing."""
        status = (self._cluster.get("SeldonDeployment", Names.of(model).scope) or {}).get("status", {})
        if status.get("state") != "Failed":
            return None
        return reasons.Trouble(f"Seldon's operator refuses: {status.get('description') or 'it does not say why'}", 10.0)

    def _last_words(self, found: reasons.Trouble | None) -> str:
        if found is None or not found.container:
            return ""
        text = self._cluster.log(found.pod, found.container, _LAST_LINES)
        lines = (text or self._cluster.log(found.pod, found.container, _LAST_LINES, previous=True)).splitlines()
        lines = [line for line in lines if "refusing to serve" in line][-1:] or lines
        return f"; its last words: {' / '.join(lines)}" if lines else ""

    def _discard(self, model: str, name: str, before: State | None) -> None:
        """Leave nothing of an instance that did not come up, nor of a front door that was made for it."""
        try:
            if before is None:
                self.remove(model, _GONE_S)
                return
            found = self._read(model)
            slot = found[0].instance(name) if found else None
            self._change(model, lambda state: state.without(name, before.slots))
            self._sync(model)
            self._forget(Names.of(model), name)
            if slot is not None and not self._wait(lambda: not self._pods(model, slot), _GONE_S):
                logger.warning("%s: pods of %s have not ended yet", model, name)
        except DeploymentError as error:
            # The first failure is the one to report.
            logger.error("%s: %s could not be taken away: %s", model, name, error)

    def _give_back(self, model: str, traffic: Traffic) -> None:
        try:
            self._change(model, lambda state: state.with_traffic(traffic))
            self._sync(model)
        except DeploymentError as error:
            logger.error("%s: the traffic could not be given back: %s", model, error)

    def _forget(self, names: Names, name: str) -> None:
        """Delete what is ours alone of an instance; the rest is the operator's to delete."""
        self._cluster.delete("Service", names.pods(name))
        self._cluster.delete("PodDisruptionBudget", names.service(name))

    def _drain(self, model: str, name: str, timeout_s: float) -> None:
        """Wait until `name` has answered all it was asked."""
        deployment = self._deployed(model)
        self._instance_of(deployment, name)
        if name in deployment.traffic.names:
            raise DeploymentError(f"{model}: {name} has traffic; shift that first")
        if not self._wait(lambda: self._doors(model).active_requests(name) == 0, timeout_s):
            logger.warning("%s, %s: stopped with requests that it did not answer within %g s", model, name, timeout_s)

    def _deployed(self, model: str) -> Deployment:
        found = self.inspect(model)
        if found is None:
            raise DeploymentError(f"nothing is deployed of {model}")
        return found

    @staticmethod
    def _instance_of(deployment: Deployment | None, name: str) -> Instance:
        instance = deployment.instance(name) if deployment else None
        if instance is None:
            raise DeploymentError(f"{deployment.model + ': ' if deployment else ''}{name} is not deployed")
        return instance

    def _instance(self, names: Names, slot: Slot, pods: list[Object]) -> Instance:
        address = (self._cluster.get("Service", names.service(slot.name)) or {}).get("spec", {}).get("clusterIP", "")
        url = f"http://{address or f'{names.service(slot.name)}.{self._cluster.namespace}.svc'}:{manifests.PORT}"
        state, reason = _state(slot, pods)
        return Instance(slot.name, slot.version, slot.digest, slot.role, url, state, reason, reasons.restarts(pods))

    def _pods(self, model: str, slot: Slot) -> list[Object]:
        """Pods of an instance, those that are about to end too."""
        selector = f"{Names.of(model).selector},{INSTANCE}={slot.name},{REVISION}={manifests.revision_of(slot.predictor)}"
        return [pod for pod in self._cluster.list("Pod", selector) if not reasons.is_over(pod)]

    def _deployments(self, model: str, slot: Slot) -> list[Object]:
        """The operator's Deployments for an instance: by the labels of their pods, which are ours."""
        found = self._cluster.list("Deployment", f"seldon-deployment-id={Names.of(model).scope}")
        return [deployment for deployment in found if _is_of(deployment["spec"]["template"], slot)]

    def _require_images(self) -> None:
        missing = [name for name in ("serving_image", "frontdoor_image") if not getattr(self._offer, name)]
        if missing:
            raise InputError(f"the model deployer has no {' and no '.join(missing)}; python run.py stack up kubernetes builds and sets them")

    def _copy(self, model: str) -> Path | None:
        return self._folder / self._cluster.namespace / model / "tokens" if self._folder else None

    def _write_copy(self, model: str, tokens: str) -> str | None:
        """A client's copy of the tokens, for its owner's eyes; none where the disk can't be written."""
        copy = self._copy(model)
        if copy is None:
            return None
        try:
            if not copy.is_file() or copy.read_text(encoding="utf-8") != tokens:
                copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                copy.touch(0o600)
                copy.chmod(0o600)
                copy.write_text(tokens, encoding="utf-8")
        except OSError as error:
            logger.warning("the tokens of %s can't be copied to %s: %s", model, copy, error)
            return None
        return str(copy)

    @staticmethod
    def _wait(condition: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while True:
            with contextlib.suppress(ClusterError) if time.monotonic() < deadline else contextlib.nullcontext():
                if condition():
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)


def _is_of(pod: Object, slot: Slot) -> bool:
    labels = pod["metadata"].get("labels", {})
    return (labels.get(INSTANCE), labels.get(REVISION)) == (slot.name, manifests.revision_of(slot.predictor))


def _state(slot: Slot, pods: list[Object]) -> tuple[InstanceState, str]:
    if slot.status != "running":
        return "stopped", ""
    if any(map(reasons.is_ready, pods)):
        return "ready", ""
    found = reasons.trouble(pods, [])
    hopeless = found is not None and found.patience_s is not None
    return "failed" if hopeless else "starting", found.reason if found else ""
