"""What windows are held against is what was registered, and with a signature what was signed."""

from __future__ import annotations

import mlflow
import pytest

from registry import reference as referencing
from registry import trust
from registry import versions as registry
from tests.registry.test_trust import store, version  # noqa: F401 - fixtures


@pytest.fixture
def reference(version, monkeypatch):  # noqa: F811
    """Folder of what windows of the version are held against; read, it is the content of its rows."""
    monkeypatch.setattr(referencing, "connect_mlflow", registry.connect_mlflow)
    monkeypatch.setattr(referencing.Reference, "read", classmethod(lambda _cls, folder: (folder / "rows.parquet").read_bytes()))
    folder = version / "reference"
    folder.mkdir()
    for name in ("rows.parquet", "reference.json"):
        (folder / name).write_bytes(b"as registered")
    return folder


def tag_reference(folder):
    digest = referencing.digest_reference({path.name: path.read_bytes() for path in folder.iterdir()})
    mlflow.MlflowClient().set_model_version_tag("loans", "1", referencing.REFERENCE_TAG, digest)


def test_a_reference_that_was_changed_is_held_against_nothing(reference):
    assert referencing.find_reference("loans", "1") == b"as registered"
    tag_reference(reference)
    assert referencing.find_reference("loans", "1") == b"as registered"
    (reference / "rows.parquet").write_bytes(b"of another")
    with pytest.raises(registry.ChangedVersion, match="the reference of version 1 of 'loans' .* was changed since it was registered"):
        referencing.find_reference("loans", "1")


def test_who_can_write_the_registry_changes_no_reference_of_a_signed_version(reference):
    tag_reference(reference)
    trust.seal_version("loans", "1", "anna")
    assert referencing.find_reference("loans", "1") == b"as registered"
    (reference / "rows.parquet").write_bytes(b"of another")
    tag_reference(reference)
    with pytest.raises(registry.ChangedVersion, match="was changed since it was registered"):
        referencing.find_reference("loans", "1")
