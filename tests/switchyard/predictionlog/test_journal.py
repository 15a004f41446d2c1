"""The journal: one file for each process, whole records only."""

import errno
import multiprocessing
import os
import signal
import threading

import pytest

from switchyard.predictionlog.frames import scan
from switchyard.predictionlog.journal import Journal, is_finished, journals, waiting_bytes


def payloads(path):
    return scan(path.read_bytes(), final=True).payloads


def test_records_of_many_threads_are_whole(tmp_path):
    journal = Journal(tmp_path)
    threads = [threading.Thread(target=lambda n=n: [journal.append(b"%d-%d" % (n, i)) for i in range(200)]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (path,) = journals(tmp_path)
    assert sorted(payloads(path)) == sorted(b"%d-%d" % (n, i) for n in range(4) for i in range(200))


def test_a_file_is_finished_when_its_process_is_dead(tmp_path):
    journal = Journal(tmp_path)
    journal.append(b"parent")
    ready = multiprocessing.get_context("fork").Event()

    def child():
        journal.append(b"child")
        ready.set()
        signal.pause()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert ready.wait(10)
    ours, theirs = journals(tmp_path)

    assert payloads(ours) == [b"parent"] and payloads(theirs) == [b"child"]
    assert not is_finished(ours) and not is_finished(theirs)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert is_finished(theirs) and not is_finished(ours)


def test_rotation_begins_a_new_file(tmp_path):
    journal = Journal(tmp_path, rotate_bytes=100)
    for number in range(10):
        journal.append(b"%02d" % number * 20)

    files = journals(tmp_path)
    assert len(files) > 3
    assert [payload for path in files for payload in payloads(path)] == [b"%02d" % number * 20 for number in range(10)]
    assert [is_finished(path) for path in files] == [True] * (len(files) - 1) + [False]


def test_what_does_not_fit_on_the_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append(b"before")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    with pytest.raises(OSError, match="only 7 of"):
        journal.append(b"too much")
    monkeypatch.undo()
    journal.append(b"after")

    (path,) = journals(tmp_path)
    assert scan(path.read_bytes(), final=False).payloads == [b"before", b"after"]


def test_a_journal_that_may_not_grow_further_refuses_records_until_some_were_taken_away(tmp_path):
    journal, kept = Journal(tmp_path, most_bytes=16_000), 0
    with pytest.raises(OSError, match="has all of its 16000 bytes") as refusal:
        for kept in range(1_000):  # noqa: B007 - counts what was taken
            journal.append(b"x" * 100)
    assert refusal.value.errno == errno.ENOSPC and not journal.is_writable()
    assert 16_000 <= waiting_bytes(tmp_path) < 17_200 and kept > 100

    journals(tmp_path)[0].unlink()
    assert journal.is_writable()
    journal.append(b"again")
    assert payloads(journals(tmp_path)[-1]) == [b"again"]
