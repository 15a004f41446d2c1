"""`routes`: which path of a model's door is answered by which version, and who may ask; Envoy takes them up while running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchyard.serving.frontdoor.filters import AUTH, RATE, TYPE, clients
from switchyard.serving.frontdoor.state import Door, Traffic
from switchyard.serving.frontdoor.tokens import Token

Json = dict[str, Any]

PREDICTIONS = ("/predict", "/api/v1.0/predictions", "/api/v0.1/predictions")
EXPLANATIONS = ("/explain", "/api/v1.0/explain")
FEEDBACK = ("/feedback", "/api/v1.0/feedback", "/api/v0.1/feedback", "/send-feedback")
HEALTH = ("/health", "/health/status", "/api/v1.0/health/status", "/health/ping")
METRICS = ("/metrics",)
DESCRIPTION = ("/seldon.json", "/openapi.json", "/metadata", "/api/v1.0/metadata")
PAGE = ("/docs", "/docs/page.js", "/docs/page.css", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css")
ENTITY_HEADER = "x-entity-id"
ROUTES = "predictions"
OTHER = "other"
"""Name in the statistics of what is no prediction; only the stable version answers it."""
_GATEWAY = "/seldon/[^/]+/"
"""What Seldon's gateways have in front of a deployment's name: any namespace, for a door has one."""
_REWRITES = {"/feedback": "/api/v1.0/feedback", "/health": "/health/status"}
_OTHERS = "envoy.retry_host_predicates.previous_hosts"


def routes(door: Door, traffic: Traffic, tokens: Sequence[Token], model: str = "") -> Json:
    """Who answers which path, and who may ask.

    Parameters
    ----------
    door : Door
    traffic : Traffic
    tokens : sequence of Token
        Those that are good now; none lets nobody in where the door asks for one.
    model : str
        Whose door it is, for the paths of Seldon's gateways (/seldon/NAMESPACE/NAME/...); none are offered without it.
    """
    timeout = f"{door.timeout_s:g}s"

    def may(scope: str) -> Json | None:
        return clients(tokens, scope) if door.authentication else None

    found: list[Json] = []
    if traffic.stable:
        stable = {"cluster": traffic.stable, "timeout": timeout}
        split = _weighted(traffic) | {"timeout": timeout, "retry_policy": _once()}
        counted = {"stat_prefix": OTHER}
        # By the version that answers the entity, and to no shadow.
        found += [_route(path, split, scope=may("explain")) | counted for path in EXPLANATIONS]
        if traffic.shadows:
            mirrors = [{"cluster": name, "disable_shadow_host_suffix_append": True} for name in traffic.shadows]
            split = split | {"request_mirror_policies": mirrors}
        found += [_route(path, stable, public=door.authentication, unlimited=True) | counted for path in HEALTH]
        found += [_route(path, split, scope=may("predict")) for path in PREDICTIONS]
        found += [_route(path, stable, scope=may("feedback")) | counted for path in FEEDBACK]
        # Without authentication everybody would read them.
        found += [_route(path, stable, scope=may("metrics")) | counted for path in METRICS if door.authentication]
        found += [_route(path, stable | {"retry_policy": _once()}) | counted for path in DESCRIPTION]
        # What a browser opens has no token yet; the page says nothing of the model.
        found += [_route(path, stable | {"retry_policy": _once()}, public=door.authentication) | counted for path in PAGE]
    else:
        nothing = {"direct_response": {"status": 503}}
        paths = (*HEALTH, *PREDICTIONS, *EXPLANATIONS, *FEEDBACK, *DESCRIPTION, *PAGE)
        found += [{"match": {"path": path}, **nothing} for path in paths]
    if model:
        found += [_through_gateway(route, model) for route in found]
    found.append({"match": {"prefix": "/"}, "direct_response": {"status": 404}})
    host: Json = {"name": "all", "domains": ["*"], "routes": found}
    if door.authentication:
        host["typed_per_filter_config"] = {AUTH: clients(tokens)}
    return {"resources": [{"@type": f"{TYPE}.config.route.v3.RouteConfiguration", "name": ROUTES, "virtual_hosts": [host]}]}


def _route(path: str, action: Json, public: bool = False, unlimited: bool = False, scope: Json | None = None) -> Json:
    if path in _REWRITES:
        action = {**action, "regex_rewrite": {"pattern": {"regex": "^/.*$"}, "substitution": _REWRITES[path]}}
    route: Json = {"match": {"path": path}, "route": action}
    off = {"@type": f"{TYPE}.config.route.v3.FilterConfig", "disabled": True}
    own = {name: off for name, here in ((AUTH, public), (RATE, unlimited)) if here} | ({AUTH: scope} if scope else {})
    return route | ({"typed_per_filter_config": own} if own else {})


def _through_gateway(route: Json, model: str) -> Json:
    """`route` by the path that Seldon's clients use: /seldon/NAMESPACE/NAME in front."""
    path = route["match"]["path"]
    # Names of models are letters, digits, - and _; paths have a point in their versions.
    pattern = f"{_GATEWAY}{model}{path.replace('.', '[.]')}"
    found = {**route, "match": {"safe_regex": {"regex": pattern}}}
    if "route" in route:
        found["route"] = {**route["route"], "regex_rewrite": {"pattern": {"regex": "^/.*$"}, "substitution": _REWRITES.get(path, path)}}
    return found


def _weighted(traffic: Traffic) -> Json:
    """A split that an entity keeps: by the hash of its id, and by the request's where no entity is named."""
    if len(traffic.weights) == 1:
        return {"cluster": traffic.weights[0][0]}
    return {
        "weighted_clusters": {"clusters": [{"name": name, "weight": weight} for name, weight in traffic.weights], "use_hash_policy": True},
        "hash_policy": [
            {"header": {"header_name": ENTITY_HEADER}, "terminal": True},
            {"header": {"header_name": "x-request-id"}, "terminal": True},
        ],
    }


def _once() -> Json:
    return {
        "retry_on": "connect-failure,reset",
        "num_retries": 1,
        "retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"},
        # Another replica than the one that failed, where there is another.
        "retry_host_predicate": [
            {"name": _OTHERS, "typed_config": {"@type": f"{TYPE}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"}}
        ],
        # Each attempt is a draw of its own, in which the one that failed is likely: it has the fewest requests now.
        "host_selection_retry_max_attempts": 20,
    }
