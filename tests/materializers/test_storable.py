"""An artifact is read whole or not at all, whatever its store says lies below it."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from materializers.storable import StorableMaterializer


@pytest.mark.parametrize("name", ["../../outside", "a/../../../outside"])
def test_a_name_that_leads_out_of_an_artifact_is_not_read(tmp_path, monkeypatch, name):
    """A folder of this machine has no such name; an object store may."""
    opened = []
    store = SimpleNamespace(
        walk=lambda uri: [(uri, [], ["inside", name])], open=lambda path, mode: opened.append(path) or io.BytesIO(b"content")
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"holds a file named '\.\..*outside', which is no part of it; nothing was read"):
        StorableMaterializer(uri="s3://bucket/artifact", artifact_store=store).load(object)
    assert opened == ["s3://bucket/artifact/inside"] and not list(tmp_path.rglob("outside"))
