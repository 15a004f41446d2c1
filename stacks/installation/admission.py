"""Admission: what Jobs, Deployments and Secrets the installation's accounts may make, checked by the API server itself.

`stacks/kubernetes/admission.yaml` has the policies. What they compare with is filled in here from the stack's own file: the
accounts, images, variables, Secrets and volumes that `settings` there ask for are those that a run may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from stacks.cluster.client import Cluster
from stacks.cluster.errors import Forbidden
from stacks.cluster.objects import OWNER, PART_OF, Object
from stacks.settings import FOLDER, settings_of_each

STACK = "kubernetes"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
API = "admissionregistration.k8s.io/v1"
STEP = "zenml.entrypoints.step_entrypoint_configuration.StepEntrypointConfiguration"
_STEPS = "zenml.entrypoints.entrypoint"
RUN = "zenml.integrations.kubernetes.orchestrators.kubernetes_orchestrator_entrypoint"
"""Modules that the pods of a run and of its steps execute; STEP is what the latter is told to be."""
_ZENML = ("ZENML_*", "DISABLE_CREDENTIALS_DISK_CACHING")
_SERVING = ("SWITCHYARD_*", "GUNICORN_WORKERS", "PREDICTIVE_UNIT_*", "PREDICTOR_ID", "SELDON_*")
_SERVER, _STARTS, _WALKS, _DEPLOYS = "serving", "monitoring", "orchestrator", "deployer"
_NEVER = "-"
"""In the place of a list that is empty."""


def allowed(images: Mapping[str, str], server: str, folder: Path = FOLDER) -> dict[str, str]:
    """What the policies compare with: lists of words, and ZenML's server.

    Parameters
    ----------
    images : mapping
        Names of the images by kind (pipelines, serving, frontdoor); their repositories are allowed, whatever the tag.
    server : str
        URL of ZenML's server, whose word on steps the pods take.
    folder : Path
        Of the stack's file.
    """
    found: dict[str, set[str]] = {name: set() for name in ("accounts", "images", "secrets", "variables", "volumes", "entrypoints")}
    for settings in settings_of_each(STACK, folder):
        run = settings.get("orchestrator", {})
        walks = run.get("service_account_name", _WALKS)
        acts = run.get("step_pod_service_account_name", walks)
        found["accounts"] |= {f"{_STARTS}/{walks}", f"{walks}/{acts}"}
        image = settings.get("docker", {}).get("parent_image", "{image}")
        image = _repository(images["pipelines"]) if image == "{image}" else image
        found["images"] |= {f"{_STARTS}/{image}", f"{walks}/{image}"}
        found["entrypoints"] |= {f"{_STARTS}/{RUN}", f"{walks}/{_STEPS}", f"{walks}/{STEP}"}
        for maker, account, pod in ((_STARTS, walks, run.get("orchestrator_pod_settings", {})), (walks, acts, run.get("pod_settings", {}))):
            found["variables"] |= {f"{maker}/{name}" for name in (*_ZENML, *(one["name"] for one in pod.get("env", [])))}
            found["secrets"] |= set(_secrets(account, pod))
            found["volumes"] |= set(_volumes(account, pod))
    found["accounts"].add(f"{_DEPLOYS}/{_SERVER}")
    found["images"] |= {f"{_DEPLOYS}/{_repository(images[kind])}" for kind in ("serving", "frontdoor")}
    found["variables"] |= {f"{_DEPLOYS}/{name}" for name in _SERVING}
    found["secrets"] |= set(_of_models(folder))
    return {"server": server, **{name: " ".join(sorted(words)) or _NEVER for name, words in found.items()}}


def policies(namespace: str, values: Mapping[str, str], folder: Path = FOLDER) -> list[Object]:
    """The policies of one installation, each with what binds it to the namespace; `values` are `allowed`'s."""
    text = (folder / "kubernetes" / "admission.yaml").read_text(encoding="utf-8")
    for name, value in {"namespace": namespace, **values}.items():
        text = text.replace("{" + name + "}", value)
    made = []
    for policy in yaml.safe_load_all(text):
        name = policy["metadata"]["name"]
        labels = {PART_OF: OWNER}
        policy["metadata"]["labels"] = labels
        only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
        spec = {"policyName": name, "validationActions": ["Deny"], "matchResources": only}
        made += [policy, {"apiVersion": API, "kind": BINDING, "metadata": {"name": name, "labels": labels}, "spec": spec}]
    return made


def admit(cluster: Cluster, values: Mapping[str, str], written: Path, report: Callable[[str], None]) -> None:
    """Have the cluster check by the policies, where it can and your rights let it; else say what that leaves open.

    Parameters
    ----------
    values : mapping
        `allowed`.
    written : Path
        File that the policies are written to, for whoever has the rights.
    """
    made = policies(cluster.namespace, values)
    written.write_text(yaml.safe_dump_all(made, sort_keys=False), encoding="utf-8")
    if not cluster.has(API, POLICY):
        report("accounts that make Jobs may have them act as any account here: Kubernetes checks that from 1.30 on")
        return
    try:
        cluster.apply(*made)
        report("what accounts may make is checked by the cluster")
    except Forbidden:
        report(f"until then accounts may have Jobs act as any account here: who may make {POLICY}s runs kubectl apply -f {written}")


def names(namespace: str) -> list[tuple[str, str]]:
    """Kind and name of what `admit` makes that is of no namespace, in the order in which it is to go."""
    found = [(one["kind"], one["metadata"]["name"]) for one in policies(namespace, {})]
    return sorted(found, key=lambda one: one[0] != BINDING)


def _repository(image: str) -> str:
    """`image` up to its tag, the colon with it."""
    return image.partition("@")[0].rpartition(":")[0] + ":"


def _secrets(account: str, pod: Mapping[str, Any]) -> Iterator[str]:
    for one in pod.get("env", []):
        if reference := one.get("valueFrom", {}).get("secretKeyRef"):
            yield f"{account}/{reference['name']}/{reference['key']}"
    for one in pod.get("env_from", []):
        if reference := one.get("secretRef"):
            yield f"{account}/{reference['name']}/*"


def _volumes(account: str, pod: Mapping[str, Any]) -> Iterator[str]:
    named = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName"}
    for volume in pod.get("volumes", []):
        for kind, key in named.items():
            if kind in volume:
                yield f"{account}/{kind}/{volume[kind][key]}"


def _of_models(folder: Path) -> Iterator[str]:
    """Secrets that models read: the prediction log's URL and the object store's keys, by the deployer's names for them."""
    components = yaml.safe_load((folder / f"{STACK}.yaml").read_text(encoding="utf-8"))["components"]
    given = components["model_deployer"].get("configuration", {})
    yield f"{_SERVER}/{given.get('log_secret', 'databases')}/predictions-url"
    yield f"{_SERVER}/{given.get('store_secret', 'object-store')}/*"
