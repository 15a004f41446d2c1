"""`KubernetesHost`: serves models in a cluster, by Seldon's operator and front doors of its own."""

from __future__ import annotations

import base64
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deployment.host import Deployment, DeploymentError, Host, Instance, Release
from deployment.kubernetes import frontdoor, manifests
from deployment.kubernetes.doors import FrontDoors
from deployment.kubernetes.errors import raises_as_host
from deployment.kubernetes.names import Names, instance_name
from deployment.kubernetes.options import LOG_KEY, LOG_VARIABLE, KubernetesOptions
from deployment.kubernetes.pods import Pods
from deployment.kubernetes.rights import let_deploy, let_nobody_deploy, let_read
from deployment.kubernetes.state import Slot, State
from deployment.kubernetes.store import Store
from deployment.kubernetes.tokens import TokenCopies
from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from stacks.cluster.waiting import holds
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.frontdoor.tokens import first_token, parse_tokens
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

POLL_S = 0.5
_DRAIN_EVERY_S = 1.0
_GONE_S = 75.0
"""A little more than the pods' time of grace."""


@raises_as_host
class KubernetesHost(Host):
    """Deployments in one namespace. All of their state is in the cluster: any client and any pod finds it.

    Parameters
    ----------
    cluster : Cluster
    options : KubernetesOptions, optional
    folder : Path, optional
        Where a client's copies of the token files go; without one there are none.
    """

    def __init__(self, cluster: Cluster, options: KubernetesOptions | None = None, folder: Path | None = None) -> None:
        self._cluster, self._options = cluster, options or KubernetesOptions()
        self._copies = TokenCopies(folder / cluster.namespace if folder else None)

    def admit(self, model: str) -> None:
        let_deploy(self._cluster, Names.of(model), self._options.deployer)

    def name_for(self, release: Release) -> str:
        found = self._store(release.model).read()
        return self._name(found[0] if found else None, release)

    def start(self, release: Release, timeout_s: float) -> Instance:
        self._require_images()
        model, deadline = release.model, time.monotonic() + timeout_s
        store = self._store(model)
        found = store.read()
        before = found[0] if found else None
        name = self._name(before, release)
        is_new = before is None or before.instance(name) is None
        try:
            store.change(lambda state: self._with(state, name, release), create=True)
            return self._brought_up(model, name, deadline)
        except BaseException:
            if is_new:
                self._discard(model, name, before)
            raise

    def shift(self, model: str, traffic: Traffic, timeout_s: float) -> None:
        before = self._deployed(model)
        before.require_ready(traffic.names)
        store = self._store(model)
        try:
            changed = store.change(lambda state: state.with_traffic(traffic))
            self._doors(model).wait_applied(changed.generation, timeout_s)
            # After the front door, which is what splits; a mesh would read it.
            store.sync()
        except BaseException:
            self._give_back(model, traffic, before.traffic)
            raise

    def stop(self, model: str, name: str, timeout_s: float) -> None:
        pods = self._drained(model, name, timeout_s)
        store = self._store(model)
        store.change(lambda state: state.with_status(name, "stopped"))
        store.sync()
        if not holds(lambda: not pods.list(), max(timeout_s, _GONE_S), POLL_S):
            raise DeploymentError(f"{model}: {name} has not ended in time")

    def resume(self, model: str, name: str, timeout_s: float) -> Instance:
        self._require_images()
        deadline, door = time.monotonic() + timeout_s, frontdoor.door(self._options)
        self._slot(model, name)
        self._store(model).change(lambda state: state.offered(door).with_status(name, "running"))
        return self._brought_up(model, name, deadline)

    def delete(self, model: str, name: str, timeout_s: float) -> None:
        self._take_away(model, name, self._drained(model, name, timeout_s), timeout_s)

    def remove(self, model: str, timeout_s: float) -> None:
        names, cluster = Names.of(model), self._cluster
        cluster.delete("SeldonDeployment", names.scope)
        for kind in ("Ingress", "Service", "Deployment", "PodDisruptionBudget"):
            for found in cluster.list(kind, names.selector):
                cluster.delete(kind, found["metadata"]["name"])
        if not holds(lambda: not cluster.list("Pod", names.selector), timeout_s, POLL_S):
            raise DeploymentError(f"{model}: not all of it has ended within {timeout_s:g} s")
        # Last: what is left of a removal that failed is found by it.
        cluster.delete("Secret", names.frontdoor)
        let_nobody_deploy(cluster, names)
        self._copies.remove(model)

    def inspect(self, model: str) -> Deployment | None:
        found = self._store(model).read()
        if found is None:
            return None
        state, tokens = found
        instances = tuple(Pods(self._cluster, model, slot).instance() for slot in state.instances)
        inner_url, url = self._doors(model).urls()
        return Deployment(model, url, inner_url, self._copies.write(model, tokens), instances, state.traffic)

    def token(self, model: str) -> str | None:
        found = self._store(model).read()
        if found is None:
            raise DeploymentError(f"nothing is deployed of {model}")
        return first_token(parse_tokens(found[1], "the Secret's tokens"))

    def logs(self, model: str, name: str, tail: int | None = None) -> Iterator[str]:
        found = self._store(model).read()
        slot = found[0].instance(name) if found else None
        # At once: what is raised while somebody reads on would be nobody's.
        return iter(list(Pods(self._cluster, model, slot).lines(tail)) if slot is not None else [])

    def statistics(self, model: str) -> str:
        # What a pod has counted ends with it; who reads the counts must bear that they fall.
        return self._doors(model).statistics()

    def log_url(self, model: str) -> str:
        """URL of the prediction log as the services have it: the one URL must do for them and for whoever asks here."""
        if not self._options.log_secret:
            return ""
        if url := os.environ.get(LOG_VARIABLE):
            return url.strip()
        secret = self._cluster.get("Secret", self._options.log_secret)
        if secret is None or LOG_KEY not in secret.get("data", {}):
            raise DeploymentError(
                f"namespace {self._cluster.namespace} has no Secret {self._options.log_secret!r} with the key {LOG_KEY!r}"
            )
        return base64.b64decode(secret["data"][LOG_KEY]).decode().strip()

    def settle_log(self, model: str, engine: Engine, timeout_s: float) -> int | None:
        """Wait by what the services say of their journals, which nobody else can see."""
        found, deadline = self._store(model).read(), time.monotonic() + timeout_s
        slots = found[0].instances if found else ()
        while True:
            # What they say is half a second old.
            time.sleep(min(_DRAIN_EVERY_S, timeout_s))
            is_last = time.monotonic() > deadline
            try:
                waiting = sum(Pods(self._cluster, model, slot).waiting_bytes() for slot in slots)
                if not waiting or is_last:
                    return waiting
            except ClusterError as error:
                if is_last:
                    logger.warning("%s: %s", model, error)
                    return None

    def _brought_up(self, model: str, name: str, deadline: float) -> Instance:
        """The instance, once the operator has made what should run, its pods are ready and the front door knows them."""
        store = self._store(model)
        self._apply_ours(model, store.require())
        store.sync()
        pods = Pods(self._cluster, model, self._slot(model, name))
        pods.wait_ready(deadline)
        self._doors(model).wait_applied(store.require().generation, max(5.0, deadline - time.monotonic()))
        return pods.instance()

    def _apply_ours(self, model: str, state: State) -> None:
        """All that no operator makes; for each instance, since the cluster may have been emptied around the state's Secret."""
        names = Names.of(model)
        ours = frontdoor.objects(names, self._options)
        for slot in state.instances:
            ours += [manifests.pods_service(names, slot.name), manifests.disruption_budget(names, slot.name)]
        for manifest in ours:
            self._cluster.apply(manifest)
        let_read(self._cluster, names, self._options.readers)
        for found in self._cluster.list("Ingress", names.selector) if not self._options.ingress_host else ():
            self._cluster.delete("Ingress", found["metadata"]["name"])

    def _with(self, state: State, name: str, release: Release) -> State:
        """`state` with `release` running under `name`, offered as it is now."""
        state = state.offered(frontdoor.door(self._options))
        if state.instance(name) is not None:
            return state.with_status(name, "running")
        made = manifests.predictor(release, name, Names.of(release.model), self._options)
        return state.with_instance(Slot(name, release.version, release.digest, release.role, made))

    def _name(self, state: State | None, release: Release) -> str:
        names, slots = Names.of(release.model), state.instances if state else ()
        for slot in slots:
            if manifests.predictor(release, slot.name, names, self._options) == slot.predictor:
                return slot.name
        base, taken = instance_name(release.version, release.role), {slot.name for slot in slots}
        return next(name for name in (base, *(f"{base}-{number}" for number in range(2, len(slots) + 3))) if name not in taken)

    def _discard(self, model: str, name: str, before: State | None) -> None:
        """Leave nothing of an instance that did not come up, nor of a front door that was made for it."""
        try:
            if before is None and self._is_alone(model, name):
                self.remove(model, _GONE_S)
                return
            pods = Pods(self._cluster, model, self._slot(model, name))
            self._take_away(model, name, pods, _GONE_S, before)
        except (DeploymentError, ClusterError) as error:
            # The first failure is the one to report.
            logger.error("%s: %s could not be taken away: %s", model, name, error)

    def _take_away(self, model: str, name: str, pods: Pods, timeout_s: float, before: State | None = None) -> None:
        """Forget an instance; returns when its pods are told to end, lest they be taken for those of one that is started again."""
        names, store = Names.of(model), self._store(model)
        after = store.change(lambda state: state.without(name, before.slots if before else ()))
        store.sync()
        self._cluster.delete("Service", names.pods(name))
        self._cluster.delete("PodDisruptionBudget", names.service(name))
        is_there = any(slot.name == name for slot in after.slots)
        if not holds(pods.are_told_to_end if is_there else pods.end, timeout_s, POLL_S):
            raise DeploymentError(f"{model}: pods of {name} were not told to end within {timeout_s:g} s; does Seldon's operator run?")

    def _is_alone(self, model: str, name: str) -> bool:
        """Whether nobody else has started an instance meanwhile."""
        found = self._store(model).read()
        return found is None or all(slot.name == name for slot in found[0].instances)

    def _give_back(self, model: str, ours: Traffic, before: Traffic) -> None:
        """The traffic as it was `before`, unless somebody else has shifted `ours` since."""
        store = self._store(model)
        try:
            store.change(lambda state: state.with_traffic(before) if state.traffic == ours else state)
            store.sync()
        except (DeploymentError, ClusterError) as error:
            logger.error("%s: the traffic could not be given back: %s", model, error)

    def _drained(self, model: str, name: str, timeout_s: float) -> Pods:
        """Pods of `name`, once it has answered all it was asked."""
        pods = Pods(self._cluster, model, self._slot(model, name))
        if name in self._store(model).require().traffic.names:
            raise DeploymentError(f"{model}: {name} has traffic; shift that first")
        try:
            # As long as the front door itself waits for an answer: then none is under way, even where it does not say so.
            within = max(timeout_s, self._options.timeout_s)
            if not holds(lambda: self._doors(model).active_requests(name) == 0, within, POLL_S):
                logger.warning("%s, %s: stopped with requests that it did not answer within %g s", model, name, within)
        except ClusterError as error:
            logger.warning("%s, %s: stopped after %g s; whether it answers any request is not known: %s", model, name, within, error)
        return pods

    def _deployed(self, model: str) -> Deployment:
        found = self.inspect(model)
        if found is None:
            raise DeploymentError(f"nothing is deployed of {model}")
        return found

    def _slot(self, model: str, name: str) -> Slot:
        slot = self._store(model).require().instance(name)
        if slot is None:
            raise DeploymentError(f"{model}: {name} is not deployed")
        return slot

    def _store(self, model: str) -> Store:
        return Store(self._cluster, model, self._options)

    def _doors(self, model: str) -> FrontDoors:
        return FrontDoors(self._cluster, model, self._options)

    def _require_images(self) -> None:
        missing = [name for name in ("serving_image", "frontdoor_image") if not getattr(self._options, name)]
        if missing:
            raise InputError(
                f"the model deployer has no {' and no '.join(missing)}; python run.py stack up kubernetes builds and sets them"
            )
