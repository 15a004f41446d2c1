"""What keeps services alive does not die of its own bookkeeping, and where it is gone the next command brings it back."""

import errno
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from deployment.process.host import ProcessHost
from deployment.process.layout import Desired, Layout, Spec
from deployment.process.options import ProcessOptions
from deployment.process.supervisor import Supervisor
from switchyard.serving import launch
from switchyard.serving.frontdoor import environment
from switchyard.serving.frontdoor.state import Door
from tests.deployment.conftest import Client, Load
from tests.deployment.door import free_port, wait_until
from tests.deployment.test_process_host import TIMEOUT, is_gone, observed, pid, serve


class FullDisk(Layout):
    """A layout whose state can't be written while `full`."""

    full = False

    def write_observed(self, content):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_observed(content)


@pytest.fixture
def layout(tmp_path, monkeypatch):
    """One instance should run, and processes that only sleep stand for it and for Envoy."""
    monkeypatch.setattr(launch, "command", lambda *_, **__: ["sleep", "60"])
    monkeypatch.setattr(environment, "command", lambda *_: ["sleep", "60"])
    made = FullDisk(tmp_path)
    with made.changing() as place:
        spec = Spec("1", "sha256:0", "live", {"bundle": str(tmp_path)}, free_port(), free_port())
        place[0] = Desired(Door(free_port(), free_port()), {"v1": spec})
    yield made
    for name in started(made):
        os.killpg(made.read_observed()["processes"][name]["pid"], signal.SIGKILL)


def started(layout):
    """Names of what is said to run."""
    return {name for name, process in layout.read_observed()["processes"].items() if "pid" in process}


def test_a_state_that_cannot_be_written_is_written_once_it_can_and_what_dies_meanwhile_is_started_again(layout):
    supervisor = Supervisor(layout)
    assert supervisor.turn()
    before = layout.read_observed()["processes"]["v1"]["pid"]
    layout.full = True
    os.kill(before, signal.SIGKILL)
    time.sleep(0.1)
    for _ in range(10):
        assert supervisor.turn()
        time.sleep(0.1)
    assert layout.read_observed()["processes"]["v1"]["pid"] == before
    layout.full = False
    assert supervisor.turn()
    after = layout.read_observed()["processes"]["v1"]
    assert after["pid"] != before and after["restarts"] == 1 and not is_gone(after["pid"])


def test_an_envoy_whose_files_cannot_be_written_keeps_no_service_from_being_started(layout):
    # As a disk that takes no more files: a file lies where Envoy's folder has to be.
    layout.envoy.write_text("")
    supervisor = Supervisor(layout)
    assert supervisor.turn() and started(layout) == {"v1"}
    layout.envoy.unlink()
    assert supervisor.turn() and started(layout) == {"v1", "envoy"}


def test_a_service_that_cannot_be_started_keeps_no_other_from_being_looked_after(layout, monkeypatch, caplog):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    whole, supervisor = subprocess.Popen, Supervisor(layout)
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: refuse() if "v1" in how["stdout"].name else whole(command, **how))
    for _ in range(3):
        assert supervisor.turn() and started(layout) == {"envoy"}
    assert [record.message for record in caplog.records if "Too many open files" in record.message] == [
        "v1: [Errno 24] Too many open files; tried again"
    ]


@contextmanager
def disk(folder, size):
    """A disk of its own below `folder`, `size` as mount has it."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        # Lazily: a service may still be on its way out.
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path):
    with path.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC


def test_after_a_full_disk_everything_is_kept_alive_as_before(installed, releases, tmp_path):
    with disk(tmp_path / "disk", "64m") as folder:
        host = ProcessHost(folder / "serving", ProcessOptions(workers=1))
        try:
            client = serve(host, releases["1"])
            # All that a supervisor writes is new: its state above all.
            fill(folder / "everything else")
            wait_until(lambda: client.ask()[0] == 503, what="an answer that can't be kept")
            assert client.ask()[1]["status"]["reason"] == "LOG_UNAVAILABLE"
            time.sleep(3)
            (folder / "everything else").unlink()
            wait_until(lambda: client.ask()[0] == 200, what="an answer")
            assert Layout(host._folder / "loans").is_supervised()
            before = pid(host, "v1")
            os.killpg(before, signal.SIGKILL)
            wait_until(lambda: host.inspect("loans").stable.restarts == 1 and client.ask()[0] == 200, 20, "the return")
            assert pid(host, "v1") != before
        finally:
            host.remove("loans", TIMEOUT)


def test_a_killed_supervisor_is_brought_back_by_the_next_command_that_has_to_do_with_the_model(host, releases):
    client = serve(host, releases["1"])
    layout, running = Layout(host._folder / "loans"), pid(host, "v1")
    os.kill(observed(host)["supervisor"], signal.SIGKILL)
    wait_until(lambda: not layout.is_supervised(), what="the supervisor's death")
    os.killpg(running, signal.SIGKILL)
    # Whoever only looks starts nothing.
    assert host.inspect("loans").stable.reason == "no supervisor runs"

    assert ProcessHost(host._folder, ProcessOptions(workers=1)).keep_alive("loans") is True
    wait_until(lambda: Client(host.inspect("loans")).ask()[0] == 200, 20, "the return")
    assert host.keep_alive("loans") is False and client.version() == "1"


@pytest.mark.parametrize(
    ("key", "value"),
    [("code", None), ("code", ["/gone/with/the/upgrade.py"]), ("format", None)],
    ids=["of before the move", "deleted", "older"],
)
def test_a_supervisor_whose_code_is_gone_or_older_is_replaced_and_what_it_keeps_goes_on_answering(host, releases, key, value):
    client = serve(host, releases["1"])
    layout, before, running = Layout(host._folder / "loans"), observed(host), pid(host, "v1")
    layout.write_observed({name: told for name, told in (before | {key: value}).items() if told is not None})

    with Load(client) as load:
        assert ProcessHost(host._folder, ProcessOptions(workers=1)).keep_alive("loans") is True
        wait_until(lambda: observed(host)["supervisor"] != before["supervisor"], 10, "another supervisor")
        assert host.keep_alive("loans") is False
        wait_until(lambda: host.inspect("loans").stable.state == "ready", 10, "its first look")
        asked = len(load.versions)
        wait_until(lambda: len(load.versions) > asked + 20, 10, "answers of after it")
    assert load.failures == [] and pid(host, "v1") == running and is_gone(before["supervisor"])
    os.killpg(running, signal.SIGKILL)
    wait_until(lambda: pid(host, "v1") not in (None, running) and client.ask()[0] == 200, 20, "the return")


def test_nothing_is_started_of_a_model_that_is_stopped_or_unknown(host, releases):
    name = host.start(releases["1"], TIMEOUT).name
    host.stop("loans", name, TIMEOUT)
    layout = Layout(host._folder / "loans")
    wait_until(lambda: not layout.is_supervised(), what="the supervisor's end")
    assert host.keep_alive("loans") is False and host.keep_alive("unknown") is False
    assert not layout.is_supervised() and not (host._folder / "unknown").exists()
