"""The parts of `stack up kubernetes` that need no cluster: its order, placeholders, what is said when something is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from app.commands import stack as stacking
from stacks.cluster import waiting
from stacks.cluster.kubectl import ClusterError, Forbidden
from stacks.cluster.reasons import is_rolled_out
from stacks.installation import checks, restarting, secrets
from stacks.installation import install as installation
from stacks.installation.addresses import Addresses, find_addresses
from stacks.installation.restarting import mark, restart, stale
from stacks.installation.settings import Settings
from stacks.registration import _filled
from switchyard.tabular.errors import InputError

ROOT = Path(__file__).resolve().parents[3]


def test_models_learn_of_new_passwords_after_the_store_and_before_the_database(monkeypatch):
    class Cluster:
        namespace = "switchyard"
        ran: ClassVar[list] = []

        def run(self, verb, action, *what, **_how):
            self.ran.append(" ".join([action, *what]).partition(" --timeout")[0])

    def renew(_cluster, revision, _timeout_s):
        Cluster.ran.append(f"models {revision}")
        return ["loans", "income"], ["income"]

    said = []
    monkeypatch.setattr(restarting, "renew", renew)
    restart(Cluster(), None, ["database", "objects", "zenml", "mlflow"], "1.2", said.append)

    assert stale({"metadata": {}}, "1.2") and stale({"metadata": {"annotations": {"switchyard/secrets": "1.1"}}}, "1.2")
    order = [Cluster.ran.index(line) for line in ("status deployment/objects", "models 1.2", "restart deployment/database")]
    assert order == sorted(order)
    assert Cluster.ran[-3:] == ["restart deployment/database", "restart deployment/zenml", "restart deployment/mlflow"]
    assert said[0].startswith("loans: new pods") and said[1].startswith("income: not all pods are new")
    mark(Cluster(), ["zenml"], "1.2")
    assert Cluster.ran[-1].endswith("deployment zenml switchyard/secrets=1.2")


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
    installation._ensure_bucket(keys, "ours")

    assert asked == [{"Bucket": "ours", **named}]


def test_placeholders_are_filled_at_any_depth_and_references_to_secrets_are_left(monkeypatch):
    monkeypatch.setenv("SWITCHYARD_FROM_ENVIRONMENT", "there")
    filled = _filled(
        {"a": ["{given}/x", {"b": "{from_environment}"}], "c": "{{secret.key}}", "d": 1, "e": "{number}"},
        {"given": "here", "number": 3},
        "some",
    )

    assert filled == {"a": ["here/x", {"b": "there"}], "c": "{{secret.key}}", "d": 1, "e": 3}


def test_a_value_that_nobody_gives_is_named():
    with pytest.raises(InputError, match=r"\{mlflow_url\}.*SWITCHYARD_MLFLOW_URL"):
        _filled("{mlflow_url}", {}, "kubernetes")


def test_rolled_out_is_only_what_runs_as_it_was_last_asked_for():
    def deployment(**status):
        return {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": {"observedGeneration": 2, **status}}

    assert is_rolled_out(deployment(updatedReplicas=1, availableReplicas=1, replicas=1))
    assert not is_rolled_out(deployment(updatedReplicas=1, availableReplicas=1, replicas=2))
    assert not is_rolled_out(deployment(replicas=1, availableReplicas=1))
    assert not is_rolled_out(deployment(observedGeneration=1, updatedReplicas=1, availableReplicas=1, replicas=1))


def pod(**status):
    return {"metadata": {"name": "zenml-1", "labels": {"app.kubernetes.io/name": "zenml"}}, "status": status}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            {"containerStatuses": [{"name": "zenml", "image": "r/i:1", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "can't pull r/i:1",
        ),
        (
            {
                "containerStatuses": [
                    {"name": "zenml", "image": "r/i:1", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
                ]
            },
            "ends again and again: last words",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": "unbound PersistentVolumeClaims"}]},
            "STORAGE_CLASS",
        ),
    ],
)
def test_a_server_that_cannot_come_up_is_said_early_with_the_reason(monkeypatch, status, told):
    class Cluster:
        namespace = "switchyard"

        def items(self, kind, *_more):
            return [pod(**status)] if kind == "pods" else []

        def run(self, *_arguments):
            return "first\nlast words\n"

    monkeypatch.setattr(waiting, "_PATIENCE_S", 0.0)
    monkeypatch.setattr(waiting, "_ROOM_S", 0.0)
    with pytest.raises(ClusterError, match=told):
        waiting.wait_for_deployments(Cluster(), ["zenml"], lambda line: None)


class Checking:
    """A cluster whose jobs end as told; they are there once they were applied."""

    namespace = "ours"

    def __init__(self, **ends):
        self.ends, self.jobs, self.ran = ends, [], []

    def apply(self, *objects):
        self.jobs += [item["metadata"]["name"] for item in objects]

    def items(self, kind, *_more):
        ended = [
            {"metadata": {"name": name}, "status": {"conditions": [{"type": self.ends[name], "status": "True"}]}} for name in self.jobs
        ]
        return ended if kind == "jobs" else []

    def run(self, *arguments):
        self.ran.append(" ".join(arguments))
        return "a first line\nSTUDIES_DATABASE_URL: it takes no connection\n"


def test_a_check_that_fails_says_why_in_its_own_words_and_one_that_passes_says_nothing():
    jobs = [{"metadata": {"name": name}} for name in ("first", "second")]
    cluster = Checking(first="Complete", second="Complete")
    waiting.run_checks(cluster, jobs, 5)
    assert cluster.ran == ["delete jobs first second --ignore-not-found"] and cluster.jobs == ["first", "second"]

    with pytest.raises(ClusterError, match="^STUDIES_DATABASE_URL: it takes no connection$"):
        waiting.run_checks(Checking(first="Complete", second="Failed"), jobs, 5)
    waiting.run_checks(cluster, [], 5)


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


class Limited:
    """A cluster where the context has ClusterRole admin in one namespace."""

    context, namespace = "theirs", "ours"

    def __init__(self, *may):
        self.may = may

    def run(self, *_arguments, **_how):
        return '{"serverVersion": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}}'

    def can(self, verb, resource):
        return resource != "*.*" and (resource != checks.SELDON or verb in self.may)

    def get(self, kind, name):
        if kind == "crd":
            raise Forbidden("crd")
        return {}

    def items(self, kind):
        if kind == "storageclasses":
            raise Forbidden("storageclasses")
        return []

    def serves(self, _group):
        return True


def test_rights_in_the_namespace_are_enough_and_those_to_seldons_resource_are_asked_for():
    with pytest.raises(ClusterError, match=r"may not create, delete, patch seldondeployments\S+ in namespace ours.*kubectl create role"):
        checks.check_cluster(Limited("get", "list"))

    every = Limited("create", "delete", "get", "list", "patch")
    assert checks.check_cluster(every) == "v1.33.0"
    checks.check_storage(every, Settings())


def test_a_namespace_that_is_not_ours_to_label_is_left_out():
    said = []
    objects = [{"kind": "Namespace"}, {"kind": "Service"}]

    class Theirs(Limited):
        def can(self, verb, resource):
            return resource != "namespaces/ours"

    assert installation._without_foreign_namespace(Theirs(), objects, said.append) == [{"kind": "Service"}]
    assert said and installation._without_foreign_namespace(Limited(), objects, said.append) == objects


def test_services_of_ipv6_are_refused():
    class Six(Limited):
        def get(self, kind, name):
            return {"spec": {"clusterIP": "fd00::7"}}

    with pytest.raises(ClusterError, match=r"IPv6 addresses \(fd00::7\)"):
        find_addresses(Six(), Settings())


class Going(Limited):
    """A namespace, with Seldon's resource or without."""

    def __init__(self, seldon, owner):
        self.ran, self.seldon, self.owner = [], seldon, owner

    def get(self, *_what):
        return {"metadata": {"labels": {"app.kubernetes.io/part-of": "switchyard"} if self.owner else {}}, "data": {"overlay": "dHJpYWw="}}

    def serves(self, _group):
        return self.seldon

    def can(self, verb, resource):
        return self.owner

    def run(self, *arguments, **_how):
        self.ran.append(" ".join(arguments))


@pytest.mark.parametrize("seldon", [True, False])
@pytest.mark.parametrize("owner", [True, False])
def test_an_installation_goes_with_seldon_or_without_and_leaves_a_namespace_of_somebody_else(monkeypatch, seldon, owner):
    cluster = Going(seldon, owner)
    monkeypatch.setattr(installation, "current_context", lambda: "theirs")
    monkeypatch.setattr(installation, "Kubectl", lambda *_where: cluster)
    for name in ("shared_name", "forget_context"):
        monkeypatch.setattr(installation, name, lambda *_what: "")
    installation.uninstall("ours", True, lambda line: None)

    assert any("seldondeployments" in line for line in cluster.ran) is seldon
    assert any(line.startswith("delete namespace") for line in cluster.ran) is owner
    assert any(line.startswith("delete persistentvolumeclaims database objects") for line in cluster.ran) is not owner


def test_models_that_a_namespace_has_lost_are_named(monkeypatch, tmp_path):
    installed = SimpleNamespace(
        addresses=Addresses("http://z", "http://m", "http://s", "b"), context="ours-1", kubectl=None, images={"pipelines": "i:1"}
    )
    nothing = {
        "app.repository": ["ensure_repository"],
        "stacks.installation.registration": ["log_in", "register"],
        "deployment.kubernetes.client": ["Cluster"],
    }
    for module, names in nothing.items():
        for name in names:
            monkeypatch.setattr(f"{module}.{name}", lambda *_what: None)
    monkeypatch.setattr("stacks.installation.install.install", lambda *_what: installed)
    monkeypatch.setattr("stacks.cluster.schedule.renew", lambda *_what: [])
    monkeypatch.setattr("deployment.kubernetes.unserved.unserved", lambda _cluster: {"loans": ("1", "2")})
    said = []
    stacking.up(tmp_path, "kubernetes", "ours", None, said.append)

    assert any(line.startswith("loans, version 1 and 2, no longer runs: deploy it") for line in said)
