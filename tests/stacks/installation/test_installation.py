"""The parts of `stack up kubernetes` that need no cluster: its order, placeholders, what is said when something is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.commands import stack as stacking
from stacks.cluster.errors import ClusterError, Forbidden
from stacks.installation import checks, secrets
from stacks.installation import install as installation
from stacks.installation.addresses import Addresses, find_addresses
from stacks.installation.bucket import ensure_bucket
from stacks.installation.restarting import mark, restart, stale
from stacks.installation.settings import ClusterSettings
from stacks.registration import filled
from switchyard.tabular.errors import InputError
from tests.memory_cluster import MemoryCluster

ROOT = Path(__file__).resolve().parents[3]
SERVERS = ("database", "objects", "zenml", "mlflow")


def server(name):
    """A server's Deployment that is rolled out."""
    return {
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 1},
        "status": {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1},
    }


def test_models_learn_of_new_passwords_after_the_store_and_before_the_database():
    cluster, said, restarted_before_models = MemoryCluster(), [], []
    cluster.hold(*map(server, SERVERS))

    def renew_models(_cluster, revision, _timeout_s):
        assert revision == "1.2"
        restarted_before_models.extend(name for _, _, name in cluster.done)
        return ["loans", "income"], ["income"]

    restart(cluster, SERVERS, "1.2", renew_models, said.append)

    assert restarted_before_models == ["objects"]
    assert {name for _, _, name in cluster.done} == set(SERVERS)
    for name in SERVERS:
        annotations = cluster.get("Deployment", name)["spec"]["template"]["metadata"]["annotations"]
        assert annotations["kubectl.kubernetes.io/restartedAt"]
    assert said[0].startswith("loans: new pods") and said[1].startswith("income: not all pods are new")


def test_a_server_is_stale_until_it_is_marked_for_the_secrets_as_they_are():
    cluster = MemoryCluster()
    cluster.hold(server("zenml"))
    assert stale(cluster.get("Deployment", "zenml"), "1.2")
    mark(cluster, ["zenml"], "1.2")
    assert not stale(cluster.get("Deployment", "zenml"), "1.2") and stale(cluster.get("Deployment", "zenml"), "1.3")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://10.96.3.4:5000", "http://10.96.3.4:5000"),
        ("https://MLflow.example.org:443", "https://mlflow.example.org"),
        ("http://[fd00::1]:80", "http://[fd00::1]"),
    ],
)
def test_mlflows_own_pages_may_post_to_it(url, origin):
    from mlflow.server.security_utils import should_block_cors_request

    allowed = Addresses("http://z", url, "http://s", "b").values()["MLFLOW_ORIGINS"]
    assert not should_block_cors_request(origin, "POST", [allowed])
    assert should_block_cors_request("https://elsewhere.example", "POST", [allowed])


@pytest.mark.parametrize(
    ("region", "named"), [("us-east-1", {}), ("eu-west-1", {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}})]
)
def test_a_bucket_is_asked_for_as_amazon_wants_it(monkeypatch, region, named):
    import boto3
    from botocore.exceptions import ClientError

    asked = []

    class Store:
        def head_bucket(self, Bucket):
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

        def create_bucket(self, **how):
            asked.append(how)

    monkeypatch.setattr(boto3, "client", lambda *_arguments, **_settings: Store())
    keys = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_ENDPOINT_URL": "https://s3",
        "AWS_DEFAULT_REGION": region,
        **secrets.CHECKSUMS,
    }
    ensure_bucket(keys, "ours")

    assert asked == [{"Bucket": "ours", **named}]


def test_placeholders_are_filled_at_any_depth_and_references_to_secrets_are_left(monkeypatch):
    monkeypatch.setenv("SWITCHYARD_FROM_ENVIRONMENT", "there")
    found = filled(
        {"a": ["{given}/x", {"b": "{from_environment}"}], "c": "{{secret.key}}", "d": 1, "e": "{number}"},
        {"given": "here", "number": 3},
        "some",
    )

    assert found == {"a": ["here/x", {"b": "there"}], "c": "{{secret.key}}", "d": 1, "e": 3}


def test_a_value_that_nobody_gives_is_named():
    with pytest.raises(InputError, match=r"\{mlflow_url\}.*SWITCHYARD_MLFLOW_URL"):
        filled("{mlflow_url}", {}, "kubernetes")


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"CONTAINER_REGISTRY": ""}, "CONTAINER_REGISTRY is not set"),
        ({"CONTAINER_REGISTRY": "registry.example", "KUBECONFIG": "/nowhere"}, "kube context|no kubectl"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, environment, told):
    done = subprocess.run(
        [sys.executable, "run.py", "stack", "up", "kubernetes"],
        cwd=ROOT,
        env={**os.environ, "ZENML_CONFIG_PATH": str(tmp_path), **environment},
        capture_output=True,
        text=True,
    )

    assert done.returncode in (1, 2)
    assert done.stderr.startswith("error: ") and len(done.stderr.strip().splitlines()) == 1
    assert re.search(told, done.stderr)


class Limited(MemoryCluster):
    """A cluster where the context has ClusterRole admin in one namespace, and may do some to SeldonDeployments."""

    def __init__(self, *may):
        super().__init__("ours", "theirs")
        self.may = may

    def can(self, verb, resource):
        return resource not in ("*.*", "namespaces/ours") and (resource != checks.SELDON or verb in self.may)

    def list(self, kind, selector="", fields=""):
        if kind == "StorageClass":
            raise Forbidden("storageclasses", 403)
        return super().list(kind, selector, fields)


def test_rights_in_the_namespace_are_enough_and_those_to_seldons_resource_are_asked_for():
    with pytest.raises(ClusterError, match=r"may not create, delete, patch seldondeployments\S+ in namespace ours.*kubectl create role"):
        checks.check_cluster(Limited("get", "list"))

    every = Limited("create", "delete", "get", "list", "patch")
    assert checks.check_cluster(every) == "v1.33.0"
    checks.check_storage(every, ClusterSettings())


def test_a_cluster_without_seldon_or_too_old_is_told_with_the_way_out():
    bare = MemoryCluster()
    bare.apis.clear()
    with pytest.raises(ClusterError, match="no Seldon Core 1.17 .*helm install"):
        checks.check_cluster(bare)
    bare.version = lambda: {"major": "1", "minor": "24+", "gitVersion": "v1.24.9"}
    with pytest.raises(ClusterError, match="v1.24.9 is too old"):
        checks.check_cluster(bare)


def test_a_namespace_that_is_not_ours_to_label_is_left_out():
    said = []
    objects = [{"kind": "Namespace"}, {"kind": "Service"}]

    assert installation.without_foreign_namespace(Limited(), objects, said.append) == [{"kind": "Service"}]
    assert said and installation.without_foreign_namespace(MemoryCluster(), objects, said.append) == objects


def test_services_of_ipv6_are_refused():
    cluster = MemoryCluster()
    cluster.hold({"kind": "Service", "metadata": {"name": "zenml"}, "spec": {"clusterIP": "fd00::7"}})
    with pytest.raises(ClusterError, match=r"IPv6 addresses \(fd00::7\)"):
        find_addresses(cluster, ClusterSettings())


def installed(*, seldon=True):
    """A namespace with an installation, a model, and what somebody else keeps there."""
    cluster, ours = MemoryCluster(), {"app.kubernetes.io/part-of": "switchyard"}
    cluster.hold({"kind": "Namespace", "metadata": {"name": "ours", "uid": "3f2a91bc-0000", "labels": ours}})
    for kind, name, labels in (
        ("Deployment", "zenml", ours),
        ("CronJob", "monitoring-loans", ours),
        ("Service", "zenml", ours),
        ("ServiceAccount", "steps", ours),
        ("ServiceAccount", "theirs", {}),
        ("Secret", "databases", ours),
        ("Secret", "theirs", {}),
        ("Secret", "loans-frontdoor", {"app.kubernetes.io/managed-by": "switchyard"}),
        ("PersistentVolumeClaim", "database", ours),
        ("PersistentVolumeClaim", "objects", ours),
        ("PersistentVolumeClaim", "theirs", {}),
        *([("SeldonDeployment", "loans", {})] if seldon else []),
    ):
        cluster.hold({"kind": kind, "metadata": {"name": name, "labels": labels}})
    if not seldon:
        cluster.apis.clear()
    return cluster


@pytest.fixture
def going(monkeypatch):
    """Uninstalls what a cluster holds, and says what is left."""

    def run(cluster, delete_data):
        monkeypatch.setattr(installation, "_cluster_of", lambda _namespace: cluster)
        monkeypatch.setattr(installation, "forget_context", lambda *_what: None)
        installation.uninstall("ours", delete_data, lambda line: None)
        return {f"{kind}/{name}" for kind, name in cluster.objects}

    return run


@pytest.mark.parametrize("seldon", [True, False])
def test_an_installation_goes_with_seldon_or_without_and_the_namespace_with_it(going, seldon):
    cluster = installed(seldon=seldon)
    left = going(cluster, True)

    assert "Namespace/ours" not in left and "SeldonDeployment/loans" not in left
    assert ("SeldonDeployment" in cluster.asked) is seldon


def test_a_namespace_of_somebody_else_stays_with_what_is_his(going):
    cluster = installed()
    cluster.forbidden.add(("delete", "namespaces/ours"))

    theirs = {"ServiceAccount/theirs", "Secret/theirs", "PersistentVolumeClaim/theirs"}
    assert going(cluster, True) == {"Namespace/ours", *theirs}


def test_data_stays_where_it_is_to_stay(going):
    left = going(installed(), False)

    assert {"Secret/databases", "Secret/loans-frontdoor", "PersistentVolumeClaim/database", "PersistentVolumeClaim/objects"} <= left
    assert not left & {"Deployment/zenml", "CronJob/monitoring-loans", "Service/zenml", "SeldonDeployment/loans", "ServiceAccount/steps"}


def test_models_that_a_namespace_has_lost_are_named(monkeypatch, tmp_path):
    installed = SimpleNamespace(
        addresses=Addresses("http://z", "http://m", "http://s", "b"), context="ours-1", cluster=MemoryCluster(), images={"pipelines": "i:1"}
    )
    nothing = {
        "app.repository": ["ensure_repository"],
        "stacks.installation.registration": ["log_in", "register"],
    }
    for module, names in nothing.items():
        for name in names:
            monkeypatch.setattr(f"{module}.{name}", lambda *_what: None)
    monkeypatch.setattr("stacks.installation.install.install", lambda *_what: installed)
    monkeypatch.setattr("stacks.cluster.schedule.renew", lambda *_what: [])
    monkeypatch.setattr("deployment.kubernetes.rights.let_read_all", lambda *_what: None)
    monkeypatch.setattr("deployment.kubernetes.lost.lost_models", lambda _cluster: {"loans": ("1", "2")})
    said = []
    stacking.up(tmp_path, "kubernetes", "ours", None, said.append)

    assert any(line.startswith("loans, version 1 and 2, no longer runs: deploy it") for line in said)
