"""`kubectl` against one context and namespace; what it refuses comes back as one line."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.tabular.errors import SwitchyardError

OWNER = "switchyard"
"""Field manager of everything that is applied."""
_TIMEOUT_S = 120


class ClusterError(SwitchyardError):
    """The cluster can't do what is asked; the message says how to mend it."""


class Refused(ClusterError):
    """kubectl said no: its own first line."""


class Forbidden(Refused):
    """Who runs this may not."""


@dataclass(frozen=True)
class Kubectl:
    """Where commands go."""

    context: str
    namespace: str

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = _TIMEOUT_S) -> str:
        """Standard output of `kubectl ARGUMENTS`.

        Raises
        ------
        ClusterError
            There is no kubectl, or it did not end in time.
        Refused
            It failed.
        """
        command = ["kubectl", "--context", self.context, "--namespace", self.namespace, *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s)
        except FileNotFoundError:
            raise ClusterError("there is no kubectl on this machine: install it (https://kubernetes.io/docs/tasks/tools/)") from None
        except subprocess.TimeoutExpired:
            raise ClusterError(
                f"the cluster of context {self.context!r} did not answer in {timeout_s:.0f} s: kubectl cluster-info"
            ) from None
        if done.returncode:
            lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("Warning:")]
            said = lines[-1] if lines else f"kubectl {arguments[0]} failed"
            raise (Forbidden if "(Forbidden)" in done.stderr else Refused)(said)
        return done.stdout

    def get(self, *what: str) -> dict[str, Any] | None:
        """One object, or a list of them; None where there is none."""
        found = self.run("get", *what, "--ignore-not-found", "-o", "json")
        return json.loads(found) if found.strip() else None

    def items(self, *what: str) -> list[dict[str, Any]]:
        """Objects of a list."""
        return list((self.get(*what) or {}).get("items", []))

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects; on the server's side, so that no copy of a secret ends in an annotation."""
        content = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.run("apply", "--server-side", "--force-conflicts", "--field-manager", OWNER, "-f", "-", stdin=content)

    def render(self, folder: Path) -> str:
        """The manifests of a kustomization as text."""
        return self.run("kustomize", str(folder))

    def serves(self, group: str) -> bool:
        """Whether the cluster has the API `group` (GROUP/VERSION); anybody who may log in may ask that."""
        try:
            self.run("get", "--raw", f"/apis/{group}")
        except Refused as error:
            if "NotFound" in str(error) or "not find" in str(error):
                return False
            raise
        return True

    def can(self, verb: str, resource: str) -> bool:
        """Whether who runs this may."""
        try:
            return self.run("auth", "can-i", verb, resource).strip().endswith("yes")
        except Refused:
            return False


def current_context() -> str:
    """Name of the current kube context.

    Raises
    ------
    ClusterError
        There is none.
    """
    try:
        done = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, timeout=_TIMEOUT_S)
    except FileNotFoundError:
        raise ClusterError("there is no kubectl on this machine: install it (https://kubernetes.io/docs/tasks/tools/)") from None
    if done.returncode or not done.stdout.strip():
        raise ClusterError("no kube context is current: export KUBECONFIG, or choose one (kubectl config use-context NAME)")
    return done.stdout.strip()


def secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    """The manifest of a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(name), "type": "Opaque", "stringData": values}


def config_map(name: str, values: dict[str, str]) -> dict[str, Any]:
    """The manifest of a ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(name), "data": values}


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "labels": {"app.kubernetes.io/part-of": OWNER}}
