"""`State`: what should be deployed of one model. The cluster's Secret keeps it, so that every client and pod finds it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from deployment.kubernetes.manifests import PORT, Manifest, renewed, seldon_deployment
from deployment.kubernetes.names import Names
from switchyard.serving.frontdoor import wish
from switchyard.serving.frontdoor.state import WHOLE, Door, Traffic, Upstream

KEY = "deployment.json"


@dataclass(frozen=True)
class Slot:
    """A predictor's place in the SeldonDeployment, and what is in it."""

    name: str
    version: str
    digest: str
    role: Literal["live", "shadow"]
    predictor: Manifest
    """The predictor as it was made when the instance was started."""
    status: Literal["running", "stopped", "vacant"] = "running"
    """stopped: may be started again; vacant: forgotten, and the place is free."""
    secrets: str = ""
    """Revision of the Secrets that its pods read, where they had to read them again since."""


@dataclass(frozen=True)
class State:
    """Instances by their places, and the traffic.

    Seldon's operator gives each predictor a metrics port by its place. Were a predictor taken out from before another,
    that one would move up, get another port, and with it new pods. So a place that is left stays, without pods, until
    another instance takes it or no other stands behind it.
    """

    model: str
    door: Door
    slots: tuple[Slot, ...] = ()
    traffic: Traffic = Traffic()
    generation: int = 0
    """Counts the changes."""

    @property
    def instances(self) -> tuple[Slot, ...]:
        """Those that are remembered."""
        return tuple(slot for slot in self.slots if slot.status != "vacant")

    def instance(self, name: str) -> Slot | None:
        """The instance called `name`."""
        return next((slot for slot in self.instances if slot.name == name), None)

    def with_instance(self, new: Slot) -> State:
        """The state with `new` in the place of the instance of its name, else in one that is free, else behind all others."""
        places = [index for index, slot in enumerate(self.slots) if slot.name == new.name]
        places += [index for index, slot in enumerate(self.slots) if slot.status == "vacant"]
        index = places[0] if places else len(self.slots)
        return replace(self, slots=(*self.slots[:index], new, *self.slots[index + 1 :]))

    def without(self, name: str, before: Iterable[Slot] = ()) -> State:
        """The state without the instance `name`; its place gets back what was in it `before`, where that was vacant."""
        former = list(before)
        slots = []
        for index, slot in enumerate(self.slots):
            if slot.name == name:
                old = former[index] if index < len(former) and former[index].status == "vacant" else slot
                slot = replace(old, status="vacant")
            slots.append(slot)
        while slots and slots[-1].status == "vacant":
            slots.pop()
        return replace(self, slots=tuple(slots))

    def with_status(self, name: str, status: Literal["running", "stopped"]) -> State:
        """The state with the instance `name` running, or not."""
        return replace(self, slots=tuple(replace(slot, status=status) if slot.name == name else slot for slot in self.slots))

    def renewed(self, secrets: str) -> State:
        """The state with pods that read the Secrets as they are at `secrets`."""
        return replace(self, slots=tuple(replace(slot, secrets=secrets) for slot in self.slots))

    def with_traffic(self, traffic: Traffic) -> State:
        """The state with `traffic`."""
        return replace(self, traffic=traffic)

    def offered(self, door: Door) -> State:
        """The state with the endpoint offered as `door` says."""
        return replace(self, door=door)

    def counted(self) -> State:
        """The state counted as a change that is to be written."""
        return replace(self, generation=self.generation + 1)

    def seldon_deployment(self, names: Names) -> Manifest | None:
        """What Seldon's operator is to make of it; None where it should make nothing."""
        if not self.slots:
            return None
        shares = self._percent()
        predictors = [
            (renewed(slot.predictor, slot.secrets), slot.status == "running", shares[slot.name], slot.role == "shadow")
            for slot in self.slots
        ]
        return seldon_deployment(names, self.model, predictors)

    def wish(self, names: Names) -> wish.Wish:
        """What the front door is to be like."""
        upstreams = tuple(Upstream(slot.name, names.pods(slot.name), PORT) for slot in self.instances if slot.status == "running")
        return wish.Wish(self.generation, self.door, upstreams, self.traffic)

    def to_secret(self, names: Names, tokens: str, version: str | None) -> Manifest:
        """The Secret that keeps it; `version` is that of the one to replace."""
        data = {KEY: self._to_json(), wish.FILE: self.wish(names).to_json(), wish.TOKENS: tokens}
        metadata: dict[str, Any] = {"name": names.frontdoor, "labels": names.labels}
        if version is not None:
            metadata["resourceVersion"] = version
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}

    @classmethod
    def from_secret(cls, secret: Manifest) -> tuple[State, str]:
        """State and tokens."""
        values = json.loads(_decoded(secret, KEY))
        slots = tuple(Slot(**slot) for slot in values["slots"])
        traffic = wish.traffic_from(values["traffic"])
        return cls(values["model"], Door(**values["door"]), slots, traffic, values["generation"]), _decoded(secret, wish.TOKENS)

    def _to_json(self) -> str:
        return json.dumps(asdict(self)) + "\n"

    def _percent(self) -> dict[str, int]:
        """Seldon's `traffic`: whole per cent that add up to 100 over those that are no shadows; the largest remainders are rounded up."""
        live = [slot.name for slot in self.slots if slot.role != "shadow"]
        shares = {slot.name: 0 for slot in self.slots}
        weights = {name: weight for name, weight in self.traffic.weights if name in live}
        if not weights:
            # Nobody has traffic. A mesh would send some all the same, and it must add up.
            running = [slot.name for slot in self.slots if slot.name in live and slot.status == "running"]
            weights = {(running or live)[0]: WHOLE} if live else {}
        for name, weight in weights.items():
            shares[name] = weight * 100 // WHOLE
        rest = sorted(weights, key=lambda name: -(weights[name] * 100 % WHOLE))
        for name in rest[: 100 - sum(shares.values())] if weights else []:
            shares[name] += 1
        return shares


def _decoded(secret: Manifest, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()
