"""A process that says nothing is hung where it does nothing either, and busy where it works."""

import os
import signal
import sys
import time

import pytest

from deployment.process import handles, keeper
from deployment.process.keeper import Keeper

IDLE = "import time; time.sleep(60)"
BUSY = "while True: pass"
# The children work, as a service's workers do for its master.
BUSY_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


@pytest.fixture
def silent(tmp_path, monkeypatch):
    """Makes a keeper of a process that never answers."""
    monkeypatch.setattr(keeper, "HUNG_AFTER_S", 1.0)
    made = []

    def make(code):
        made.append(
            Keeper("v1", 1, lambda: handles.start([sys.executable, "-c", code], os.environ, tmp_path, tmp_path / "log"), lambda: None)
        )
        return made[-1]

    yield make
    for one in made:
        if one.handle:
            one.handle.send(signal.SIGKILL)


def look(at, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        at.look()
        time.sleep(0.05)
    return at.restarts


def test_one_that_is_silent_and_idle_is_killed_and_started_again(silent):
    assert look(silent(IDLE), 3) >= 1


@pytest.mark.parametrize("code", [BUSY, BUSY_CHILD])
def test_one_that_is_silent_and_works_is_left_alone(silent, code):
    assert look(silent(code), 4) == 0


def test_one_that_works_for_ever_and_says_nothing_is_killed_in_the_end(silent, monkeypatch):
    monkeypatch.setattr(keeper, "BUSY_AT_MOST_S", 2.0)
    assert look(silent(BUSY), 4) >= 1


def test_one_that_was_busy_and_then_hangs_is_killed(silent):
    assert look(silent(f"import time\nend = time.monotonic() + 2.5\nwhile time.monotonic() < end: pass\n{IDLE}"), 6) >= 1
