"""`python -m deployment.process.supervisor FOLDER`: sees to it that what should run in a deployment's folder does.

One supervisor for each folder; it holds a lock as long as it lives. Services and Envoy are no children of its life:
when it dies they go on, and the next one takes them over. It ends when nothing should run any more.
"""

from __future__ import annotations

import fcntl
import http.client
import logging
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from deployment.process import handles
from deployment.process.handles import Handle
from deployment.process.keeper import Keeper
from deployment.process.layout import Desired, Layout, Spec
from switchyard.serving import launch
from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.state import Upstream
from switchyard.serving.settings import Settings

logger = logging.getLogger(__name__)

TICK_S = 0.1
LOG_BYTES = 50 * 1024 * 1024
_LOGS_EVERY_S = 30.0
ENVOY = "envoy"


class Supervisor:
    """The processes of one folder."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._keepers: dict[str, Keeper] = {}
        self._ending: list[Keeper] = []
        self._tokens: dict[str, str] = {}
        self._tokens_seen, self._token_problem = 0, ""
        self._applied = -1
        self._written: dict = {}
        self._next_logs = 0.0
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
        while not told:
            desired = self._layout.read_desired()
            if desired is None:
                return
            self._keep(desired)
            if not self._keepers and not self._ending:
                self._applied = desired.generation
                self._write()
                return
            if self._keepers:
                self._configure(desired)
            self._write()
            self._trim_logs()
            time.sleep(TICK_S)

    def _keep(self, desired: Desired) -> None:
        """Start, watch and end processes."""
        wanted = {name: spec.http_port for name, spec in desired.instances.items() if spec.running}
        if wanted:
            wanted[ENVOY] = desired.door.admin_port
        for name in [name for name, keeper in self._keepers.items() if wanted.get(name) != keeper.port]:
            self._ending.append(self._keepers.pop(name))
        self._ending = [keeper for keeper in self._ending if not keeper.end()]
        for name, port in wanted.items():
            if name not in self._keepers:
                self._keepers[name] = self._envoy(desired) if name == ENVOY else self._service(name, desired.instances[name], port)
        # Nobody wants these any more, though another supervisor started them.
        while self._before:
            self._end(self._before.popitem()[1])
        for keeper in self._keepers.values():
            keeper.look()

    def _end(self, process: dict) -> None:
        if "pid" in process:
            handle = Handle(process["pid"], process["started"])
            self._ending.append(Keeper(process["name"], process["port"], _never, _never, handle))

    def _service(self, name: str, spec: Spec, port: int) -> Keeper:
        command = launch.command(spec.http_port, spec.metrics_port, workers=spec.workers, threads=spec.threads)
        variables = {**os.environ, **launch.variables(Settings(**{key: _plain(value) for key, value in spec.settings.items()}))}
        return Keeper(
            name,
            port,
            lambda: handles.start(command, variables, self._layout.folder, self._layout.log(name)),
            lambda: _health(port),
            self._known(name, port),
        )

    def _envoy(self, desired: Desired) -> Keeper:
        layout, port = self._layout, desired.door.admin_port
        self._write_envoy(desired)
        command = environment.command(environment.find_envoy() or "envoy", layout.envoy / "bootstrap.json")
        return Keeper(
            ENVOY,
            port,
            lambda: handles.start(command, os.environ, layout.folder, layout.log(ENVOY)),
            lambda: files.is_ready(port) or None,
            self._known(ENVOY, port),
        )

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
        if desired.generation == self._applied:
            return
        upstreams = _upstreams(desired)
        files.write_static(self._layout.envoy, desired.door)
        files.write_clusters(self._layout.envoy, upstreams)
        if not files.has_clusters(desired.door.admin_port, upstreams):
            return
        routes = files.write_routes(self._layout.envoy, desired.door, desired.traffic, self._tokens)
        if files.has_routes(desired.door.admin_port, routes):
            self._applied = desired.generation

    def _write_envoy(self, desired: Desired) -> None:
        """All files at once: those that are watched must be there when Envoy starts."""
        self._read_tokens()
        files.write_static(self._layout.envoy, desired.door)
        files.write_clusters(self._layout.envoy, _upstreams(desired))
        files.write_routes(self._layout.envoy, desired.door, desired.traffic, self._tokens)

    def _read_tokens(self) -> None:
        """Take up a token file that was changed; one that is wrong leaves the tokens as they are."""
        try:
            seen = self._layout.tokens.stat().st_mtime_ns
            if seen == self._tokens_seen:
                return
            self._tokens_seen = seen
            tokens, self._token_problem = files.read_tokens(self._layout.tokens), ""
        except (OSError, ValueError) as error:
            if str(error) != self._token_problem:
                logger.error("the tokens stay as they were: %s", error)
            self._token_problem = str(error)
            return
        if tokens != self._tokens:
            self._tokens, self._applied = tokens, -1

    def _write(self) -> None:
        """Tell what runs, where that has changed."""
        content = {
            "supervisor": os.getpid(),
            "applied": self._applied,
            "problem": self._token_problem,
            "processes": {name: keeper.observed() for name, keeper in self._keepers.items()},
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
        for path in self._layout.logs.glob("*.log"):
            if path.stat().st_size > LOG_BYTES:
                shutil.copyfile(path, path.with_suffix(".log.1"))
                os.truncate(path, 0)


def _never() -> None:
    """Of a process that only ends."""


def _upstreams(desired: Desired) -> list[Upstream]:
    return [Upstream(name, "127.0.0.1", spec.http_port) for name, spec in desired.instances.items() if spec.running]


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _health(port: int) -> bool | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/health/status")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def main(folder: Path) -> None:
    """Supervise `folder`, unless another does."""
    layout = Layout(folder)
    with layout.supervisor_lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        Supervisor(layout).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    main(Path(sys.argv[1]))
