"""What the process host needs of the machine: a supervisor, free ports, tokens."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from deployment.host import DeploymentError
from deployment.process.layout import FORMAT, Layout
from switchyard.serving import environment, launch
from switchyard.serving.frontdoor import environment as frontdoor
from switchyard.serving.frontdoor import files
from switchyard.serving.frontdoor.state import Door
from switchyard.serving.frontdoor.tokens import new_tokens
from switchyard.tabular.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
SUPERVISOR = "deployment.process.supervisor"
POLL_S = 0.05
_ENDING_S = 10.0
_CLOSING_S = 2.0
# Below the range from which the kernel takes the ports of outgoing connections, so that a restart finds them free.
_PORTS = range(20_000, 32_000)


def code() -> tuple[Path, ...]:
    """Files of this code without which a supervisor can't start anything again."""
    modules = (SUPERVISOR, launch.COMPONENT.rpartition(".")[0])
    return tuple(ROOT.joinpath(*module.split(".")).with_suffix(".py") for module in modules)


def is_supervised(layout: Layout) -> bool:
    """Whether a supervisor lives that can do all its work."""
    return layout.is_supervised() and _without_code(layout) is None


def ensure_supervisor(layout: Layout) -> None:
    """Start a supervisor where none lives; of two that start at once, one ends.

    One whose code is gone, as after an upgrade, still lives but can't start again what dies. It is ended first; what it
    keeps goes on answering meanwhile, and the next one takes it over.

    Raises
    ------
    DeploymentError
        It does not live.
    """
    if layout.is_supervised():
        lost = _without_code(layout)
        if lost is None:
            return
        _end(lost)
    try:
        _start_supervisor(layout)
    except OSError as error:
        raise DeploymentError(f"the supervisor of {layout.folder.name} can't be started: {error}") from error
    if not wait(lambda: layout.is_supervised() or not has_work(layout), 10.0):
        raise DeploymentError(f"the supervisor of {layout.folder.name} did not start; see {layout.log('supervisor')}")


def _without_code(layout: Layout) -> psutil.Process | None:
    """The supervisor that lives, where the code it was started from is gone or reads another `desired.json`.

    One of before the move never wrote which code it was.
    """
    observed = layout.read_observed()
    try:
        process = psutil.Process(observed["supervisor"])
        # Not a later process of the same id; and one that has only just started has written nothing about itself.
        is_it = process.cmdline()[-1:] == [str(layout.folder)]
    except (KeyError, psutil.Error):
        return None
    files = observed.get("code", ())
    is_whole = files and all(Path(file).is_file() for file in files) and observed.get("format") == FORMAT
    return None if not is_it or is_whole else process


def _end(process: psutil.Process) -> None:
    """End a supervisor, by force where it does not listen: what it knows is on disk."""
    for act in (process.terminate, process.kill):
        with contextlib.suppress(psutil.NoSuchProcess):
            act()
        if wait(lambda: not _lives(process), _ENDING_S):
            return


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _start_supervisor(layout: Layout) -> None:
    layout.logs.mkdir(parents=True, exist_ok=True)
    # What an earlier one wrote holds no longer; processes are found by it, though.
    observed = layout.read_observed()
    if observed.get("applied", -1) != -1:
        layout.write_observed({**observed, "applied": -1})
    with layout.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", SUPERVISOR, str(layout.folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It outlives this process on purpose; subprocess would warn of that.
    process.returncode = 0


def has_work(layout: Layout) -> bool:
    """Whether anything should run or still does; a supervisor without work ends."""
    desired, observed = layout.read_desired(), layout.read_observed()
    running = [name for name, spec in desired.instances.items() if spec.running] if desired else []
    return bool(running or observed.get("processes") or observed.get("ending"))


def has_ended(layout: Layout) -> bool:
    """Whether nothing of a model that is to end runs any more; what a supervisor left behind that died over it goes to another."""
    if not layout.is_supervised() and has_work(layout):
        ensure_supervisor(layout)
    return not (layout.is_supervised() or has_work(layout))


def require_environments() -> None:
    """Stop where what serves is not installed."""
    missing = [] if environment.is_installed() else ["the serving environment"]
    missing += [] if frontdoor.find_envoy() else ["Envoy, the front door"]
    if missing:
        what = " and ".join(missing)
        raise InputError(
            f"{what} {'are' if len(missing) > 1 else 'is'} not installed; make setup-serving, or python -m switchyard.serving, does it"
        )


def require_open(layout: Layout, door: Door) -> None:
    """Stop where the model's own door is to open and another program listens there."""

    def is_open() -> bool:
        return is_free(door.port, door.host) or files.has_listener(layout.admin(door), door.port)

    # One that was stopped just now may still hold it.
    if not wait(is_open, _CLOSING_S):
        raise InputError(
            f"port {door.port} of {door.host} is taken, an address of {layout.folder.name}; end the program that listens there"
        )


def wait_gone(layout: Layout, name: str, timeout_s: float) -> None:
    """Wait until the process `name` has ended, or nobody sees to it."""

    def is_gone() -> bool:
        observed = layout.read_observed()
        return name not in [*observed.get("processes", {}), *(process["name"] for process in observed.get("ending", []))]

    wait(lambda: not layout.is_supervised() or is_gone(), timeout_s)


def free_port() -> int:
    """A port of loopback that nobody listens on.

    Raises
    ------
    DeploymentError
        There is none.
    """
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if is_free(port):
            return port
    raise DeploymentError(f"no port between {_PORTS.start} and {_PORTS.stop} is free")


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nobody listens on `port`."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        # As servers do: what lingers of closed connections takes no port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return True
    return False


def write_token(path: Path) -> None:
    """Write a token file with one new token, for its owner's eyes."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(new_tokens())


def wait(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `condition` holds; False where it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
