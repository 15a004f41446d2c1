"""Each account of an installation, tried as one that an attacker has: what its work takes is let through, what goes beyond is refused.

Asks the API server alone, without a pod (`--dry-run=server`), so it takes seconds.
"""

from __future__ import annotations

import copy
import secrets
import subprocess
from types import SimpleNamespace
from uuid import uuid4

import pytest
import yaml
from kubernetes.client import ApiClient
from zenml.entrypoints.step_entrypoint_configuration import StepEntrypointConfiguration
from zenml.integrations.kubernetes.manifest_utils import build_job_manifest, build_pod_manifest, pod_template_manifest_from_pod
from zenml.integrations.kubernetes.orchestrators.kubernetes_orchestrator_entrypoint_configuration import (
    KubernetesOrchestratorEntrypointConfiguration as RunEntrypoint,
)
from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from deployment.kubernetes import frontdoor, manifests, rights
from deployment.kubernetes.names import Names
from deployment.kubernetes.options import KubernetesOptions
from stacks.cluster.client import Cluster
from stacks.cluster.connection import by_kubeconfig
from stacks.cluster.errors import ClusterError
from stacks.installation.admission import admit, allowed, names
from stacks.settings import run_settings
from tests.app.project import ROOT
from tests.deployment.cluster import release
from tests.deployment.door import wait_until
from tests.kubernetes.backing import apply, kubectl, namespace_of

pytestmark = pytest.mark.cluster
REGISTRY, SERVER, TOKEN = "registry.example/team", "http://zenml.example:8080", "zenml-token-1"
IMAGES = {kind: f"{REGISTRY}/switchyard-{kind}:0123@sha256:{'4' * 64}" for kind in ("pipelines", "serving", "frontdoor")}
OPTIONS = KubernetesOptions(serving_image=IMAGES["serving"], frontdoor_image=IMAGES["frontdoor"], service_account="serving")
LOANS = Names.of("loans")


def job(account, pipeline="training", step="tune_lightgbm", run=False):
    """A step's Job as ZenML makes it by the stack's file, or a run's own."""
    values = {"image": lambda: IMAGES["pipelines"], "commit": lambda: "unknown"}
    wanted = run_settings("kubernetes", pipeline, [step], values)
    settings = wanted.steps.get(step, {}).get("settings", wanted.settings)["orchestrator"]
    said = {"snapshot_id": uuid4(), **({"run_id": uuid4()} if run else {"step_name": step})}
    pod = build_pod_manifest(
        pod_name=None,
        image_name=IMAGES["pipelines"],
        command=(RunEntrypoint if run else StepEntrypointConfiguration).get_entrypoint_command(),
        args=(RunEntrypoint if run else StepEntrypointConfiguration).get_entrypoint_arguments(**said),
        privileged=False,
        pod_settings=KubernetesPodSettings(**settings["orchestrator_pod_settings" if run else "pod_settings"]),
        service_account_name=account,
        env={"ZENML_STORE_URL": SERVER, "DISABLE_CREDENTIALS_DISK_CACHING": "true"},
    )
    made = ApiClient().sanitize_for_serialization(build_job_manifest("a-job", pod_template_manifest_from_pod(pod), backoff_limit=0))
    token = {"name": "ZENML_STORE_API_TOKEN", "valueFrom": {"secretKeyRef": {"name": TOKEN, "key": "zenml_api_token"}}}
    made["spec"]["template"]["spec"]["containers"][0]["env"].append(token)
    return {"apiVersion": "batch/v1", "kind": "Job", **made}


def models():
    """What a deployment makes of a model."""
    predictor = manifests.predictor(release("1"), "v1", LOANS, OPTIONS)
    made = [manifests.seldon_deployment(LOANS, "loans", [(predictor, True, 100, False)]), manifests.pods_service(LOANS, "v1")]
    return [*made, manifests.disruption_budget(LOANS, "v1"), *frontdoor.objects(LOANS, OPTIONS)]


def secret(name, **more):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"key": "value"}, **more}


def changed(manifest, change):
    """A copy of which `change` was told: the whole, its pod and the pod's container."""
    made = copy.deepcopy(manifest)
    spec = made["spec"]
    pod = spec["predictors"][0]["componentSpecs"][0]["spec"] if "predictors" in spec else spec.get("template", {}).get("spec", {})
    change(SimpleNamespace(whole=made, pod=pod, container=pod.get("containers", [{}])[0]))
    return made


def in_variable(name, key):
    def change(it):
        it.container.setdefault("env", []).append({"name": "ZENML_X", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}})

    return change


def in_volume(**source):
    return lambda it: it.pod["volumes"].append({"name": "stolen", **source})


def variable(name, value):
    return lambda it: it.container.setdefault("env", []).append({"name": name, "value": value})


ANY_POD = {
    "the servers' account": lambda it: it.pod.update(serviceAccountName="servers"),
    "the namespace's own account": lambda it: it.pod.pop("serviceAccountName") and it.pod.pop("serviceAccount", None),
    "another image": lambda it: it.container.update(image="alpine:3"),
    "an image whose name begins alike": lambda it: it.container.update(image=f"{REGISTRY}/switchyard-pipelines.evil.example/x:1"),
    "another command": lambda it: it.container.update(command=["sh", "-c", "env"]),
    "a command at the start": lambda it: it.container.update(lifecycle={"postStart": {"exec": {"command": ["env"]}}}),
    "a command as a probe": lambda it: it.container.update(livenessProbe={"exec": {"command": ["env"]}}),
    "a container before": lambda it: it.pod.update(initContainers=[{**it.container, "name": "before", "command": ["env"]}]),
    "a Secret of a server's": in_variable("database-server", "root-password"),
    "another key of a Secret": in_variable("databases", "zenml-url"),
    "a Secret whole": lambda it: it.container.update(envFrom=[{"secretRef": {"name": "zenml-server"}}]),
    "a Secret as files": in_volume(secret={"secretName": "zenml-server"}),
    "a Secret among others": in_volume(projected={"sources": [{"secret": {"name": "zenml-server"}}]}),
    "a token of its own making": in_volume(projected={"sources": [{"serviceAccountToken": {"path": "token", "audience": "x"}}]}),
    "other code": variable("PYTHONPATH", "/tmp"),
    "a preloaded library": variable("LD_PRELOAD", "/tmp/x.so"),
    "somebody on the way": variable("HTTP_PROXY", "http://evil.example"),
}
JOB = {
    "another module": lambda it: it.container["command"].__setitem__(2, "http.server"),
    "another server's word": lambda it: it.container["env"][0].update(value="http://evil.example"),
}
STEP = {
    "another entrypoint": lambda it: it.container["args"].__setitem__(1, "os.system"),
    "an entrypoint after the first": lambda it: it.container["args"].extend(["--entry", "os.system"]),
}
SELDON = {
    "a server of Seldon's": lambda it: it.whole["spec"]["predictors"][0]["graph"].update(
        implementation="SKLEARN_SERVER", modelUri="s3://x", envSecretRefName="zenml-server"
    ),
    "an explainer": lambda it: it.whole["spec"]["predictors"][0].update(explainer={"envSecretRefName": "zenml-server"}),
    "no pod that is said": lambda it: it.whole["spec"]["predictors"][0].pop("componentSpecs"),
}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x", "labels": LOANS.labels}}
ZENML = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "zenml", "labels": {"app.kubernetes.io/part-of": "switchyard"}},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "zenml", "image": IMAGES["pipelines"]}]}},
    },
}


@pytest.fixture(scope="module")
def guarded(registry, tmp_path_factory):
    """A namespace with the accounts, their rights and the policies of an installation, and no pod."""
    name = f"switchyard-trespass-{secrets.token_hex(3)}"
    rendered = subprocess.run(["kubectl", "kustomize", str(ROOT / "stacks/kubernetes/base")], capture_output=True, text=True, check=True)
    kinds = ("ServiceAccount", "Role", "RoleBinding")
    accounts = [one for one in yaml.safe_load_all(rendered.stdout) if one["kind"] in kinds]
    for one in accounts:
        one["metadata"]["namespace"] = name
        for subject in one.get("subjects", []):
            subject["namespace"] = name
    cluster = Cluster(name)
    if not cluster.has("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"):
        pytest.skip("Kubernetes before 1.30 has no admission policies")
    apply(namespace_of(name, "restricted"))
    try:
        apply(*accounts)
        for made in (ZENML, secret("databases"), secret(LOANS.frontdoor)):
            cluster.apply(made)
        rights.let_deploy(cluster, LOANS, "deployer")
        admit(cluster, allowed(IMAGES, SERVER), tmp_path_factory.mktemp(name) / "admission.yaml", print)
        wait_until(lambda: refused(name, "orchestrator", changed(job("steps"), STEP["another entrypoint"])), 60, "the policies")
        yield name
    finally:
        for kind, policy in names(name):
            cluster.delete(kind, policy)
        kubectl("delete", "namespace", name, "--wait=false")


def asked(namespace, account, verb, kind, name="", body=None):
    """What the API server says to `account` of a request that is never carried out: nothing where it would be."""
    api = by_kubeconfig(None)
    api.set_default_header("Impersonate-User", f"system:serviceaccount:{namespace}:{account}")
    cluster = Cluster(namespace, api=api)
    try:
        content = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        cluster._call(verb, cluster._path(kind, name), body, content, [("dryRun", "All")])
    except ClusterError as error:
        return str(error)
    return ""


def refused(namespace, account, manifest):
    return asked(namespace, account, "POST", manifest["kind"], body=manifest)


def test_what_the_work_of_each_account_takes_is_let_through(guarded):
    work = {
        "a step": ("orchestrator", job("steps")),
        "a step that deploys": ("orchestrator", job("deployer", "deployment", "deploy_version")),
        "a step that looks": ("orchestrator", job("observer", "monitoring", "load_window")),
        "a run": ("monitoring", job("orchestrator", run=True)),
        "a run's token": ("monitoring", secret(TOKEN)),
        "a model's Secret": ("deployer", secret("other-frontdoor")),
        **{f"{one['kind']} {one['metadata']['name']}": ("deployer", one) for one in models()},
    }
    said = {name: why for name, (account, made) in work.items() if (why := refused(guarded, account, made))}
    role, binding = rights.readers(LOANS, Cluster(guarded).get("Secret", LOANS.frontdoor), ["observer"], guarded)
    said["Role"] = refused(guarded, "deployer", role)
    # What is bound must be there, for the API server's own memory of Roles too.
    Cluster(guarded).apply(role)
    wait_until(lambda: "not found" not in refused(guarded, "deployer", binding), 10, "the Role")
    said["RoleBinding"] = refused(guarded, "deployer", binding)
    assert {name: why for name, why in said.items() if why} == {}


def test_no_account_goes_beyond_its_work(guarded):
    seldon, door = models()[0], next(one for one in models() if one["kind"] == "Deployment")
    service = next(one for one in models() if one["kind"] == "Service")
    whoever = {
        "orchestrator": (job("deployer", "deployment", "deploy_version"), {**ANY_POD, **JOB, **STEP}),
        "monitoring": (job("orchestrator", run=True), {**ANY_POD, **JOB}),
        "deployer, a model": (seldon, {**ANY_POD, **SELDON}),
        "deployer, a front door": (door, ANY_POD),
    }
    tried = {
        f"{who}: {name}": (who.split(",")[0], changed(made, change))
        for who, (made, changes) in whoever.items()
        for name, change in changes.items()
    }
    tried |= {
        "monitoring: a step that deploys": ("monitoring", job("deployer", "deployment", "deploy_version")),
        "orchestrator: a run": ("orchestrator", job("orchestrator", run=True)),
        "deployer: a Job": ("deployer", job("deployer")),
        "deployer: a Secret that is an account's token": (
            "deployer",
            {
                **secret("x-frontdoor", type="kubernetes.io/service-account-token"),
                "metadata": {"name": "x-frontdoor", "annotations": {"kubernetes.io/service-account.name": "orchestrator"}},
            },
        ),
        "deployer: a Secret of another's name": ("deployer", secret("settings")),
        "monitoring: a Secret of another's name": ("monitoring", secret("settings")),
        "deployer: a Service in another's place": (
            "deployer",
            changed(service, lambda it: it.whole["spec"].update(externalIPs=["203.0.113.1"])),
        ),
        "deployer: what is no model's": ("deployer", {**ZENML, "metadata": {"name": "other"}}),
        "deployer: its rights for others": ("deployer", {**ROLE, "rules": rights.RULES[:1]}),
        "deployer: a Secret for others": (
            "deployer",
            {**ROLE, "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["databases"], "verbs": ["get"]}]},
        ),
    }
    said = {name: refused(guarded, account, made) for name, (account, made) in tried.items()}
    let = [name for name, why in said.items() if not why]
    # Refused for what it is, not because a rule can't be read.
    assert [why for why in said.values() if "resulted in error" in why] == []
    image = {"spec": {"template": {"spec": {"containers": [{"name": "zenml", "image": IMAGES["serving"]}]}}}}
    for account, verb, kind, name, body in (
        ("deployer", "DELETE", "Deployment", "zenml", None),
        ("deployer", "PATCH", "Deployment", "zenml", image),
        *((account, "DELETE", "Secret", "databases", None) for account in ("deployer", "orchestrator", "monitoring")),
    ):
        let += [] if asked(guarded, account, verb, kind, name, body) else [f"{account}: {verb} {name}"]
    assert let == []


def test_no_account_reads_a_secret_that_is_not_said_to_be_its(guarded):
    cases = [(account, name) for account in ("orchestrator", "steps", "deployer", "observer", "monitoring", "serving", "servers")
             for name in ("databases", LOANS.frontdoor)]  # fmt: skip
    assert [one for one in cases if not asked(guarded, one[0], "GET", "Secret", one[1])] == [("deployer", LOANS.frontdoor)]
    assert asked(guarded, "deployer", "GET", "Secret") and asked(guarded, "deployer", "PATCH", "Secret", "databases", {})
