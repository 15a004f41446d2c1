"""What the policies of admission compare with is what the stack's own file asks for; a cluster that can't check is told of."""

from __future__ import annotations

import pytest
import yaml

from stacks.installation.admission import BINDING, POLICY, admit, allowed, policies
from stacks.settings import FOLDER
from tests.memory_cluster import MemoryCluster

IMAGES = {kind: f"registry.example/team/switchyard-{kind}:0123@sha256:4567" for kind in ("pipelines", "serving", "frontdoor")}
SERVER = "http://zenml.example:8080"


def words(found: dict, name: str) -> set[str]:
    return set(found[name].split())


def test_runs_may_have_what_the_stacks_file_asks_for_and_no_more():
    found = allowed(IMAGES, SERVER)

    acts = {f"orchestrator/{account}" for account in ("steps", "observer", "deployer")}
    assert words(found, "accounts") == {"monitoring/orchestrator", "deployer/serving", *acts}
    assert "orchestrator/registry.example/team/switchyard-pipelines:" in words(found, "images")
    assert words(found, "secrets") >= {"steps/databases/studies-url", "observer/databases/predictions-url", "serving/object-store/*"}
    assert not {"zenml-server", "zenml-client", "database-server", "settings"} & {word.split("/")[1] for word in words(found, "secrets")}
    assert "steps/databases/predictions-url" not in words(found, "secrets")


def test_what_is_added_to_the_stacks_file_may_be_had_after_the_next_up(tmp_path):
    stack = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text())
    pod = stack["settings"]["all"]["orchestrator"]["pod_settings"]
    pod["env"].append({"name": "WAREHOUSE", "valueFrom": {"secretKeyRef": {"name": "warehouse", "key": "url"}}})
    pod["volumes"].append({"name": "authority", "secret": {"secretName": "authority"}})
    stack["settings"]["steps"]["load_table"] = {"docker": {"parent_image": "elsewhere.example/other:1"}}
    (tmp_path / "kubernetes.yaml").write_text(yaml.safe_dump(stack))
    found = allowed(IMAGES, SERVER, tmp_path)

    assert "orchestrator/WAREHOUSE" in words(found, "variables") and "steps/warehouse/url" in words(found, "secrets")
    assert "steps/secret/authority" in words(found, "volumes")
    assert "orchestrator/elsewhere.example/other:1" in words(found, "images")


@pytest.mark.parametrize("knows", [True, False])
def test_policies_are_applied_where_the_cluster_has_them(tmp_path, knows):
    cluster, said = MemoryCluster("ours"), []
    cluster.apis |= {"admissionregistration.k8s.io/v1"} if knows else set()
    admit(cluster, allowed(IMAGES, SERVER), tmp_path / "admission.yaml", said.append)

    applied = {kind for kind, _ in cluster.objects}
    assert applied == ({POLICY, BINDING} if knows else set())
    assert ("from 1.30 on" in said[0]) is not knows
    assert list(yaml.safe_load_all((tmp_path / "admission.yaml").read_text())) == policies("ours", allowed(IMAGES, SERVER))


def test_a_policy_is_for_the_accounts_of_one_namespace_and_fails_closed():
    made = policies("ours", allowed(IMAGES, SERVER))
    assert not any(
        brace in str(one["spec"]["validations"] + one["spec"].get("variables", [])) for one in made[::2] for brace in ("'{a", "'{s")
    )
    for policy in (one for one in made if one["kind"] == POLICY):
        spec = policy["spec"]
        assert policy["metadata"]["name"].endswith("-ours") and spec["failurePolicy"] == "Fail"
        conditions = {one["name"]: one["expression"] for one in spec["matchConditions"]}
        assert conditions.pop("ours") == "request.userInfo.username.startsWith('system:serviceaccount:ours:')"
        # What else there is leaves out a Job whose pods stay as they were looked at, and nothing more.
        assert all(text.startswith("request.kind.kind != 'Job' || oldObject == null || ") for text in conditions.values())
    for binding in (one for one in made if one["kind"] == BINDING):
        spec = binding["spec"]
        assert spec["validationActions"] == ["Deny"]
        assert spec["matchResources"]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "ours"}}
