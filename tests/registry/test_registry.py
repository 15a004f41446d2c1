"""Who is champion: nobody, somebody, or nobody can say, which are three things."""

from __future__ import annotations

import mlflow
import pytest

from registry import production
from registry import versions as registry
from switchyard.tabular.errors import InputError
from tests.deployment.door import free_port


@pytest.fixture
def connected(monkeypatch):
    """Point all that asks the registry to a URI."""

    def connect(uri):
        for module in (registry, production):
            monkeypatch.setattr(module, "connect_mlflow", lambda: mlflow.set_tracking_uri(uri))

    before = mlflow.get_tracking_uri()
    yield connect
    mlflow.set_tracking_uri(before)


def test_a_model_a_version_and_an_alias_that_are_not_there_are_nobody(connected, tmp_path):
    connected(f"sqlite:///{tmp_path}/mlflow.db")
    assert registry.find_alias("loans", "champion") == registry.Registered("loans")
    registry.connect_mlflow()
    mlflow.MlflowClient().create_registered_model("loans")

    assert registry.find_alias("loans", "champion") == registry.Registered("loans")
    assert production.version_of("loans", "champion") is None and not registry.is_registered("loans", "1", "sha256:0")
    with pytest.raises(InputError, match="has no version '1' in the registry; there is none"):
        production.find_version("loans", "1")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: registry.find_alias("loans", "champion"),
        lambda: registry.is_registered("loans", "1", "sha256:0"),
        lambda: production.version_of("loans", "champion"),
        lambda: production.find_version("loans", "1"),
    ],
    ids=["find_alias", "is_registered", "version_of", "find_version"],
)
def test_a_registry_that_does_not_answer_is_not_one_without_a_champion(connected, monkeypatch, ask):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    connected(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(registry.RegistryError, match="the model registry did not answer"):
        ask()
