"""Who is champion: nobody, somebody, or nobody can say, which are three things."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
import pytest

from registry import production
from registry import versions as registry
from registry.asking import RegistryError
from switchyard.bundle import Bundle
from switchyard.tabular.errors import InputError
from tests.deployment.door import free_port
from tests.switchyard.serving.cases import make_bundle


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

    with pytest.raises(RegistryError, match="the model registry did not answer"):
        ask()


@pytest.fixture
def champion(connected, tmp_path):
    """Folder of the champion's files in a registry of its own."""
    connected(f"sqlite:///{tmp_path}/mlflow.db")
    registry.connect_mlflow()
    client = mlflow.MlflowClient()
    run = client.create_run(client.create_experiment("loans", (tmp_path / "artifacts").as_uri()))
    client.log_artifacts(run.info.run_id, str(make_bundle(tmp_path / "made")), "bundle")
    client.create_registered_model("loans")
    digest = Bundle.read(tmp_path / "made").digest
    client.create_model_version("loans", f"runs:/{run.info.run_id}/bundle", run.info.run_id, tags={registry.DIGEST_TAG: digest})
    client.set_registered_model_alias("loans", "champion", "1")
    return Path(unquote(urlsplit(run.info.artifact_uri).path)) / "bundle"


OPENERS = pytest.mark.parametrize(
    "opened",
    [lambda: registry.find_alias("loans", "champion"), lambda: production.find_version("loans", "1")],
    ids=["find_alias", "find_version"],
)


@OPENERS
def test_a_version_is_opened_with_the_files_that_were_registered(champion, opened):
    assert opened().opened.files == Bundle.read(champion).files


def _flip(champion):
    content = bytearray((champion / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (champion / "model.onnx").write_bytes(content)


def _edit(champion):
    text = (champion / "signature.json").read_text()
    (champion / "signature.json").write_text(text.replace('"format": 2', '"format": 99'))


def _folder(champion):
    (champion / "model.onnx").unlink()
    (champion / "model.onnx").mkdir()
    (champion / "model.onnx" / "weights").write_text("x")


def _link(champion):
    shutil.move(champion / "examples.json", champion.parent / "elsewhere.json")
    os.symlink(champion.parent / "elsewhere.json", champion / "examples.json")


def _dangle(champion):
    (champion / "examples.json").unlink()
    os.symlink(champion.parent / "nowhere.json", champion / "examples.json")


@OPENERS
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_flip, "their digest is sha256:.*, and sha256:.* was registered"),
        (_edit, "their digest is sha256:.*, and sha256:.* was registered"),
        (lambda champion: (champion / "examples.json").unlink(), "examples.json is missing"),
        (_folder, "model.onnx is no regular file"),
        (_link, "examples.json"),
        (_dangle, "can't be listed|examples.json"),
        (lambda champion: (champion / "evil.py").write_text("import os"), "evil.py does not belong there"),
    ],
    ids=["a byte", "the signature", "missing", "folder", "link", "dangling link", "unlisted"],
)
def test_a_changed_version_is_opened_by_nobody(champion, opened, change, says):
    change(champion)

    with pytest.raises(registry.ChangedVersion, match=f"files of version 1 of 'loans' were changed since it was registered: .*{says}"):
        opened()


@pytest.fixture
def with_twin(champion, tmp_path):
    """Folder of the champion's evaluated twin, another bundle beside its own."""
    shutil.copytree(champion, champion.parent / registry.TWIN)
    _edit(champion.parent / registry.TWIN)
    client, digest = mlflow.MlflowClient(), Bundle.read(champion.parent / registry.TWIN).digest
    client.set_model_version_tag("loans", "1", registry.TWIN_TAG, digest)
    return champion.parent / registry.TWIN


def test_a_champion_meets_others_by_its_evaluated_twin(with_twin, tmp_path):
    found = registry.find_alias("loans", "champion", with_twin=True)
    kept = tmp_path / "kept"
    kept.mkdir()
    found.write(kept)

    assert found.twin == Bundle.read(with_twin) != found.opened and found.digest == found.opened.digest
    assert registry.Registered.read(kept) == found
    assert registry.find_alias("loans", "champion").twin == found.opened


def test_a_version_of_before_there_were_twins_is_its_own(champion):
    found = registry.find_alias("loans", "champion", with_twin=True)
    assert found.evaluated is None and found.twin == found.opened


@pytest.mark.parametrize("change", [_flip, shutil.rmtree], ids=["a byte", "missing"])
def test_a_changed_twin_is_compared_with_by_nobody(with_twin, change):
    change(with_twin)
    assert registry.find_alias("loans", "champion").opened.signature.name
    with pytest.raises(registry.ChangedVersion, match="files of version 1 of 'loans' were changed since it was registered"):
        registry.find_alias("loans", "champion", with_twin=True)


def test_an_artifact_that_was_changed_in_the_store_is_not_read(champion, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    registry.find_alias("loans", "champion").write(kept)
    assert registry.Registered.read(kept).opened.signature.name
    _flip(kept / "bundle")

    with pytest.raises(registry.ChangedVersion, match="changed in the artifact store"):
        registry.Registered.read(kept)


def test_a_version_that_was_taken_back_says_so_until_it_is_in_production_again(champion):
    assert production.was_withdrawn("loans", "1") == ""
    production.mark_withdrawn("loans", "1", "ana", "complaints")

    assert production.was_withdrawn("loans", "1").startswith("taken back by ana: complaints at 2")
    mlflow.MlflowClient().set_model_version_tag("loans", "1", production.SINCE, "9999-01-01T00:00:00+00:00")
    assert production.was_withdrawn("loans", "1") == "" and production.was_withdrawn("loans", "7") == ""
