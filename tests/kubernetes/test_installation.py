"""What an installation is on a real cluster: repeatable, locked down, and without a secret where none should be."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.kubernetes.backing import apply, kubectl, namespace_of
from tests.kubernetes.running import Installation
from tests.stacks.installation.test_manifests import documented_rights

pytestmark = [pytest.mark.cluster, pytest.mark.full]
ACCOUNTS = ("orchestrator", "monitoring", "pruner", "observer", "deployer", "steps", "serving", "servers")


def test_a_second_up_changes_nothing(installation):
    def state():
        kinds = "deployments,services,secrets,roles,rolebindings,networkpolicies,poddisruptionbudgets,persistentvolumeclaims"
        found = installation.items(kinds)
        return {
            (item["kind"], item["metadata"]["name"]): item["metadata"].get("generation", item["metadata"]["resourceVersion"])
            for item in found
        }

    before = state()
    pods = {pod["metadata"]["uid"] for pod in installation.items("pods", "-l", "app.kubernetes.io/part-of=switchyard")}
    again = installation.up()

    assert again.code == 0, again.output
    assert "building" not in again.output and "pushed" not in again.output
    assert state() == before
    assert {pod["metadata"]["uid"] for pod in installation.items("pods", "-l", "app.kubernetes.io/part-of=switchyard")} == pods


def test_both_stacks_are_on_the_server_and_can_be_chosen(installation):
    code = """
from zenml.client import Client
client = Client()
stacks = {stack.name for stack in client.list_stacks().items}
print(client.zen_store.config.url.split(":")[0], {"kubernetes", "local"} <= stacks, client.active_stack_model.name)
for name in ("local", "kubernetes"):
    client.activate_stack(name)
    print(type(client.active_stack.orchestrator).__name__)
"""
    said = installation.project.python(code)

    assert "http True kubernetes" in said
    assert "LocalOrchestrator" in said and "KubernetesOrchestrator" in said


def test_mlflows_pages_show_runs_at_the_address_that_is_printed(installation):
    """They post; what another site's page posts is refused."""
    url = installation.items("configmaps", "--field-selector=metadata.name=addresses")[0]["data"]["MLFLOW_TRACKING_URI"]
    assert f"MLflow  {url}" in installation.first.output

    def search(origin):
        headers = {"Origin": origin, "Content-Type": "application/json"}
        body = json.dumps({"experiment_ids": ["0"]}).encode()
        request = urllib.request.Request(f"{url}/ajax-api/2.0/mlflow/runs/search", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert search(url) == 200
    assert search("https://elsewhere.example") == 403


@pytest.mark.parametrize("account", ACCOUNTS)
def test_rights_are_those_of_the_documented_table(installation, account):
    said = installation.kubectl("auth", "can-i", "--list", f"--as=system:serviceaccount:{installation.namespace}:{account}", "--no-headers")
    found = {}
    for line in said.splitlines():
        resource, verbs = line.split()[0], re.findall(r"\[([^\]]*)\]", line)[-1]
        is_of_one_model = "-frontdoor]" in line
        if not resource.startswith(("[", "selfsubject")) and not is_of_one_model:
            found[resource] = set(verbs.split())

    assert found == documented_rights().get(account, {})


def test_every_pod_is_allowed_by_the_restricted_level_and_mounts_no_token_it_does_not_need(installation):
    labels = json.loads(installation.kubectl("get", "namespace", installation.namespace, "-o", "json"))["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    refused = installation.kubectl(
        "label", "--dry-run=server", "--overwrite", "namespace", installation.namespace, "pod-security.kubernetes.io/enforce=restricted"
    )
    assert "violate" not in refused
    for pod in installation.items("pods", "-l", "app.kubernetes.io/name"):
        volumes = [source for volume in pod["spec"]["volumes"] if "projected" in volume for source in volume["projected"]["sources"]]
        assert not any("serviceAccountToken" in source for source in volumes), pod["metadata"]["name"]


def test_no_secret_is_in_descriptions_logs_or_other_objects(installation):
    values = installation.secret_values()
    assert len(values) >= 6
    texts = {
        "describe": installation.kubectl("describe", "all,configmaps,secrets,serviceaccounts,events"),
        "first up": installation.first.output,
    }
    texts["objects"] = installation.kubectl("get", "deployments,replicasets,jobs,cronjobs,pods,configmaps,events", "-o", "yaml")
    for pod in installation.items("pods"):
        name = pod["metadata"]["name"]
        texts[name] = installation.kubectl("logs", name, "--all-containers", "--tail=-1", check=False)
    found = [(where, key) for where, text in texts.items() for key, value in values.items() if value in text]

    assert found == []


def test_overlay_on_disk_holds_no_secret(installation):
    written = [path for path in (installation.project.root / ".switchyard").rglob("*") if path.is_file()]
    values = installation.secret_values().values()

    assert written
    assert not any(value in path.read_text() for path in written for value in values)


def test_image_is_without_compiler_test_tool_cuda_and_secrets_and_runs_locked_down(installation):
    image = installation.items("deployments", "-l", "app.kubernetes.io/name=mlflow")[0]["spec"]["template"]["spec"]["containers"][0][
        "image"
    ]
    look = """
import importlib.util as u, os, pathlib, shutil, sys
import deployment.flavor, pipelines.training, lightgbm
site = pathlib.Path(u.find_spec("numpy").origin).parents[1]
print([name for name in ("gcc", "cc", "c++", "make", "pytest") if shutil.which(name)],
      [name for name in ("pytest", "playwright") if u.find_spec(name)], [path.name for path in site.glob("nvidia*")],
      os.getuid() > 0, deployment.flavor.__file__)
try:
    open("/app/x", "w")
except OSError as error:
    print(error.strerror)
"""
    run = [
        "docker",
        "run",
        "--rm",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--security-opt",
        "no-new-privileges",
        image,
        "python",
        "-c",
        look,
    ]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-2:] == ["[] [] [] True /app/deployment/flavor.py", "Read-only file system"]

    history = subprocess.run(
        ["docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", image], capture_output=True, text=True, check=True
    ).stdout
    inspected = subprocess.run(["docker", "inspect", image], capture_output=True, text=True, check=True).stdout
    assert not any(value in history + inspected for value in installation.secret_values().values())
    assert json.loads(inspected)[0]["Config"]["User"] == "8888:8888"


USE = """
from kubernetes import client
from zenml.client import Client
from stacks.active import connect_mlflow
orchestrator = Client().active_stack.orchestrator
pods = client.CoreV1Api(orchestrator.get_kube_client()).list_namespaced_pod(orchestrator.config.kubernetes_namespace).items
Client().activate_stack("local")
uri = connect_mlflow()
Client().activate_stack("kubernetes")
print(len(pods) > 0, uri)
"""
COMPONENTS = """
import json
from zenml.client import Client
components = Client().list_stack_components(size=100).items
print(json.dumps({item.name + item.type: str(item.configuration) for item in components}, sort_keys=True))
"""


def test_users_with_names_of_their_own_for_the_cluster_do_not_disturb_each_other(installation, tmp_path, monkeypatch):
    """And the key that one of them makes anew is the other's after his next `stack up`."""
    before = installation.project.python(COMPONENTS)
    config = json.loads(
        subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "-o", "json"], capture_output=True, text=True, check=True).stdout
    )
    config["contexts"][0]["name"] = config["current-context"] = "theirs"
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    other = Installation.prepared(tmp_path, installation.namespace)
    with monkeypatch.context() as context:
        context.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
        other.kubectl("delete", "secret", "zenml-client")
        up = other.up()
        assert up.code == 0, up.output
        assert other.project.python(USE).splitlines()[-1].startswith(f"True sqlite:///{other.project.store}/")

    again = installation.up()
    assert again.code == 0, again.output
    assert installation.project.python(USE).splitlines()[-1].startswith(f"True sqlite:///{installation.project.store}/")
    assert installation.project.python(COMPONENTS) == before


def kubeconfig_as(user, folder):
    """Of somebody else."""
    config = json.loads(
        subprocess.run(["kubectl", "config", "view", "--raw", "-o", "json"], capture_output=True, text=True, check=True).stdout
    )
    for entry in config["users"]:
        entry["user"]["as"] = user
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


def test_seldon_that_is_not_there_and_rights_that_are_missing_are_said_with_the_way_out(installation, tmp_path, monkeypatch):
    """As an account without rights, in a namespace that is not there."""
    account = f"system:serviceaccount:{installation.namespace}:steps"
    monkeypatch.setenv("KUBECONFIG", kubeconfig_as(account, tmp_path))
    result = installation.project.run("stack", "up", "kubernetes", "--namespace", "not-there")

    assert result.code == 1
    assert "may not create namespaces" in result.output and "--clusterrole=admin" in result.output


def test_documented_rights_are_enough_in_a_namespace_that_somebody_else_made(registry, tmp_path, monkeypatch):
    name, user = f"switchyard-ready-{secrets.token_hex(3)}", "somebody"
    made = Installation.prepared(tmp_path, name)
    apply(namespace_of(name, "restricted"))
    try:
        made.kubectl("create", "rolebinding", "switchyard", "--clusterrole=admin", f"--user={user}")
        with monkeypatch.context() as context:
            context.setenv("KUBECONFIG", kubeconfig_as(user, tmp_path))
            lacking = made.up()
            assert lacking.code == 1
            commands = re.search(r"(kubectl create role .*) && (kubectl create rolebinding .*)", lacking.output)
        for command in commands.groups():
            subprocess.run(command.replace("YOU", user).split(), check=True)

        monkeypatch.setenv("KUBECONFIG", kubeconfig_as(user, tmp_path))
        up = made.up()
        assert up.code == 0, up.output
        down = made.project.run("stack", "down", "kubernetes", "--namespace", name, "--yes")
        assert down.code == 0, down.output
        assert made.items("deployments,services,persistentvolumeclaims,secrets") == []
    finally:
        monkeypatch.undo()
        kubectl("delete", "namespace", name, "--wait=false")
