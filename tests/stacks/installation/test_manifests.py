"""What `kubectl apply -k` would apply, looked at without a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from deployment.kubernetes.manifests import METRICS
from deployment.kubernetes.options import KubernetesOptions
from deployment.kubernetes.rights import RULES
from stacks.installation.manifests import Parts, write_overlay
from stacks.installation.settings import ClusterSettings
from switchyard.serving.frontdoor.pod import STATUS_PORT
from tests.memory_cluster import MemoryCluster

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
OVERLAYS = ("trial", "external")
IMAGE = "registry.example/switchyard-pipelines:0123456789abcdef"


def render(folder: Path) -> list[dict]:
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request) -> list[dict]:
    return render(ROOT / "stacks/kubernetes/overlays" / request.param)


def of_kind(objects: list[dict], kind: str) -> dict[str, dict]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def test_namespace_enforces_the_restricted_level(objects):
    labels = of_kind(objects, "Namespace")["switchyard"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_pod_is_locked_down_and_says_what_it_needs(objects):
    for name, deployment in {**of_kind(objects, "Deployment"), **of_kind(objects, "Job")}.items():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", name
        assert not pod["automountServiceAccountToken"], name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            context = container["securityContext"]
            assert context == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, name
            assert set(container["resources"]) == {"requests", "limits"}, name
        for container in pod["containers"] if deployment["kind"] == "Deployment" else ():
            assert {"readinessProbe", "livenessProbe"} <= set(container), name


def test_no_pod_can_fill_its_nodes_disk(objects):
    pods = [item["spec"]["template"]["spec"] for item in objects if item["kind"] in ("Deployment", "Job")]
    volumes = [volume for pod in pods for volume in pod.get("volumes", [])]
    assert volumes and all(volume["emptyDir"].get("sizeLimit") for volume in volumes if "emptyDir" in volume)


def test_every_server_has_a_budget_and_a_policy(objects):
    deployments = of_kind(objects, "Deployment")
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        selectors = [item["spec"].get("selector", item["spec"].get("podSelector")) for item in of_kind(objects, kind).values()]
        for name, deployment in deployments.items():
            labels = deployment["spec"]["template"]["metadata"]["labels"]
            assert any(wanted and wanted.items() <= labels.items() for wanted in (item.get("matchLabels") for item in selectors)), (
                kind,
                name,
            )
    assert of_kind(objects, "NetworkPolicy")["nobody-unless-said"]["spec"]["podSelector"] == {}


def test_accounts_are_there_and_nobody_has_rights_outside_the_namespace(objects):
    accounts = of_kind(objects, "ServiceAccount")
    for deployment in of_kind(objects, "Deployment").values():
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] in accounts
    assert not of_kind(objects, "ClusterRole") and not of_kind(objects, "ClusterRoleBinding")
    bound = {subject["name"] for binding in of_kind(objects, "RoleBinding").values() for subject in binding["subjects"]}
    assert bound == {"orchestrator", "monitoring", "pruner", "observer", "deployer"}


def test_rights_are_those_of_the_documented_table(objects):
    assert rights_of_accounts(objects) == documented_rights()


def test_whoever_prunes_reads_one_secret_and_may_do_nothing_else(objects):
    (rule,) = of_kind(objects, "Role")["pruner"]["rules"]

    assert rule == {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["databases"], "verbs": ["get"]}
    assert KubernetesOptions().log_secret == "databases"


def test_ports_that_are_open_to_all_are_those_of_the_documented_table(objects):
    servers = {name: f"`{name}`" for name in ("zenml", "mlflow", "objects", "database")}
    called = {**servers, "models": "model pods", "front-door": "a model's front door", "nobody-unless-said": ""}
    opened = set()
    for name, policy in of_kind(objects, "NetworkPolicy").items():
        rules = [rule for rule in policy["spec"].get("ingress", []) if "from" not in rule]
        opened |= {(str(port["port"]), called[name]) for rule in rules for port in rule["ports"]}
    deployed = {called[name] for name in (*of_kind(objects, "Deployment"), "models", "front-door")}

    assert opened == {(port, of) for port, of in documented_ports("all") if of in deployed}
    assert {(str(STATUS_PORT), "a model's front door"), (METRICS, "model pods")} <= opened


def test_no_pod_that_needs_no_kubernetes_reaches_the_metadata_of_its_machine(objects):
    """Policies are added up: each that selects the pod must leave it out."""
    metadata = {ip_address("169.254.169.254"), ip_address("100.100.100.200"), ip_address("fd00:ec2::254")}
    policies = {name: item["spec"] for name, item in of_kind(objects, "NetworkPolicy").items() if "Egress" in item["spec"]["policyTypes"]}
    assert set(policies) == {"front-door-out", "models-out", "servers-out", "stores-out"}
    selected = {value for spec in policies.values() for rule in spec["podSelector"]["matchExpressions"] for value in rule.get("values", [])}
    assert {name for name in of_kind(objects, "Deployment")} <= selected
    for name, spec in policies.items():
        rules = [rule for rule in spec["egress"] if "to" in rule]
        assert [port["port"] for rule in spec["egress"] if "to" not in rule for port in rule["ports"]] == [53, 53, 5353, 5353], name
        blocks = [to["ipBlock"] for rule in rules for to in rule["to"] if "ipBlock" in to]
        for address in metadata:
            holding = [block for block in blocks if address in ip_network(block["cidr"])]
            assert all(any(address in ip_network(but) for but in block["except"]) for block in holding), name
        assert blocks or [rule["to"] for rule in rules] == [[{"podSelector": {}}]], name


def documented_ports(who: str) -> set[tuple[str, str]]:
    """Port, and whose it is, of the table in docs/kubernetes.md."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in (ROOT / "docs/kubernetes.md").read_text().splitlines()]
    table = [row for row in rows if len(row) == 4 and re.match(r"`metrics`|\d", row[0]) and row[2] == who]
    return {(port, row[1].removesuffix(" (trial)")) for row in table for port in re.findall(r"\w+", row[0].split(":")[0])}


def test_the_deployer_may_do_what_its_host_needs(objects):
    assert of_kind(objects, "Role")["deployer"]["rules"] == RULES


def test_who_looks_at_models_or_starts_runs_can_read_no_secret_whatever_its_name(objects):
    """To patch or update one is to read it: the answer has its content."""
    rights = rights_of_accounts(objects)
    for account in ("orchestrator", "monitoring", "observer", "deployer"):
        assert not rights[account].get("secrets", set()) & {"get", "list", "watch", "patch", "update"}, account


def test_no_secret_is_in_the_repository(objects):
    assert not of_kind(objects, "Secret")


def test_an_installation_has_its_own_namespace_image_and_addresses():
    settings = ClusterSettings(
        service_type="LoadBalancer",
        load_balancer_source_ranges="203.0.113.0/24, 10.0.0.0/8",
        service_annotations='{"example.org/internal": "true"}',
        ingress_annotations='{"example.org/who": "us"}',
        storage_class="fast",
        image_pull_secret="login",
        node_selector='{"pool": "ml"}',
        tolerations='[{"key": "pool", "operator": "Exists"}]',
        ingress_class="nginx",
        zenml_url="https://zenml.example.org",
        mlflow_url="https://mlflow.example.org",
    )
    folder = write_overlay(ROOT, MemoryCluster("other", "test/context"), settings, IMAGE)
    try:
        objects = render(folder)
    finally:
        shutil.rmtree(folder)

    assert {item["metadata"].get("namespace", item["metadata"]["name"]) for item in objects} == {"other"}
    assert {subject["namespace"] for binding in of_kind(objects, "RoleBinding").values() for subject in binding["subjects"]} == {"other"}
    assert of_kind(objects, "Deployment")["zenml"]["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE
    for name in ("zenml", "mlflow", "objects"):
        service = of_kind(objects, "Service")[name]
        assert service["spec"]["type"] == "LoadBalancer" and service["spec"]["loadBalancerSourceRanges"] == ["203.0.113.0/24", "10.0.0.0/8"]
        assert service["metadata"]["annotations"] == {"example.org/internal": "true"}
    assert "loadBalancerSourceRanges" not in of_kind(objects, "Service")["database"]["spec"]
    for deployment in of_kind(objects, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["nodeSelector"] == {"pool": "ml"} and pod["tolerations"] == [{"key": "pool", "operator": "Exists"}]
    assert of_kind(objects, "PersistentVolumeClaim")["objects"]["spec"]["storageClassName"] == "fast"
    assert of_kind(objects, "ServiceAccount")["steps"]["imagePullSecrets"] == [{"name": "login"}]
    assert of_kind(objects, "Ingress")["mlflow"]["metadata"]["annotations"]["example.org/who"] == "us"
    assert of_kind(objects, "Ingress")["zenml"]["spec"]["rules"][0]["host"] == "zenml.example.org"


def test_servers_run_the_image_of_a_digest():
    digest = f"sha256:{'b' * 64}"
    folder = write_overlay(ROOT, MemoryCluster("digested", "test/context"), ClusterSettings(), f"{IMAGE}@{digest}")
    try:
        objects = render(folder)
    finally:
        shutil.rmtree(folder)
    deployments = of_kind(objects, "Deployment")
    for name in ("zenml", "mlflow"):
        (container,) = deployments[name]["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"{IMAGE.rpartition(':')[0]}@{digest}"
        assert deployments[name]["metadata"]["annotations"]["switchyard/image"] == f"{IMAGE}@{digest}"


def test_checks_come_before_what_leans_on_them_and_run_where_it_does():
    settings = ClusterSettings(s3_endpoint_url="https://s3.example.org", s3_bucket="b", s3_access_key_id="k", s3_secret_access_key="s",
                        zenml_database_url="mysql://u:p@h/z", mlflow_database_url="mysql://u:p@h/m", studies_database_url="mysql://u:p@h/s",
                        predictions_database_url="mysql://u:p@h/p", node_selector='{"pool": "ml"}', tolerations="[]")  # fmt: skip
    folder = write_overlay(ROOT, MemoryCluster("checked", "test/context"), settings, IMAGE)
    try:
        parts = Parts.of(yaml.safe_dump_all(render(folder)))
    finally:
        shutil.rmtree(folder)

    (check,) = parts.checks
    pod = check["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "ml"} and pod["containers"][0]["image"] == IMAGE
    assert {item["kind"] for item in parts.early} == {"Namespace", "Service", "ServiceAccount"}
    assert {"Deployment", "NetworkPolicy", "RoleBinding"} <= {item["kind"] for item in parts.late}


def documented_rights() -> dict[str, dict[str, set[str]]]:
    """account -> resource -> verbs of the table in docs/kubernetes.md."""
    rights: dict[str, dict[str, set[str]]] = {}
    for line in (ROOT / "docs/kubernetes.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if len(cells) == 4 and (account := re.fullmatch(r"`([a-z]+)`", cells[0])):
            rights.setdefault(account[1], {})[cells[2]] = set(cells[3].split())
    return rights


def rights_of_accounts(objects: list[dict]) -> dict[str, dict[str, set[str]]]:
    rights: dict[str, dict[str, set[str]]] = {}
    for binding in of_kind(objects, "RoleBinding").values():
        rules = of_kind(objects, "Role")[binding["roleRef"]["name"]]["rules"]
        for subject, rule, resource in ((s, r, name) for s in binding["subjects"] for r in rules for name in r["resources"]):
            full = ".".join(filter(None, [resource, rule["apiGroups"][0]]))
            rights.setdefault(subject["name"], {}).setdefault(full, set()).update(rule["verbs"])
    return rights
