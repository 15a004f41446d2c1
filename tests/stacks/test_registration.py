"""Stacks on a server that several machines use: what is one machine's must not be in them."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from stacks.cluster import contexts
from stacks.cluster.errors import ClusterError
from stacks.cluster.kubectl import current_context
from tests.app.project import Project
from tests.memory_cluster import MemoryCluster

LOOK = """
import os
from zenml.client import Client
from stacks.active import connect_mlflow
stored = Client().active_stack_model.components["experiment_tracker"][0].configuration["tracking_uri"]
first = connect_mlflow()
os.environ["ZENML_LOCAL_STORES_PATH"] = "OTHER"
print(stored, first, connect_mlflow())
"""


def test_the_local_stack_keeps_its_runs_on_the_machine_that_uses_it(tmp_path):
    project = Project(tmp_path)
    assert project.run("stack", "up", "local").code == 0
    stored, first, other = project.python(LOOK.replace("OTHER", str(tmp_path / "other"))).splitlines()[-1].split()

    assert str(tmp_path) not in stored
    assert first == f"sqlite:///{project.store}/local_stores/switchyard/mlflow.db"
    assert other == f"sqlite:///{tmp_path}/other/switchyard/mlflow.db"


OWN = """
name: own
components:
  orchestrator: {name: own, flavor: local}
  artifact_store: {name: own, flavor: local}
  container_registry: {name: own, flavor: default, configuration: {default_repository: %s}, defaults: {uri: first.example}}
"""
SHOW = """
from zenml.client import Client
from zenml.enums import StackComponentType
registry = Client().get_stack_component(StackComponentType.CONTAINER_REGISTRY, 'own')
print(registry.configuration['uri'], registry.configuration['default_repository'])
"""


def test_a_default_that_somebody_changed_stays_changed(tmp_path):
    project = Project(tmp_path)
    file = project.root / "stacks" / "own.yaml"
    file.write_text(OWN % "one")
    assert project.run("stack", "up", "own").code == 0
    assert project.python(SHOW).split() == ["first.example", "one"]
    project.python(
        "from zenml.client import Client; from zenml.enums import StackComponentType;"
        "Client().update_stack_component('own', StackComponentType.CONTAINER_REGISTRY, configuration={'uri': 'second.example'})"
    )
    file.write_text(OWN % "two")
    assert project.run("stack", "up", "own").code == 0

    assert project.python(SHOW).split() == ["second.example", "two"]


def kubeconfig(path, name):
    """Of somebody who calls the cluster `name`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}}],
        "current-context": name,
    }
    path.write_text(json.dumps(config))
    return path


def known(path):
    done = subprocess.run(
        ["kubectl", "config", "view", "--kubeconfig", str(path), "-o", "json"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    return found["current-context"], {entry["name"]: entry["context"] for entry in found["contexts"]}


def cluster_of(context):
    """A cluster with the namespace `switchyard`."""
    cluster = MemoryCluster("switchyard", context)
    cluster.hold({"kind": "Namespace", "metadata": {"name": "switchyard", "uid": "3f2a91bc-0000"}})
    return cluster


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_a_cluster_has_one_name_whatever_its_users_call_it(tmp_path, monkeypatch):
    for name in ("prod", "arn:aws:eks/prod"):
        path = kubeconfig(tmp_path / "config", name)
        monkeypatch.setenv("KUBECONFIG", str(path))
        cluster = cluster_of(current_context())

        assert contexts.ensure_context(cluster) == contexts.ensure_context(cluster) == "switchyard-3f2a91bc"
        assert known(path)[0] == name and known(path)[1]["switchyard-3f2a91bc"] == {"cluster": "c", "user": "u", "namespace": "switchyard"}
        contexts.forget_context(cluster, "switchyard-3f2a91bc")
        assert set(known(path)[1]) == {name}


def test_a_kubeconfig_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    config = json.loads(kubeconfig(tmp_path / "config", "prod").read_text())

    def refuse(*_arguments):
        raise ClusterError("read-only file system")

    monkeypatch.setattr(contexts, "kubeconfig", lambda: config)
    monkeypatch.setattr(contexts, "kubectl", refuse)
    with pytest.raises(ClusterError, match="can't be given context switchyard-3f2a91bc .*read-only"):
        contexts.ensure_context(cluster_of("prod"))
