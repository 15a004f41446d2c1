"""`Cluster`: reads and writes objects of one namespace, as plain dictionaries.

ZenML's version of the kubernetes client knows the objects of its own time, and Seldon's none; so objects pass as the
API has them. The client's part is the connection: kubeconfig, accounts of pods, certificates, tokens that are renewed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deployment.host import DeploymentError

Object = dict[str, Any]

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
_TIMEOUT_S = (5, 30)
_PLACES = {
    "SeldonDeployment": ("/apis/machinelearning.seldon.io/v1", "seldondeployments"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "Pod": ("/api/v1", "pods"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
}
KINDS = tuple(_PLACES)
_NOT_FOUND, _CONFLICT = 404, 409


class ClusterError(DeploymentError):
    """The cluster does not answer, or refuses."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        """Of HTTP; 0 where there was no answer."""

    @property
    def is_passing(self) -> bool:
        """Whether it is worth asking again."""
        return self.status in (0, 429) or self.status >= 500


class Conflict(ClusterError):
    """Somebody else has changed the object since it was read."""


class Cluster:
    """The objects of one namespace.

    Parameters
    ----------
    namespace : str
    context : str, optional
        Of the kubeconfig; its current one where none is named. Inside a pod the pod's own account is used.

    Raises
    ------
    ClusterError
        There is no such context, and no account of a pod's.
    """

    def __init__(self, namespace: str, context: str | None = None) -> None:
        self.namespace = namespace
        self._api = _connect(context)

    def get(self, kind: str, name: str) -> Object | None:
        """The object, None where there is none."""
        try:
            return json.loads(self._call("GET", self._path(kind, name)))
        except ClusterError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """Objects whose labels fit."""
        query = [("labelSelector", selector)] if selector else []
        return json.loads(self._call("GET", self._path(kind), query=query))["items"]

    def apply(self, manifest: Object) -> None:
        """Make the object what `manifest` says, as far as it says anything (server-side apply)."""
        name = manifest["metadata"]["name"]
        query = [("fieldManager", "switchyard"), ("force", "true")]
        self._call("PATCH", self._path(manifest["kind"], name), manifest, "application/apply-patch+yaml", query)

    def write(self, manifest: Object) -> None:
        """Create the object or, where a resourceVersion is named, replace the one of that version.

        Raises
        ------
        Conflict
            It is there already, or is of another version by now.
        """
        replaces = "resourceVersion" in manifest["metadata"]
        path = self._path(manifest["kind"], manifest["metadata"]["name"] if replaces else "")
        self._call("PUT" if replaces else "POST", path, manifest)

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of an object; nothing is done where it is gone."""
        try:
            self._call("PATCH", self._path(kind, name), {"metadata": {"annotations": annotations}}, "application/merge-patch+json")
        except ClusterError as error:
            if error.status != _NOT_FOUND:
                raise

    def delete(self, kind: str, name: str) -> None:
        """Delete an object with what it owns; nothing is done where it is gone."""
        try:
            self._call("DELETE", self._path(kind, name), {"propagationPolicy": "Background"})
        except ClusterError as error:
            if error.status != _NOT_FOUND:
                raise

    def log(self, pod: str, container: str, tail: int | None = None, previous: bool = False) -> str:
        """What a container printed; empty where there is nothing of it."""
        query = [("container", container), ("previous", str(previous).lower())]
        query += [("tailLines", str(tail))] if tail is not None else []
        try:
            return self._call("GET", f"{self._path('Pod', pod)}/log", query=query)
        except ClusterError:
            return ""

    def ask(self, pod: str, port: int, path: str) -> str:
        """What a pod answers to a GET, by way of the API server.

        Raises
        ------
        ClusterError
            It does not, or the API server is not let in.
        """
        try:
            return self._call("GET", f"{self._path('Pod', pod)}:{port}/proxy{path}", timeout_s=(2, 5))
        except ClusterError as error:
            raise ClusterError(f"pod {pod} can't be asked at port {port}: {error}", error.status) from None

    def _path(self, kind: str, name: str = "") -> str:
        group, plural = _PLACES[kind]
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def _call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        content_type: str = "application/json",
        query: list[tuple[str, str]] | None = None,
        timeout_s: tuple[int, int] = _TIMEOUT_S,
    ) -> str:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        headers = {"Accept": "application/json, */*", "Content-Type": content_type}
        try:
            answer = self._api.call_api(
                path,
                method,
                query_params=query or [],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=timeout_s,
            )
            return answer.data.decode("utf-8", "replace")
        except ApiException as error:
            message = f"the cluster refuses {method} {path}: {_message(error.body) or error.reason}"
            raise (Conflict if error.status == _CONFLICT else ClusterError)(message, error.status) from None
        except (HTTPError, OSError) as error:
            raise ClusterError(f"the cluster does not answer: {error}") from error


def in_pod() -> bool:
    """Whether this process runs in a pod that has an account."""
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and _ACCOUNT.is_file()


def _connect(context: str | None) -> Any:
    from kubernetes import client, config

    configuration = client.Configuration()
    try:
        if in_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(context=context, client_configuration=configuration)
    except config.ConfigException as error:
        where = f"context {context!r} of the kubeconfig" if context else "the kubeconfig"
        raise ClusterError(f"{where} can't be used ({error}): python run.py stack up kubernetes puts it right for this machine") from None
    # The host waits and tries again by itself, and says what it waits for.
    configuration.retries = False
    return client.ApiClient(configuration)


def _message(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        return json.loads(text).get("message", "")
    except (ValueError, AttributeError):
        return text[:300]
