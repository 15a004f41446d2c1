"""A file is there whole or not at all, and readable by those alone who may."""

import os
import stat

import pytest

from switchyard import files
from switchyard.files import partial_file, write_whole


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    return path


def test_what_was_there_is_replaced_and_nothing_is_left_beside_it(target):
    write_whole(target, "after ä")

    assert target.read_text(encoding="utf-8") == "after ä" and list(target.parent.iterdir()) == [target]


def test_what_fails_before_it_is_on_the_disk_changes_nothing_and_leaves_nothing(target, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(target, b"after")

    assert target.read_text() == "before" and list(target.parent.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_told_of(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "file", "x")


def test_a_secret_is_its_owners_alone_even_over_what_a_killed_writer_left(target, monkeypatch):
    monkeypatch.setattr(files.threading, "get_native_id", lambda: 7)
    left = target.with_name(".file.7.partial")
    left.touch()
    left.chmod(0o644)
    write_whole(target, "token", 0o600)

    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_without_a_mode_the_umask_decides(target):
    before = os.umask(0o027)
    try:
        write_whole(target, "x")
    finally:
        os.umask(before)

    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_reader_meanwhile_has_the_old_one(target):
    with partial_file(target) as partial:
        partial.write_text("after")
        assert target.read_text() == "before"

    assert target.read_text() == "after"


def test_a_file_with_several_links_takes_its_room_once_and_a_symbolic_link_none(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "other").write_bytes(b"y" * 10)
    os.link(tmp_path / "one" / "file", tmp_path / "linked")
    (tmp_path / "around").symlink_to(tmp_path, target_is_directory=True)

    assert files.bytes_of(tmp_path) == 1010
