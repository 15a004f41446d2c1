"""Puts Envoy's files where a running Envoy takes them up, and asks it whether it did."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from switchyard.files import write_whole
from switchyard.serving.frontdoor import common, config, routes
from switchyard.serving.frontdoor.state import Door, Traffic, Upstream
from switchyard.serving.frontdoor.tokens import Token
from switchyard.serving.sockets import Address
from switchyard.serving.sockets import connection as connection_to


def write_static(folder: Path, door: Door) -> Path:
    """Write the bootstrap and the listener; returns the bootstrap's path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / "listeners.json", config.listeners(door, str(folder)))
    _write(folder / "bootstrap.json", config.bootstrap(door, str(folder)))
    return folder / "bootstrap.json"


def write_clusters(folder: Path, upstreams: Sequence[Upstream]) -> None:
    """Write the versions that can be reached."""
    _write(folder / "clusters.json", config.clusters(upstreams))


def write_routes(folder: Path, door: Door, traffic: Traffic, tokens: Sequence[Token], model: str = "") -> str:
    """Write who answers what; returns the name by which `has_routes` asks for them."""
    return _write(folder / "routes.json", routes.routes(door, traffic, tokens, model))


def write_certificate(folder: Path, certificate: str, key: str) -> None:
    """Write the PEM texts by which a door speaks TLS."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / "certificate.json", config.secret(certificate, key))


def write_common_routes(folder: Path, doors: Mapping[str, Door]) -> str:
    """Write which model's door answers what, for the common door; returns as `write_routes`."""
    return _write(folder / "routes.json", common.routes(doors))


def _write(path: Path, content: dict[str, Any]) -> str:
    """Replace `path` in one step, readable by its owner alone since routes hold tokens; nothing is done where it is the same."""
    text = json.dumps(content, indent=1)
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    if "resources" in content:
        text = json.dumps({"version_info": version, **content}, indent=1)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return version
    _replace(path, text)
    return version


def _replace(path: Path, text: str) -> None:
    # Envoy watches the folder for exactly this: a file that is moved into it.
    write_whole(path, text, 0o600)


def listen_again(folder: Path) -> None:
    """Have Envoy try the listener in `folder` again: one whose port was taken it rejects, and keeps no memory of it."""
    path = folder / "listeners.json"
    _replace(path, path.read_text(encoding="utf-8"))


def has_listener(at: Address, port: int) -> bool:
    """Whether the running Envoy listens on `port`."""
    answer = admin(at, "/listeners?format=json")
    found = json.loads(answer).get("listener_statuses", []) if answer else []
    return any(listener["local_address"]["socket_address"]["port_value"] == port for listener in found)


def has_routes(at: Address, version: str) -> bool:
    """Whether the running Envoy works by the routes of `version`, as `write_routes` named them."""
    answer = admin(at, "/config_dump?resource=dynamic_route_configs")
    return answer is not None and any(entry.get("version_info") == version for entry in json.loads(answer).get("configs", []))


def has_clusters(at: Address, upstreams: Sequence[Upstream]) -> bool:
    """Whether the running Envoy knows these versions, and no others."""
    answer = admin(at, "/clusters?format=json")
    if answer is None:
        return False
    found = {
        (cluster["name"], host["address"].get("pipe", {}).get("path") or host["address"]["socket_address"]["port_value"])
        for cluster in json.loads(answer).get("cluster_statuses", [])
        for host in cluster.get("host_statuses", [])
    }
    return found == {(upstream.name, upstream.socket or upstream.port) for upstream in upstreams}


def reachable(at: Address) -> dict[str, int]:
    """The versions that the running Envoy knows, and how many addresses it has found of each."""
    answer = admin(at, "/clusters?format=json")
    clusters = json.loads(answer).get("cluster_statuses", []) if answer else []
    return {cluster["name"]: len(cluster.get("host_statuses", [])) for cluster in clusters}


def active_requests(at: Address, upstream: str) -> int:
    """Requests that `upstream` has not answered yet; 0 where Envoy does not know it."""
    answer = admin(at, f"/stats?filter=^cluster\\.{upstream}\\.upstream_rq_active$") or ""
    return sum(int(line.rsplit(" ", 1)[1]) for line in answer.splitlines() if ": " in line)


def is_ready(at: Address) -> bool:
    """Whether Envoy takes requests."""
    return (admin(at, "/ready") or "").startswith("LIVE")


def admin(at: Address, path: str, method: str = "GET", seconds: float = 2.0) -> str | None:
    """What Envoy's own interface answers, None where it does not with 200."""
    connection = connection_to(at, seconds)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        return text if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
