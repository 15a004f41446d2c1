"""The common front door: one address for all models, before the front door that each of them has.

It knows whose door a path leads to and nothing else: tokens, shares, limits and the log of requests stay with the model's
own door, so that one model's change never touches another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from switchyard.serving.frontdoor.filters import TYPE
from switchyard.serving.frontdoor.routes import ROUTES
from switchyard.serving.frontdoor.state import LOOPBACK, Door, Upstream

Json = dict[str, Any]

_ANY_HOST = ("0.0.0.0", "::", "")
_NO_LIMIT = 1_000_000
"""Requests per second; each model's own door has the limit."""
_PATIENCE_S = 5.0
"""How much longer than a model's own door this one waits, so that it is the model's answer that a client sees."""


@dataclass(frozen=True)
class CommonDoor(Door):
    """A door that asks for no token itself, since the doors behind it do."""

    def __post_init__(self) -> None:
        """Any host will do: what asks for no token is not routed to from outside, see `behind`."""


def common_door(known: Door, doors: Mapping[str, Door]) -> CommonDoor:
    """The common door at the address of `known`, before `doors`."""
    patience = max((door.timeout_s for door in doors.values()), default=known.timeout_s) + _PATIENCE_S
    return CommonDoor(
        known.port, known.admin_port, known.host, authentication=False, requests_per_second=_NO_LIMIT, timeout_s=patience,
        access_log=known.access_log, admin_socket=known.admin_socket, certificate=known.certificate, key=known.key,
    )  # fmt: skip


def behind(common: Door, doors: Mapping[str, Door]) -> dict[str, Door]:
    """Those of `doors`, by model, that the common door leads to: where it is open to the world, none that asks for no token."""
    return {name: door for name, door in sorted(doors.items()) if door.authentication or common.host in LOOPBACK}


def upstreams(doors: Mapping[str, Door]) -> list[Upstream]:
    """The models' doors as Envoy reaches them."""
    return [Upstream(name, "127.0.0.1" if door.host in _ANY_HOST else door.host, door.port) for name, door in doors.items()]


def routes(doors: Mapping[str, Door]) -> Json:
    """/seldon/NAMESPACE/NAME/... as it is and /NAME/... without the name, each to the door of NAME."""
    # First, so that a model may be called seldon.
    found = [{"match": {"safe_regex": {"regex": f"/seldon/[^/]+/{name}/.*"}}, "route": _to(name, door)} for name, door in doors.items()]
    found += [{"match": {"prefix": f"/{name}/"}, "route": _to(name, door) | {"prefix_rewrite": "/"}} for name, door in doors.items()]
    found.append({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
    host: Json = {"name": "all", "domains": ["*"], "routes": found}
    return {"resources": [{"@type": f"{TYPE}.config.route.v3.RouteConfiguration", "name": ROUTES, "virtual_hosts": [host]}]}


def _to(name: str, door: Door) -> Json:
    return {
        "cluster": name,
        "timeout": f"{door.timeout_s + _PATIENCE_S:g}s",
        # Only what can't have arrived is sent again, which includes labels; a door that died is back within a second.
        "retry_policy": {
            "retry_on": "connect-failure,reset-before-request",
            "num_retries": 5,
            "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"},
        },
    }
