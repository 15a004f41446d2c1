"""`Wish`: what the front doors of a model should be like, as a cluster's Secret tells it to the pods that are them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from switchyard.serving.frontdoor.state import Door, Traffic, Upstream

FILE, TOKENS = "frontdoor.json", "tokens"
"""Keys of the Secret, and names of the files that pods see."""
_OF_ONE_MACHINE = ("socket", "admin_socket", "member")
_LATER = ("certificate", "key", "requests_per_second_of_client")


@dataclass(frozen=True)
class Wish:
    """All that Envoy's configuration is made from, but the tokens."""

    generation: int
    """Counts the changes."""
    door: Door
    upstreams: tuple[Upstream, ...] = ()
    traffic: Traffic = Traffic()

    def to_json(self) -> str:
        """The text that the Secret holds."""
        return json.dumps(asdict(self, dict_factory=_without_what_is_new), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Wish:
        """What `to_json` wrote."""
        values = json.loads(text)
        upstreams = tuple(Upstream(**upstream) for upstream in values["upstreams"])
        return cls(values["generation"], Door(**values["door"]), upstreams, traffic_from(values["traffic"]))


def traffic_from(values: dict) -> Traffic:
    """The `Traffic` that `asdict` and JSON have made a mapping of."""
    return Traffic(tuple((name, weight) for name, weight in values["weights"]), tuple(values["shadows"]))


def _without_what_is_new(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Pods have ports and no pool; those whose image is of before do not know what was added since, there where it is asked for."""
    return {name: value for name, value in pairs if name not in _OF_ONE_MACHINE and (value or name not in _LATER)}
