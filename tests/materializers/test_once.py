"""Equal bytes lie once in an artifact store that is a folder, and one artifact's fate is not another's."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from materializers.once import put, unlinked


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(os.urandom(100_000))
    return path


def taken(folder: Path) -> int:
    """Bytes of the files below `folder`, each content once."""
    return sum({(found := path.stat()).st_ino: found.st_size for path in folder.rglob("*") if path.is_file()}.values())


def test_a_hundred_artifacts_of_one_content_take_the_room_of_one(source, tmp_path):
    store = tmp_path / "store"
    for run in range(100):
        put(source, store / "find_production" / str(run) / "model.onnx", store)

    assert taken(store) == 100_000
    assert (store / "find_production" / "99" / "model.onnx").read_bytes() == source.read_bytes()


def test_deleting_one_artifact_leaves_the_others_and_the_last_frees_the_content(source, tmp_path):
    store = tmp_path / "store"
    for run in "ab":
        put(source, store / run / "model.onnx", store)

    shutil.rmtree(store / "a")
    assert (store / "b" / "model.onnx").read_bytes() == source.read_bytes()
    assert not list(unlinked(store))
    shutil.rmtree(store / "b")
    assert [path.stat().st_size for path in unlinked(store)] == [100_000]


def test_content_that_somebody_changed_reaches_no_new_artifact(source, tmp_path):
    store = tmp_path / "store"
    put(source, store / "a" / "model.onnx", store)
    (store / "a" / "model.onnx").write_bytes(b"another model")

    put(source, store / "b" / "model.onnx", store)

    assert (store / "b" / "model.onnx").read_bytes() == source.read_bytes()


def test_a_disk_without_links_gets_copies(source, tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    put(source, tmp_path / "store" / "a" / "model.onnx", tmp_path / "store")

    assert (tmp_path / "store" / "a" / "model.onnx").read_bytes() == source.read_bytes()
