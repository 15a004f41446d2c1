"""`read_statistics`: what Envoy counted of each version, from its text for Prometheus."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from switchyard.serving.frontdoor.routes import OTHER

_LINE = re.compile(r"^envoy_(?:cluster|vhost_route)_upstream_rq_(completed|xx|time_bucket)\{([^}]*)\} (\d+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class Statistics:
    """What Envoy counted of one version. It brings its times up to date every five seconds."""

    requests: int = 0
    errors: int = 0
    """Answered with 5xx, by the version or, where it did not answer, for it."""
    refused: int = 0
    """Answered with 4xx by the version: it could not take what was sent."""
    latency: dict[float, int] = field(default_factory=dict)
    """Upper edge in milliseconds -> requests answered within it."""


def read_statistics(text: str) -> dict[str, Statistics]:
    """Counts by version's name at the front door, and under `OTHER` what was no prediction, which the stable version's include.

    Texts of several replicas, one after the other, are added up.
    """
    found: dict[str, Statistics] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        labels, count = dict(_LABEL.findall(match[2])), int(match[3])
        own = found.setdefault(labels.get("envoy_cluster_name", OTHER), Statistics())
        if match[1] == "completed":
            own.requests += count
        elif match[1] == "time_bucket":
            edge = float(labels["le"].replace("+Inf", "inf"))
            own.latency[edge] = own.latency.get(edge, 0) + count
        elif labels["envoy_response_code_class"] == "5":
            own.errors += count
        elif labels["envoy_response_code_class"] == "4":
            own.refused += count
    return found
