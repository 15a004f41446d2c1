"""`Cluster`: reads and writes objects of one namespace, as plain dictionaries.

ZenML's version of the kubernetes client knows the objects of its own time, and Seldon's none; so objects pass as the
API has them. The client's part is the connection: kubeconfig, accounts of pods, certificates, tokens that are renewed.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from typing import Any

from stacks.cluster.connection import connect
from stacks.cluster.errors import ClusterError, Conflict, Forbidden, Refused
from stacks.cluster.objects import OWNER, Object, place_of

_TIMEOUT_S = (5, 30)
_FORBIDDEN, _NOT_FOUND, _CONFLICT = 403, 404, 409
_REFUSALS = {_FORBIDDEN: Forbidden, _CONFLICT: Conflict}
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Cluster:
    """The objects of one namespace, and those of the cluster that have none.

    Parameters
    ----------
    namespace : str
    context : str, optional
        Of the kubeconfig; its current one where none is named. Inside a pod the pod's own account is used.
    api : kubernetes.client.ApiClient, optional
        The connection, where there is one already: an orchestrator's, or `connection.by_kubeconfig`'s.

    Raises
    ------
    ClusterError
        There is no such context, and no account of a pod's.
    """

    def __init__(self, namespace: str, context: str | None = None, api: Any = None) -> None:
        self.namespace, self.context = namespace, context or ""
        self._api = api or connect(context)

    def get(self, kind: str, name: str) -> Object | None:
        """The object, None where there is none."""
        try:
            return json.loads(self._call("GET", self._path(kind, name)))
        except ClusterError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, kind: str, selector: str = "", fields: str = "") -> builtins.list[Object]:
        """Objects whose labels fit `selector` and whose fields fit `fields`."""
        query = [(name, value) for name, value in (("labelSelector", selector), ("fieldSelector", fields)) if value]
        return json.loads(self._call("GET", self._path(kind), query=query))["items"]

    def apply(self, *manifests: Object) -> None:
        """Make the objects what the manifests say, as far as they say anything (server-side apply, so no annotation has a secret)."""
        query = [("fieldManager", OWNER), ("force", "true")]
        for manifest in manifests:
            path = self._path(manifest["kind"], manifest["metadata"]["name"], manifest["apiVersion"])
            self._call("PATCH", path, manifest, "application/apply-patch+yaml", query)

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

    def put(self, manifest: Object) -> None:
        """Have the object be `manifest` and nothing else, whatever it was."""
        try:
            self._call("PUT", self._path(manifest["kind"], manifest["metadata"]["name"]), manifest)
        except ClusterError as error:
            if error.status != _NOT_FOUND:
                raise
            self._call("POST", self._path(manifest["kind"]), manifest)

    def merge(self, kind: str, name: str, change: Object) -> bool:
        """Merge `change` into an object; False where there is none (JSON merge patch: a list is replaced whole)."""
        return self._unless_gone("PATCH", kind, name, change, "application/merge-patch+json")

    def annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        """Set annotations of an object; nothing is done where it is gone."""
        self.merge(kind, name, {"metadata": {"annotations": dict(annotations)}})

    def delete(self, kind: str, name: str) -> bool:
        """Delete an object with what it owns; False where it was gone. It may still be ending when this returns."""
        return self._unless_gone("DELETE", kind, name, {"propagationPolicy": "Background"})

    def log(self, pod: str, container: str = "", tail: int | None = None, previous: bool = False) -> str:
        """What a container (where none is named, the pod's only one) printed; empty where there is nothing of it."""
        query = [("previous", str(previous).lower())]
        query += [("container", container)] if container else []
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

    def version(self) -> Mapping[str, str]:
        """Version of the API server: `major`, `minor` and `gitVersion` among others."""
        return json.loads(self._call("GET", "/version"))

    def serves(self, group: str) -> bool:
        """Whether the cluster has the API `group` (GROUP/VERSION); anybody who may log in may ask that."""
        return self._resources(group) is not None

    def has(self, group: str, kind: str) -> bool:
        """Whether the cluster has objects of `kind` in the API `group`."""
        return any(one["kind"] == kind for one in self._resources(group) or [])

    def can(self, verb: str, resource: str) -> bool:
        """Whether who asks may do `verb` to `resource`: RESOURCE, RESOURCE.GROUP or RESOURCE/NAME, `*.*` for all there is."""
        resource, _, name = resource.partition("/")
        resource, _, group = resource.partition(".")
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "resource": resource, "name": name}
        review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {"resourceAttributes": attributes}}
        try:
            return bool(json.loads(self._call("POST", _REVIEW, review))["status"].get("allowed"))
        except Refused:
            return False

    def _resources(self, group: str) -> builtins.list[Object] | None:
        try:
            return json.loads(self._call("GET", f"/{'apis' if '/' in group else 'api'}/{group}"))["resources"]
        except ClusterError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _path(self, kind: str, name: str = "", group: str = "") -> str:
        place = place_of(kind, group, lambda: self._resources(group) or [])
        return place.path(self.namespace) + (f"/{name}" if name else "")

    def _unless_gone(self, method: str, kind: str, name: str, body: Object, content_type: str = "application/json") -> bool:
        try:
            self._call(method, self._path(kind, name), body, content_type)
        except ClusterError as error:
            if error.status != _NOT_FOUND:
                raise
            return False
        return True

    def _call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        content_type: str = "application/json",
        query: builtins.list[tuple[str, str]] | None = None,
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
            raise _REFUSALS.get(error.status, Refused)(message, error.status) from None
        except (HTTPError, OSError) as error:
            raise ClusterError(f"the cluster does not answer: {error}", 0) from error


def _message(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        return json.loads(text).get("message", "")
    except (ValueError, AttributeError):
        return text[:300]
