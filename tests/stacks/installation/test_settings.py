"""What an installation is told and what it keeps: the settings file, and the Secrets of the cluster."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from stacks.cluster.errors import ClusterError
from stacks.installation import secrets
from stacks.installation.settings import ClusterSettings, read_settings
from switchyard.tabular.errors import InputError
from tests.memory_cluster import MemoryCluster

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "stacks/kubernetes/overlays/external/settings.env.example"


def written(tmp_path, text: str) -> Path:
    path = tmp_path / "settings.env"
    path.write_text(text)
    return path


class Kept(MemoryCluster):
    """A namespace's Secrets and volumes, with the Service of a trial's database."""

    def __init__(self, secrets=None, volumes=()):
        super().__init__("switchyard")
        self.hold({"kind": "Service", "metadata": {"name": "database"}, "spec": {"clusterIP": "10.96.0.9"}})
        self.hold(*({"kind": "PersistentVolumeClaim", "metadata": {"name": name}} for name in volumes))
        for name, values in (secrets or {}).items():
            self.keep(name, values)

    def keep(self, name, values):
        """Have a Secret hold `values` and nothing else."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.hold({"kind": "Secret", "metadata": {"name": name}, "data": data})

    def apply(self, *manifests):
        super().apply(*manifests)
        for manifest in manifests:
            self.keep(manifest["metadata"]["name"], manifest["stringData"])

    @property
    def secrets(self):
        return {name: secrets.read(self, name) for kind, name in self.objects if kind == "Secret"}


def own(tmp_path, **changes):
    """Settings of somebody's own S3 and databases."""
    text = EXAMPLE.read_text().replace("ACCESS_KEY_ID=\n", "ACCESS_KEY_ID=a\n").replace("SECRET_ACCESS_KEY=\n", "SECRET_ACCESS_KEY=b\n")
    return read_settings(written(tmp_path, text)).model_copy(update=changes)


def test_without_a_file_it_is_a_trial_at_first_and_later_what_it_was(tmp_path):
    cluster = Kept()
    assert secrets.settle(cluster, None).overlay == "trial"

    external = own(tmp_path)
    store = secrets.ensure(cluster, secrets.settle(cluster, external), external.s3_endpoint_url)
    assert store["AWS_ACCESS_KEY_ID"] == "a"
    # An upgrade is typed without the file: the databases stay those that hold the runs.
    before = cluster.secrets
    again = secrets.settle(cluster, None)
    assert again == external
    assert secrets.ensure(cluster, again, external.s3_endpoint_url) == store
    assert cluster.secrets == before and len(cluster.done) == len(before)


def test_new_keys_are_taken(tmp_path):
    cluster = Kept()
    secrets.ensure(cluster, own(tmp_path), "https://s3")
    store = secrets.ensure(cluster, secrets.settle(cluster, own(tmp_path, s3_secret_access_key="new")), "https://s3")

    assert store["AWS_SECRET_ACCESS_KEY"] == "new" == cluster.secrets["object-store"]["AWS_SECRET_ACCESS_KEY"]


def test_an_installation_is_not_given_another_store_by_mistake(tmp_path):
    cluster = Kept()
    secrets.ensure(cluster, own(tmp_path), "https://s3")

    with pytest.raises(InputError, match="holds an installation of overlay external, and these settings make one of trial"):
        secrets.settle(cluster, ClusterSettings())


def test_an_installation_older_than_its_kept_settings_is_not_taken_for_a_trial(tmp_path):
    cluster = Kept({"databases": {"zenml-url": "mysql://elsewhere"}, "object-store": {"AWS_ACCESS_KEY_ID": "a"}})
    with pytest.raises(InputError, match="--settings FILE"):
        secrets.settle(cluster, None)
    with pytest.raises(InputError, match="overlay external, and these settings make one of trial"):
        secrets.settle(cluster, ClusterSettings())
    assert secrets.settle(cluster, own(tmp_path)) == own(tmp_path)

    trial = Kept({"databases": {"zenml-url": "mysql://database"}, "database-server": {"root-password": "r"}}, ["database"])
    assert secrets.settle(trial, None).overlay == "trial"
    with pytest.raises(InputError, match="overlay trial, and these settings make one of external"):
        secrets.settle(trial, own(tmp_path))


def test_the_trials_database_keeps_its_root_password_and_gets_a_new_one_for_its_clients():
    cluster = Kept()
    secrets.ensure(cluster, secrets.settle(cluster, None), "http://objects:9000")
    cluster.hold({"kind": "PersistentVolumeClaim", "metadata": {"name": "database"}})
    before = cluster.secrets["database-server"]

    cluster.keep("database-server", {"root-password": before["root-password"]})
    secrets.ensure(cluster, secrets.settle(cluster, None), "http://objects:9000")
    after = cluster.secrets["database-server"]
    assert after["root-password"] == before["root-password"] and after["user-password"] != before["user-password"]
    assert after["user-password"] in cluster.secrets["databases"]["predictions-url"]

    for lost in ({}, {"user-password": "u"}):
        cluster.keep("database-server", lost)
        with pytest.raises(ClusterError, match="root-password was in Secret database-server and is gone: .*printenv MARIADB_ROOT_PASSWORD"):
            secrets.settle(cluster, None)


def test_kept_settings_that_are_no_longer_enough_are_refused():
    cluster = Kept({"settings": {"service_type": "LoadBalancer"}})
    with pytest.raises(InputError, match="Secret settings.*LOAD_BALANCER_SOURCE_RANGES"):
        secrets.settle(cluster, None)


def test_the_example_is_complete_once_its_keys_are_in(tmp_path):
    text = EXAMPLE.read_text().replace("ACCESS_KEY_ID=\n", "ACCESS_KEY_ID=a\n").replace("SECRET_ACCESS_KEY=\n", "SECRET_ACCESS_KEY=b\n")
    settings = read_settings(written(tmp_path, text))

    assert settings.overlay == "external"
    assert settings.s3_endpoint_url == "https://s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("", "S3_ACCESS_KEY_ID="), "S3_ACCESS_KEY_ID is missing"),
        (("ZENML_DATABASE_URL=mysql://", "ZENML_DATABASE_URL=postgresql://"), "ZENML_DATABASE_URL begins with postgresql"),
        (("HOST:3306/zenml", "HOST:3306/zenml?charset=utf8mb4"), "ZENML_DATABASE_URL has the option charset.*ssl=true"),
        (("HOST:3306/mlflow", "HOST:3306/mlflow?ssl_key=/k"), "MLFLOW_DATABASE_URL has the option ssl_key"),
        (("HOST:3306/studies", "HOST:3306/studies?ssl_verify_server_cert=true"), "STUDIES_DATABASE_URL asks to verify.*ssl_ca="),
        (("S3_BUCKET", "S3_BUKET"), "S3_BUKET"),
        (("SERVICE_TYPE=ClusterIP", "SERVICE_TYPE=Magic"), "SERVICE_TYPE"),
        (("SERVICE_TYPE=ClusterIP", "SERVICE_TYPE=LoadBalancer"), "needs LOAD_BALANCER_SOURCE_RANGES"),
        (("SERVICE_TYPE=ClusterIP", "LOAD_BALANCER_SOURCE_RANGES=office"), "'office' is no network"),
        (("SERVICE_TYPE=ClusterIP", "INGRESS_ANNOTATIONS=a=b"), "INGRESS_ANNOTATIONS must be a JSON object"),
        (("SERVICE_TYPE=ClusterIP", 'NODE_SELECTOR={"gpu": 1}'), "NODE_SELECTOR must be a JSON object of strings"),
        (("SERVICE_TYPE=ClusterIP", 'TOLERATIONS={"key": "pool"}'), "TOLERATIONS must be a JSON list"),
        (("SERVICE_TYPE=ClusterIP", "INGRESS_CLASS=nginx"), "INGRESS_CLASS needs ZENML_URL"),
        (("SERVICE_TYPE=ClusterIP", "SERVICE_TYPE"), "no KEY=VALUE"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(tmp_path, change, named):
    text = EXAMPLE.read_text()
    if not change[0]:
        path = written(tmp_path, text)
    else:
        text = text.replace("ACCESS_KEY_ID=\n", "ACCESS_KEY_ID=a\n").replace("SECRET_ACCESS_KEY=\n", "SECRET_ACCESS_KEY=b\n")
        path = written(tmp_path, text.replace(*change))
    with pytest.raises(InputError, match=named):
        read_settings(path)


def test_stores_that_refuse_checksums_in_trailers_get_none(monkeypatch):
    import boto3
    from aiobotocore.config import AioConfig

    cluster = Kept()
    secrets.ensure(cluster, ClusterSettings(), "https://storage.googleapis.com")
    for name, value in cluster.secrets["object-store"].items():
        monkeypatch.setenv(name, value)
    stack = yaml.safe_load((ROOT / "stacks/kubernetes.yaml").read_text())

    of_pods = boto3.client("s3").meta.config
    of_artifacts = AioConfig(**stack["components"]["artifact_store"]["configuration"]["config_kwargs"])
    for config in (of_pods, of_artifacts):
        assert config.request_checksum_calculation == config.response_checksum_validation == "when_required"
