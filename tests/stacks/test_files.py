"""Files that a run writes appear when they are whole."""

import os

import pytest

from stacks.files import local_input, store_whole, whole_output
from switchyard.tabular.errors import InputError


def test_what_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "new" / "out.csv"
    with whole_output(str(target), "run") as path:
        path.write_text("first")
        assert not target.exists()
    with pytest.raises(RuntimeError), whole_output(str(target), "run") as path:
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "first" and list(target.parent.iterdir()) == [target]


def test_what_is_killed_is_never_seen_and_its_rest_is_replaced(tmp_path):
    target = tmp_path / "out.csv"
    child = os.fork()
    if not child:
        with whole_output(str(target), "run") as path:
            path.write_text("half")
            os._exit(9)
    os.waitpid(child, 0)
    assert not target.exists() and len(list(tmp_path.iterdir())) == 1
    with whole_output(str(target), "run") as path:
        path.write_text("whole")
    assert list(tmp_path.iterdir()) == [target] and target.read_text() == "whole"


def test_urls_are_read_and_written(tmp_path, monkeypatch):
    monkeypatch.setattr("stacks.files._is_in_store", lambda _location: False)
    with whole_output(f"file://{tmp_path}/deep/out.csv", "run") as path:
        path.write_text("x")
    with local_input(f"file://{tmp_path}/deep/out.csv") as path:
        assert path.read_text() == "x" and path.name == "out.csv"
    assert [item.name for item in (tmp_path / "deep").iterdir()] == ["out.csv"]
    with pytest.raises(InputError, match="does not exist"), local_input(f"file://{tmp_path}/none.csv"):
        pass


def test_what_a_store_breaks_off_leaves_what_was_there_and_nothing_beside_it(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "bundle"
    store_whole(str(target), b"first")
    monkeypatch.setattr("stacks.files.shutil.copyfileobj", _breaks)
    (tmp_path / "source").write_bytes(b"second")
    with pytest.raises(ConnectionError):
        store_whole(str(target), tmp_path / "source")

    assert target.read_bytes() == b"first" and list(target.parent.iterdir()) == [target]


def _breaks(source, sink, length):
    sink.write(source.read(3))
    raise ConnectionError
