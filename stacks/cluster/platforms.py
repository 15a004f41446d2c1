"""For which machines images are built: for those of the cluster, which may not be like the one that builds."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from stacks.cluster.client import Cluster
from stacks.cluster.errors import ClusterError
from switchyard.tabular.errors import InputError

VARIABLE = "SWITCHYARD_PLATFORM"
_OS, _ARCHITECTURE = "kubernetes.io/os", "kubernetes.io/arch"


def platform_of(labels: Iterable[Mapping[str, str]]) -> str:
    """OS/ARCHITECTURE of images for nodes with these labels, linux/amd64 where none tells; SWITCHYARD_PLATFORM comes first.

    Raises
    ------
    InputError
        The variable names no platform of Linux.
    ClusterError
        The nodes are of several architectures, and nobody says for which to build.
    """
    if chosen := os.environ.get(VARIABLE):
        if not re.fullmatch(r"linux/[a-z0-9]+(/v\d+)?", chosen):
            raise InputError(f"{VARIABLE}={chosen} is no platform of Linux, as linux/amd64 or linux/arm64")
        return chosen
    found = Counter(node[_ARCHITECTURE] for node in labels if node.get(_OS) == "linux" and _ARCHITECTURE in node)
    if len(found) > 1:
        kinds = " and ".join(f"{count} {name}" for name, count in sorted(found.items()))
        raise ClusterError(
            f"the cluster's nodes are {kinds}, and an image is for one of them: export {VARIABLE}=linux/{found.most_common(1)[0][0]}, "
            "and keep pods off the others (taints; or NODE_SELECTOR in a file for --settings, and node selectors of runs and models: "
            "docs/kubernetes.md, Nodes)"
        )
    return f"linux/{next(iter(found), 'amd64')}"


def platform_of_cluster(cluster: Cluster) -> str:
    """`platform_of` the cluster's nodes, as far as who asks may see them."""
    try:
        nodes = cluster.list("Node")
    except ClusterError:
        # Not for these eyes; what else is wrong with the cluster will be said by what needs it.
        nodes = []
    return platform_of(node["metadata"].get("labels") or {} for node in nodes)
