"""The client against an API server that answers as told: what is asked, and what refusals become."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from stacks.cluster.client import Cluster
from stacks.cluster.connection import by_kubeconfig, connect
from stacks.cluster.errors import ClusterError, Conflict, Forbidden, Refused


class Server(ThreadingHTTPServer):
    """`answers` is (method, path) -> (status, object); all else is not found."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[tuple[str, str], tuple[int, dict]] = {}
        self.asked: list[tuple[str, str, dict, str, dict | None]] = []
        """(method, path, query, content type, body)."""


class Handler(BaseHTTPRequestHandler):
    def _answer(self):
        split, length = urlsplit(self.path), int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = {key: value for key, (value,) in parse_qs(split.query).items()}
        self.server.asked.append((self.command, split.path, query, self.headers["Content-Type"], body))
        status, found = self.server.answers.get((self.command, split.path), (404, {"message": "not found"}))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def server():
    made = Server()
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def cluster(server, tmp_path, monkeypatch):
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "config"))
    return Cluster("ours", "here")


def test_objects_are_where_their_kind_is_and_one_that_is_gone_is_none(server, cluster):
    server.answers["GET", "/apis/batch/v1/namespaces/ours/cronjobs/j"] = 200, {"kind": "CronJob"}
    server.answers["GET", "/api/v1/nodes"] = 200, {"items": [{"kind": "Node"}]}

    assert cluster.get("CronJob", "j") == {"kind": "CronJob"}
    assert cluster.get("ConfigMap", "none") is None
    assert cluster.list("Node") == [{"kind": "Node"}]


def test_lists_are_chosen_by_labels_and_fields(server, cluster):
    server.answers["GET", "/api/v1/namespaces/ours/events"] = 200, {"items": []}
    cluster.list("Event", "a=b", "reason=FailedCreate")
    assert server.asked[-1][2] == {"labelSelector": "a=b", "fieldSelector": "reason=FailedCreate"}


def test_what_is_applied_is_applied_on_the_servers_side_and_in_order(server, cluster):
    for plural in ("secrets/s", "configmaps/c"):
        server.answers["PATCH", f"/api/v1/namespaces/ours/{plural}"] = 200, {}
    made = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": kind[0].lower()}} for kind in ("Secret", "ConfigMap")]
    cluster.apply(*made)

    assert [asked[4] for asked in server.asked] == made
    for asked in server.asked:
        assert asked[2] == {"fieldManager": "switchyard", "force": "true"} and asked[3] == "application/apply-patch+yaml"


def test_a_kind_that_somebody_else_defines_is_found_by_its_group(server, cluster):
    names = ("podmonitors/status", "podmonitors")
    defined = [{"kind": "PodMonitor", "name": name, "namespaced": True} for name in names]
    server.answers["GET", "/apis/monitoring.coreos.com/v1"] = 200, {"resources": defined}
    server.answers["PATCH", "/apis/monitoring.coreos.com/v1/namespaces/ours/podmonitors/m"] = 200, {}

    cluster.apply({"apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": {"name": "m"}})
    with pytest.raises(ClusterError, match="knows no Gateway of gateway.networking.k8s.io/v1"):
        cluster.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "g"}})


@pytest.mark.parametrize(
    ("status", "kind", "passing"), [(403, Forbidden, False), (409, Conflict, True), (422, Refused, False), (503, Refused, True)]
)
def test_a_refusal_says_what_the_server_says_and_whether_to_ask_again(server, cluster, status, kind, passing):
    server.answers["GET", "/api/v1/namespaces/ours/pods"] = status, {"message": "pods is what it is"}
    with pytest.raises(ClusterError, match="refuses GET /api/v1/namespaces/ours/pods: pods is what it is") as caught:
        cluster.list("Pod")
    assert type(caught.value) is kind and caught.value.is_passing is passing


def test_a_server_that_is_away_is_worth_asking_again(server, cluster):
    server.shutdown()
    server.server_close()
    with pytest.raises(ClusterError, match="the cluster does not answer") as caught:
        cluster.version()
    assert caught.value.is_passing


def test_put_replaces_what_is_there_and_else_makes_it(server, cluster):
    manifest = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "j"}}
    server.answers["POST", "/apis/batch/v1/namespaces/ours/cronjobs"] = 201, {}
    cluster.put(manifest)
    server.answers["PUT", "/apis/batch/v1/namespaces/ours/cronjobs/j"] = 200, {}
    cluster.put(manifest)

    assert [asked[0] for asked in server.asked] == ["PUT", "POST", "PUT"]


def test_deleting_and_merging_say_whether_there_was_anything(server, cluster):
    path = "/apis/apps/v1/namespaces/ours/deployments/d"
    server.answers["DELETE", path] = server.answers["PATCH", path] = 200, {}

    assert cluster.delete("Deployment", "d") and cluster.merge("Deployment", "d", {"spec": {}})
    assert not cluster.delete("Deployment", "none") and not cluster.merge("Deployment", "none", {})
    assert server.asked[0][4] == {"propagationPolicy": "Background"} and server.asked[1][3] == "application/merge-patch+json"


@pytest.mark.parametrize(
    ("resource", "attributes"),
    [
        ("services", {"resource": "services", "group": "", "name": ""}),
        ("jobs.batch", {"resource": "jobs", "group": "batch", "name": ""}),
        (
            "seldondeployments.machinelearning.seldon.io",
            {"resource": "seldondeployments", "group": "machinelearning.seldon.io", "name": ""},
        ),
        ("namespaces/ours", {"resource": "namespaces", "group": "", "name": "ours"}),
        ("*.*", {"resource": "*", "group": "*", "name": ""}),
    ],
)
def test_rights_are_asked_of_the_server(server, cluster, resource, attributes):
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    server.answers["POST", review] = 201, {"status": {"allowed": True}}
    assert cluster.can("create", resource)
    assert server.asked[-1][4]["spec"]["resourceAttributes"] == {"namespace": "ours", "verb": "create", **attributes}

    server.answers["POST", review] = 201, {"status": {}}
    assert not cluster.can("create", resource)


def test_an_api_is_served_or_not(server, cluster):
    server.answers["GET", "/apis/machinelearning.seldon.io/v1"] = 200, {"resources": []}
    assert cluster.serves("machinelearning.seldon.io/v1") and not cluster.serves("other.example/v1")


def test_a_context_that_is_not_there_is_named_with_the_way_out(cluster):
    with pytest.raises(ClusterError, match="context 'there' of the kubeconfig can't be used .*stack up kubernetes puts it right"):
        connect("there")
    with pytest.raises(ClusterError, match="context 'there' .*kubectl cluster-info"):
        by_kubeconfig("there")
