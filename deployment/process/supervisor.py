"""`python -m deployment.process.supervisor FOLDER`: sees to it that what should run in a deployment's folder does.

One supervisor for each folder; it holds a lock as long as it lives. Services and Envoy are no children of its life:
when it dies they go on, and the next one takes them over. It ends when nothing should run any more, and for no other
reason of its own: what it can't write or read now, on a full disk say, it tries again at its next turn.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from deployment.process import handles
from deployment.process.common import CommonDoorKeeper
from deployment.process.handles import Handle
from deployment.process.keeper import Keeper
from deployment.process.layout import ENVOY, FORMAT, Desired, Layout, Spec
from deployment.process.means import code, is_free, wait
from deployment.process.pool import MemberKeeper, is_pooled, upstream
from switchyard.permissions import keep_private
from switchyard.serving import launch
from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.state import Door, Upstream
from switchyard.serving.frontdoor.tokens import Token, holding, read_tokens
from switchyard.serving.healthcheck import health
from switchyard.serving.settings import PoolSettings, Settings

logger = logging.getLogger(__name__)

TICK_S = 0.1
LOG_BYTES = 50 * 1024 * 1024
_LOGS_EVERY_S = 30.0
_LISTEN_EVERY_S = 1.0


class Supervisor:
    """The processes of one folder."""

    def __init__(self, layout: Layout) -> None:
        self._layout, self._common = layout, CommonDoorKeeper(layout.folder.parent)
        self._desired: Desired | None = None
        self._problems: dict[str, str] = {}
        self._keepers: dict[str, Keeper | MemberKeeper] = {}
        self._ending: list[Keeper | MemberKeeper] = []
        self._known_tokens: tuple[Token, ...] = ()
        self._tokens: tuple[Token, ...] = ()
        self._tokens_seen, self._token_problem = 0, ""
        self._applied = -1
        self._reached: list[Upstream] = []
        self._written: dict = {}
        self._next_logs, self._next_listen = 0.0, 0.0
        before = layout.read_observed()
        self._before: dict[str, dict] = before.get("processes", {})
        # What another supervisor was ending.
        for process in before.get("ending", []):
            self._end(process)

    def run(self) -> None:
        """Until nothing should run, or the process is told to end."""
        told: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: told.append(received))
        while not told and self.turn():
            time.sleep(TICK_S)

    def turn(self) -> bool:
        """Do once what is to be done now; False when nothing should run any more."""
        was_read = self._attempt("what should run", self._read_desired)
        desired = self._desired
        if desired is None:
            return not was_read
        wanted = {name: spec.http_port for name, spec in desired.instances.items() if spec.running}
        if wanted and desired.door.port:
            wanted[ENVOY] = desired.door.admin_port
        self._keep(wanted)
        if not wanted and not self._keepers and not self._ending:
            self._applied = desired.generation
            return not (self._attempt("observed.json", self._write) and self._common.may_end())
        if wanted:
            self._attempt("the address of all models", self._common.turn)
        if ENVOY in self._keepers:
            self._attempt("the front door", partial(self._configure, desired))
        self._attempt("observed.json", self._write)
        self._attempt("logs", self._trim_logs)
        return True

    def _attempt(self, what: str, act: Callable[[], None]) -> bool:
        """Whether `act` succeeded. What stops it is said once and stops nothing else: the next turn tries it again."""
        try:
            act()
        except Exception as error:
            if self._problems.get(what) != str(error):
                logger.error("%s: %s; tried again", what, error, exc_info=not isinstance(error, OSError))
            self._problems[what] = str(error)
            return False
        if self._problems.pop(what, None) is not None:
            logger.info("%s: well again", what)
        return True

    def _read_desired(self) -> None:
        self._desired = self._layout.read_desired()

    def _keep(self, wanted: dict[str, int]) -> None:
        """Start, watch and end processes, so that those of the ports `wanted` run, by their names."""
        for name in [name for name, keeper in self._keepers.items() if wanted.get(name) != keeper.port]:
            self._ending.append(self._keepers.pop(name))
        self._attempt("what ends", self._see_off)
        for name in wanted.keys() - self._keepers.keys():
            self._attempt(name, partial(self._take_up, name))
        # Nobody wants these any more, though another supervisor started them.
        while self._before and wanted.keys() <= self._keepers.keys():
            self._end(self._before.popitem()[1])
        for name, keeper in self._keepers.items():
            self._attempt(name, keeper.look)

    def _see_off(self) -> None:
        self._ending = [keeper for keeper in self._ending if not keeper.end()]

    def _take_up(self, name: str) -> None:
        self._keepers[name] = (
            self._envoy(self._desired.door.admin_port) if name == ENVOY else self._service(name, self._desired.instances[name])
        )

    def _end(self, process: dict) -> None:
        if "pid" in process:
            handle = Handle(process["pid"], process["started"])
            self._ending.append(Keeper(process["name"], process["port"], _never, _never, handle))

    def _service(self, name: str, spec: Spec) -> Keeper | MemberKeeper:
        if is_pooled(spec):
            return MemberKeeper(name, self._layout, spec)
        port = spec.http_port
        kind, component = (PoolSettings, launch.POOL) if "folder" in spec.settings else (Settings, launch.COMPONENT)
        command = launch.command(port, spec.metrics_port, workers=spec.workers, threads=spec.threads, component=component)
        variables = {**os.environ, **launch.variables(kind(**{key: _plain(value) for key, value in spec.settings.items()}))}
        return Keeper(
            name,
            port,
            lambda: handles.start(command, variables, self._layout.folder, self._layout.log(name)),
            lambda: health(self._layout.service(spec), 1.0),
            self._known(name, port),
        )

    def _envoy(self, port: int) -> Keeper:
        return Keeper(ENVOY, port, self._start_envoy, self._is_open, self._known(ENVOY, port))

    def _start_envoy(self) -> Handle:
        self._write_envoy(self._desired)
        command = environment.command(environment.find_envoy() or "envoy", self._layout.envoy / "bootstrap.json")
        return handles.start(command, os.environ, self._layout.folder, self._layout.log(ENVOY))

    def _is_open(self) -> bool | None:
        """Whether Envoy takes requests where the front door is to be; None where it says nothing."""
        door = self._desired.door
        admin = self._layout.admin(door)
        if not files.is_ready(admin):
            return None
        is_open = files.has_listener(admin, door.port)
        if not is_open and time.monotonic() > self._next_listen:
            self._next_listen = time.monotonic() + _LISTEN_EVERY_S
            self._attempt("the front door's port", partial(self._listen, door))
        return is_open

    def _listen(self, door: Door) -> None:
        if not is_free(door.port, door.host):
            raise OSError(f"port {door.port} of {door.host} is taken by another program")
        files.listen_again(self._layout.envoy)

    def _known(self, name: str, port: int) -> Handle | None:
        """The process that another supervisor started under `name`, where it has the same port."""
        found = self._before.get(name, {})
        if "pid" not in found or found["port"] != port:
            return None
        del self._before[name]
        return Handle(found["pid"], found["started"])

    def _configure(self, desired: Desired) -> None:
        """Bring Envoy to the versions, the traffic and the tokens of now; a version is made known before it is routed to."""
        self._read_tokens()
        upstreams = self._upstreams(desired)
        # A pool that starts anew listens elsewhere.
        if (desired.generation, upstreams) == (self._applied, self._reached):
            return
        files.write_static(self._layout.envoy, desired.door)
        files.write_clusters(self._layout.envoy, upstreams)
        if not files.has_clusters(self._layout.admin(desired.door), upstreams):
            return
        routes = files.write_routes(self._layout.envoy, desired.door, desired.traffic, self._tokens, self._layout.folder.name)
        if files.has_routes(self._layout.admin(desired.door), routes):
            self._applied, self._reached = desired.generation, upstreams

    def _upstreams(self, desired: Desired) -> list[Upstream]:
        return [upstream(self._layout, name, spec) for name, spec in desired.instances.items() if spec.running]

    def _write_envoy(self, desired: Desired) -> None:
        """All files at once: those that are watched must be there when Envoy starts."""
        self._read_tokens()
        files.write_static(self._layout.envoy, desired.door)
        files.write_clusters(self._layout.envoy, self._upstreams(desired))
        files.write_routes(self._layout.envoy, desired.door, desired.traffic, self._tokens, self._layout.folder.name)

    def _read_tokens(self) -> None:
        """Take up a token file that was changed, and leave out what has ended; one that is wrong leaves the tokens as they are."""
        try:
            seen = self._layout.tokens.stat().st_mtime_ns
            if seen != self._tokens_seen:
                self._tokens_seen = seen
                self._known_tokens, self._token_problem = read_tokens(self._layout.tokens), ""
        except (OSError, ValueError) as error:
            if isinstance(error, OSError):
                # Not the file's fault, so that no change of it will come.
                self._tokens_seen = 0
            if str(error) != self._token_problem:
                logger.error("the tokens stay as they were: %s", error)
            self._token_problem = str(error)
        tokens = holding(self._known_tokens)
        if tokens != self._tokens:
            self._tokens, self._applied = tokens, -1

    def _write(self) -> None:
        """Tell what runs, where that has changed."""
        content = {
            "supervisor": os.getpid(),
            "code": [str(path) for path in code()],
            "format": FORMAT,
            "applied": self._applied,
            "problem": self._token_problem,
            # Those that could not be taken over yet are not to be lost.
            "processes": {**self._before, **{name: keeper.observed() for name, keeper in self._keepers.items()}},
            "ending": [keeper.observed() for keeper in self._ending],
        }
        if content != self._written:
            self._layout.write_observed(content)
            self._written = content

    def _trim_logs(self) -> None:
        """Keep each log and one before it; who writes it appends, so it can be emptied under its hands."""
        if time.monotonic() < self._next_logs:
            return
        self._next_logs = time.monotonic() + _LOGS_EVERY_S
        for path in [*self._layout.logs.glob("*.log"), *self._common.layout.logs.glob("*.log")]:
            if path.stat().st_size > LOG_BYTES:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)


def _never() -> None:
    """A callback for a process that only ends."""


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def main(folder: Path) -> None:
    """Supervise `folder`, unless another does."""
    layout = Layout(folder)
    with layout.supervisor_lock.open("w") as lock:
        if _lock(lock):
            Supervisor(layout).run()


def _lock(file: IO[str]) -> bool:
    """Whether the lock of `file` is this process's now; whoever asks if a supervisor lives holds it for a moment, too."""

    def is_ours() -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    return wait(is_ours, 0.5)


if __name__ == "__main__":
    # A log on a full disk is no reason to say anything, least of all into it.
    logging.raiseExceptions = False
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keep_private()
    main(Path(sys.argv[1]))
