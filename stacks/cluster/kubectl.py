"""`kubectl`, for what the API has not: the kubeconfig of this machine, and kustomizations."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from stacks.cluster.errors import ClusterError

_TIMEOUT_S = 120


def kubectl(*arguments: str) -> str:
    """Standard output of `kubectl ARGUMENTS`.

    Raises
    ------
    ClusterError
        There is no kubectl, it did not end in time, or it failed: with its own line.
    """
    try:
        done = subprocess.run(["kubectl", *arguments], capture_output=True, text=True, timeout=_TIMEOUT_S)
    except FileNotFoundError:
        raise ClusterError("there is no kubectl on this machine: install it (https://kubernetes.io/docs/tasks/tools/)") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"kubectl {' '.join(arguments[:2])} did not end in {_TIMEOUT_S} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("Warning:")]
        raise ClusterError(lines[-1] if lines else f"kubectl {arguments[0]} failed")
    return done.stdout


def kubeconfig() -> dict[str, Any]:
    """The kubeconfig as kubectl merges it."""
    return json.loads(kubectl("config", "view", "-o", "json"))


def current_context() -> str:
    """Name of the current kube context.

    Raises
    ------
    ClusterError
        There is none.
    """
    found = str(kubeconfig().get("current-context") or "")
    if not found:
        raise ClusterError("no kube context is current: export KUBECONFIG, or choose one (kubectl config use-context NAME)")
    return found


def user_of(context: str) -> dict[str, Any]:
    """The entry of the user whom a context logs in as."""
    found = kubeconfig()
    name = next(one["context"]["user"] for one in found["contexts"] if one["name"] == context)
    return next((one["user"] for one in found.get("users") or [] if one["name"] == name), {})


def render(folder: Path) -> str:
    """The manifests of a kustomization as text."""
    return kubectl("kustomize", str(folder))
