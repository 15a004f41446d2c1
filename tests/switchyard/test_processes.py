"""A process is known again by its number and its start, by what earlier releases wrote down too."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from switchyard import processes
from switchyard.processes import is_running, lives, me, started


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def ticks_of(number):
    """What earlier releases wrote into ledgers and observed.json: the kernel's own count, from /proc."""
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19])


def test_what_was_written_down_before_is_the_same_process(child):
    assert abs(started(child.pid) - ticks_of(child.pid)) <= 1
    assert is_running(child.pid, ticks_of(child.pid))
    machine = me().rpartition(" process ")[0]
    assert lives(f"{machine} process {child.pid}/{ticks_of(child.pid)}")


def test_another_one_with_its_number_is_not_it(child):
    assert not is_running(child.pid, ticks_of(child.pid) - 60 * os.sysconf("SC_CLK_TCK"))


def test_one_that_is_dead_and_not_yet_collected_runs_no_more(child):
    begun = started(child.pid)
    child.kill()
    end = time.monotonic() + 10
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.01)

    assert started(child.pid) is None and not is_running(child.pid, begun)


def test_a_clock_that_is_set_makes_no_other_process_of_it(child, monkeypatch):
    begun = started(child.pid)
    real = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: real + 3600)
    monkeypatch.setattr(psutil._pslinux, "boot_time", lambda: real + 3600)

    assert is_running(child.pid, begun)


def test_one_of_another_machine_cannot_be_asked_for(monkeypatch):
    assert lives(me()) is True
    monkeypatch.setattr(processes.socket, "gethostname", lambda: "elsewhere")

    assert lives(me()) is None
