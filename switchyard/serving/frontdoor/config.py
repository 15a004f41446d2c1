"""Envoy's configuration: `bootstrap`, which is read once, and `listeners` and `clusters`, which it takes up while running, as its routes.

Field names are Envoy's own, of its API v3: https://www.envoyproxy.io/docs/envoy/latest/api-v3/api
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from switchyard.serving.frontdoor.filters import AUTH, CLIENT_HEADER, LISTENER, RATE, TYPE, access_log, rate_limit
from switchyard.serving.frontdoor.replies import local_replies
from switchyard.serving.frontdoor.routes import ROUTES
from switchyard.serving.frontdoor.state import Door, Upstream
from switchyard.serving.sockets import MEMBER_HEADER

Json = dict[str, Any]

CERTIFICATE = "certificate"
FIRST_WORD_S = 5
"""How long a connection may be silent before its first request."""

# Shorter than the 75 s that the service keeps an idle connection, else a request is sent into a closed one.
_IDLE = "60s"
_MOST_AGAIN = 1024
"""Requests that may wait to be sent again at a time, as many as Envoy has under way to a version."""
_HTTP = f"{TYPE}.extensions.filters.http"
_INSPECTOR = "envoy.filters.listener.{}_inspector"
_MUTATION = "envoy.http.early_header_mutation.header_mutation"
_EARLY = f"{TYPE}.extensions.http.early_header_mutation.header_mutation.v3"
_CONNECTIONS = "envoy.resource_monitors.global_downstream_max_connections"
_BUFFER = "envoy.filters.http.buffer"


def bootstrap(door: Door, folder: str) -> Json:
    """What Envoy is started with; everything else it watches in `folder`."""
    return {
        "node": {"id": "frontdoor", "cluster": "switchyard"},
        "admin": {"address": _pipe(door.admin_socket) if door.admin_socket else _address("127.0.0.1", door.admin_port)},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": _CONNECTIONS,
                    "typed_config": {
                        "@type": f"{TYPE}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        "max_active_downstream_connections": door.max_connections,
                    },
                }
            ]
        },
        "dynamic_resources": {"lds_config": _watched(folder, "listeners.json"), "cds_config": _watched(folder, "clusters.json")},
    }


def listeners(door: Door, folder: str) -> Json:
    """One listener: authentication, rate limit, body limit, then the routes."""
    manager = _manager(door, folder)
    chain: Json = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if door.certificate:
        chain |= {"transport_socket": _tls(folder), "transport_socket_connect_timeout": f"{FIRST_WORD_S}s"}
    listener = {
        "@type": f"{TYPE}.config.listener.v3.Listener",
        "name": LISTENER,
        "address": _address(door.host, door.port),
        # A request is held whole until the model has answered, so that it can be sent a second time.
        "per_connection_buffer_limit_bytes": max(door.max_bytes, 1024 * 1024),
        # Who connects and says nothing would hold one of the connections that there are for as long as an idle one is kept.
        "listener_filters": [_inspector("tls" if door.certificate else "http")],
        "listener_filters_timeout": f"{FIRST_WORD_S}s",
        "filter_chains": [chain],
    }
    return {"resources": [listener]}


def _manager(door: Door, folder: str) -> Json:
    """What is done with each request before it is led to a version."""
    filters = [
        _filter(RATE, f"{_HTTP}.local_ratelimit.v3.LocalRateLimit", **rate_limit(door)),
        _filter(_BUFFER, f"{_HTTP}.buffer.v3.Buffer", max_request_bytes=door.max_bytes),
        _filter("envoy.filters.http.router", f"{_HTTP}.router.v3.Router"),
    ]
    if door.authentication:
        # Who may come in is in the routes, which change without a connection being closed.
        filters.insert(0, _filter(AUTH, f"{_HTTP}.api_key_auth.v3.ApiKeyAuth", key_sources=[{"header": "Authorization"}]))
    return {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": LISTENER,
        "rds": {"route_config_name": ROUTES, "config_source": _watched(folder, "routes.json")},
        "http_filters": filters,
        "local_reply_config": local_replies(),
        "access_log": [access_log(door.access_log)],
        # Who somebody is, the token says; what a request says of that itself would be written into the log.
        "early_header_mutation_extensions": [_filter(_MUTATION, f"{_EARLY}.HeaderMutation", mutations=[{"remove": CLIENT_HEADER}])],
        "http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "model"},
        "use_remote_address": True,
        # Nobody is trusted with x-envoy-* headers, which could ask for retries and timeouts of their own. An empty list
        # would mean private networks and loopback; this one is an address that nobody has.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        # A prediction is idempotent by its id: the client's own is kept as it is, to the bit.
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            "typed_config": {
                "@type": f"{TYPE}.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                "pack_trace_reason": False,
                "use_request_id_for_trace_sampling": False,
            }
        },
        "request_headers_timeout": "10s",
        "request_timeout": f"{door.timeout_s:g}s",
        "stream_idle_timeout": f"{2 * door.timeout_s:g}s",
        "common_http_protocol_options": {"idle_timeout": "300s", "headers_with_underscores_action": "REJECT_REQUEST"},
        "delayed_close_timeout": "1s",
        "drain_timeout": "5s",
    }


def _inspector(kind: str) -> Json:
    name = _INSPECTOR.format(kind)
    return _filter(name, f"{TYPE}.extensions.filters.listener.{kind}_inspector.v3.{kind.capitalize()}Inspector")


def _tls(folder: str) -> Json:
    """What speaks TLS by the certificate of `secret`, which is taken up anew when it changes; open connections go on."""
    context = f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [{"name": CERTIFICATE, "sds_config": _watched(folder, "certificate.json")}],
    }
    return _filter("envoy.transport_sockets.tls", context, common_tls_context=common)


def secret(certificate: str, key: str) -> Json:
    """The PEM texts of a certificate with its chain, and of its private key, as Envoy watches them."""
    texts = {"certificate_chain": {"inline_string": certificate}, "private_key": {"inline_string": key}}
    return {"resources": [{"@type": f"{TYPE}.extensions.transport_sockets.tls.v3.Secret", "name": CERTIFICATE, "tls_certificate": texts}]}


def clusters(upstreams: Sequence[Upstream]) -> Json:
    """A cluster for each version, by whose name its statistics go."""
    return {"resources": [_cluster(upstream) for upstream in upstreams]}


def _cluster(upstream: Upstream) -> Json:
    address = _pipe(upstream.socket) if upstream.socket else _address(upstream.host, upstream.port)
    return {
        "@type": f"{TYPE}.config.cluster.v3.Cluster",
        "name": upstream.name,
        "connect_timeout": "1s",
        # Envoy's own limit is three at once: fewer than a pod that dies leaves unanswered.
        "circuit_breakers": {"thresholds": [{"max_retries": _MOST_AGAIN}]},
        "load_assignment": {
            "cluster_name": upstream.name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": _IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
                **({"http_filters": _naming(upstream.member)} if upstream.member else {}),
            }
        },
        **({"type": "STATIC"} if upstream.host.replace(".", "").isdigit() else _BY_NAME),
    }


def _naming(member: str) -> list[Json]:
    """Filters of all that is sent to a version, split, mirrored or sent again: the header that names it to its pool."""
    named = {"append": {"header": {"key": MEMBER_HEADER, "value": member}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return [
        _filter(
            "envoy.filters.http.header_mutation", f"{_HTTP}.header_mutation.v3.HeaderMutation", mutations={"request_mutations": [named]}
        ),
        _filter("envoy.filters.http.upstream_codec", f"{_HTTP}.upstream_codec.v3.UpstreamCodec"),
    ]


# A name stands for all replicas of a version: who comes and goes is seen within a second, who refuses connections is
# left alone for a moment, and never are all of them.
_BY_NAME: Json = {
    "type": "STRICT_DNS",
    "dns_refresh_rate": "1s",
    "dns_lookup_family": "V4_PREFERRED",
    "lb_policy": "LEAST_REQUEST",
    "outlier_detection": {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 1,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "interval": "1s",
        "base_ejection_time": "3s",
        "max_ejection_percent": 50,
    },
}


def _filter(name: str, kind: str, **settings: Any) -> Json:
    return {"name": name, "typed_config": {"@type": kind, **settings}}


def _watched(folder: str, name: str) -> Json:
    return {"resource_api_version": "V3", "path_config_source": {"path": f"{folder}/{name}", "watched_directory": {"path": folder}}}


def _pipe(path: str) -> Json:
    return {"pipe": {"path": path}}


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}
