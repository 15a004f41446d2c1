"""A namespace of models on a real cluster, with what they lean on; and the same interface on this machine."""

import contextlib
import os
import secrets
import time
from dataclasses import dataclass, replace

import pytest

from deployment.host import DeploymentError, Host
from deployment.kubernetes import rights
from deployment.kubernetes.host import KubernetesHost
from deployment.kubernetes.names import Names
from deployment.kubernetes.options import KubernetesOptions
from deployment.process.host import ProcessHost
from deployment.process.options import ProcessOptions
from stacks.cluster.client import Cluster
from tests.deployment.conftest import installed, releases  # noqa: F401 - fixtures
from tests.kubernetes.backing import Backing, apply, kubectl, namespace_of
from tests.kubernetes.running import Installation

TIMEOUT = 120
UNTIL = "SWITCHYARD_TESTS_UNTIL"
"""Seconds since the epoch after which no further test on a cluster begins; CI has only so much time."""
KEPT = "SWITCHYARD_NAMESPACE"
"""Names an installation that stays: one that is there is taken, and none is removed."""
ACCOUNT = "deployer"
SMALL = {"memory": "160Mi", "cpu": "25m"}


def pytest_runtest_setup(item):
    if item.get_closest_marker("cluster") and time.time() > float(os.environ.get(UNTIL, "inf")):
        pytest.skip("no time is left")


@dataclass
class Place:
    """A host, and releases made for it."""

    host: Host
    model: str
    bundles: dict

    def release(self, version, **changes):
        return replace(self.bundles[version], model=self.model, **changes)


@pytest.fixture(scope="session")
def registry():
    """Of the cluster that tests may use."""
    if not (os.environ.get("CONTAINER_REGISTRY") and os.environ.get("KUBECONFIG")):
        pytest.skip("no cluster: set KUBECONFIG and CONTAINER_REGISTRY to those of one that tests may use")
    return os.environ["CONTAINER_REGISTRY"]


@pytest.fixture(scope="session")
def installation(registry, tmp_path_factory):
    """`run.py stack up kubernetes`, as a user does it."""
    kept = os.environ.get(KEPT)
    made = Installation.prepared(tmp_path_factory.mktemp("installation"), kept or f"switchyard-runs-{secrets.token_hex(3)}")
    up = made.up()
    assert up.code == 0, up.output
    yield made
    if not kept:
        made.project.run("stack", "down", "kubernetes", "--namespace", made.namespace, "--yes")


@pytest.fixture(scope="session")
def images(registry):
    """Of serving and front door, in the registry."""
    from stacks.images import ensure_image

    return {f"{kind}_image": ensure_image(kind, registry) for kind in ("serving", "frontdoor")}


@pytest.fixture(scope="session")
def backing(images):
    made = Backing(f"switchyard-backing-{secrets.token_hex(3)}")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def namespace(backing):
    """Whose pods must be of the `restricted` level."""
    name = f"switchyard-test-{secrets.token_hex(3)}"
    apply(namespace_of(name, "restricted"))
    apply(*backing.secrets_for(name), *_account(name))
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def _account(namespace):
    """Who may do what `rights` says, and nothing else."""
    account = {"name": ACCOUNT, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        rights.role(ACCOUNT, namespace),
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": account,
            "subjects": [{"kind": "ServiceAccount", **account}],
            "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT},
        },
    ]


@pytest.fixture(scope="session")
def cluster(namespace):
    """As the deployer's account sees it."""
    from kubernetes import client, config

    configuration = client.Configuration()
    config.load_kube_config(client_configuration=configuration)
    configuration.cert_file = configuration.key_file = None
    token = kubectl("create", "token", ACCOUNT, "-n", namespace, "--duration=4h").strip()
    configuration.api_key = {"authorization": f"Bearer {token}"}
    return Cluster(namespace, api=client.ApiClient(configuration))


@pytest.fixture
def cluster_place(images, backing, namespace, cluster, releases, tmp_path):  # noqa: F811
    """Makes a place on the cluster, with a model of its own; settings are the options."""
    made = []

    def make(**settings):
        options = KubernetesOptions(namespace=namespace, requests=SMALL, replicas=1, workers=1, **images)
        host = KubernetesHost(cluster, replace(options, **settings), tmp_path / "tokens")
        bundles = {version: replace(one, uri=backing.upload(one.digest[-12:], one.files)) for version, one in releases.items()}
        model = f"loans-{secrets.token_hex(3)}"
        # As who starts a deployment does; the account itself may not.
        rights.let_deploy(Cluster(namespace), Names.of(model), ACCOUNT)
        made.append(Place(host, model, bundles))
        return made[-1]

    yield make
    for place in made:
        # The namespace goes at the end; nobody waits for pods here.
        with contextlib.suppress(DeploymentError):
            place.host.remove(place.model, 0)


@pytest.fixture(params=["process", pytest.param("kubernetes", marks=[pytest.mark.cluster, pytest.mark.full])])
def place(request, releases, tmp_path):  # noqa: F811
    """One of each host."""
    if request.param == "kubernetes":
        yield request.getfixturevalue("cluster_place")()
        return
    request.getfixturevalue("installed")
    made = Place(ProcessHost(tmp_path / "serving", ProcessOptions(workers=1)), "loans", releases)
    yield made
    made.host.remove(made.model, 30)
