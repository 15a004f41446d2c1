"""The common front door of a workspace's models as a process of this machine.

`offer` says where it is to be, `address` what a client is told, `CommonDoorKeeper` keeps it alive: every supervisor has
one, and the one that holds the lock does the work until it ends; then another's does. Its state lies beside the models'.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from zlib import crc32

from deployment.host import DeploymentError
from deployment.process import handles
from deployment.process.certificates import read_pair
from deployment.process.handles import Handle
from deployment.process.keeper import Keeper
from deployment.process.layout import ENVOY, SOCKETS, Desired, Layout
from deployment.process.means import free_port, is_free, wait
from deployment.process.options import ProcessOptions
from switchyard.serving.frontdoor import environment, files
from switchyard.serving.frontdoor.common import behind, common_door, upstreams
from switchyard.serving.frontdoor.state import Door
from switchyard.tabular.errors import InputError

logger = logging.getLogger(__name__)

FOLDER = "door"
_USUAL = range(8_400, 8_500)
"""Ports of which one is a workspace's for good, where no other is asked for."""
_LISTEN_EVERY_S = 1.0
_CLOSING_S = 2.0
"""How long one that was told to end may still hold the port."""


def layout_of(serving: Path) -> Layout:
    """Where the common door of the models in the folder `serving` has its state."""
    return Layout(serving.parent / FOLDER)


def address(serving: Path, model: str, door: Door) -> str:
    """The URL at which clients ask `model`, whose own door is `door`: the common door's where there is one that leads to it."""
    common = layout_of(serving).read_desired()
    if common is None or not behind(common.door, {model: door}):
        return f"http://{door.host}:{door.port}"
    scheme = "https" if common.door.certificate else "http"
    return f"{scheme}://{common.door.host}:{common.door.port}/{model}"


def offer(serving: Path, options: ProcessOptions) -> None:
    """Have a common door at the port that `options` ask for, else at the one it has, else at a usual one.

    A port that is a model's own since before there was a common door stays that model's.

    Raises
    ------
    InputError
        Another program listens at the port, or there is no TLS by the certificate and key that `options` name.
    """
    if options.tls_certificate or options.tls_key:
        read_pair(options.tls_certificate, options.tls_key)
    layout = layout_of(serving)
    taken = {door.port: model for model, door in _doors(serving).items()}
    with layout.changing() as place:
        known, port = place[0], options.port
        if port in taken:
            port = known.door.port if known else _usual_port(serving)
            logger.warning(
                "port %d is the own address of %s and stays so; all models answer at port %d", options.port, taken[options.port], port
            )
        port = port or (known.door.port if known else _usual_port(serving))
        if not wait(lambda: is_free(port, options.host) or (known and files.has_listener(layout.admin(known.door), port)), _CLOSING_S):
            raise InputError(f"port {port} of {options.host} is taken; set another as the deployer's port")
        door = known.door if known else Door(port, free_port(), access_log=os.devnull, admin_socket=f"{SOCKETS}/{ENVOY}.sock")
        place[0] = replace(known or Desired(door), door=_offered(door, options, port))


def _offered(door: Door, options: ProcessOptions, port: int) -> Door:
    paths = [str(Path(path).resolve()) if path else "" for path in (options.tls_certificate, options.tls_key)]
    return replace(door, host=options.host, port=port, certificate=paths[0], key=paths[1])


def wait_open(serving: Path, model: str, door: Door, timeout_s: float) -> None:
    """Wait until the common door, where it leads to `model`, does.

    Raises
    ------
    DeploymentError
        It does not in time.
    """
    layout = layout_of(serving)

    def is_open() -> bool:
        common = layout.read_desired()
        if common is None or not behind(common.door, {model: door}):
            return True
        seen = layout.read_observed()
        offered = seen.get("port") == common.door.port and seen.get("certificate", "") == common.door.certificate
        return offered and seen.get("doors", {}).get(model) == door.port

    if not wait(is_open, timeout_s):
        raise DeploymentError(f"{model}: the address of all models did not open within {timeout_s:g} s; see {layout.log(ENVOY)}")


def settle_restored(serving: Path) -> None:
    """After a backup came to another place: where the common door's port is taken there, it has another, as a model's own door has."""
    layout = layout_of(serving)
    if not layout.desired.is_file():
        return
    with layout.changing() as place:
        if (common := place[0]) is not None and not is_free(common.door.port, common.door.host):
            place[0] = replace(common, door=replace(common.door, port=_usual_port(serving)))


def _usual_port(serving: Path) -> int:
    """The first free port from the one that the place of `serving` gives: two workspaces that begin at once seldom choose the same."""
    first = crc32(str(serving.resolve()).encode()) % len(_USUAL)
    return next((port for port in (*_USUAL[first:], *_USUAL[:first]) if is_free(port)), 0) or free_port()


def read_models(serving: Path) -> dict[str, Desired]:
    """What should run, by model; a file that can't be read is left out."""
    found = {}
    for path in sorted(serving.glob("*/desired.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found[path.parent.name] = Desired.from_json(path.read_text(encoding="utf-8"))
    return found


def _doors(serving: Path) -> dict[str, Door]:
    return {model: desired.door for model, desired in read_models(serving).items()}


class CommonDoorKeeper:
    """Keeps the common door before the models in the folder `serving`, if no other process does."""

    def __init__(self, serving: Path) -> None:
        self._serving, self.layout = serving, layout_of(serving)
        self._lock: IO[str] | None = None
        self._keeper: Keeper | None = None
        self._seen: tuple = ()
        self._doors: dict[str, Door] = {}
        self._known = Door(0, 0)
        self._applied: tuple[Door, dict[str, Door]] | None = None
        self._open_port, self._next_listen = 0, 0.0
        self._written: dict[str, Any] = {}
        self._certificate: tuple = ()

    def turn(self) -> None:
        """Do once what is to be done now."""
        if not self._is_ours():
            return
        self._look_around()
        self._renew()
        self._keeper = self._keeper or self._new_keeper()
        self._keeper.look()
        self._configure()
        self._write()

    def may_end(self) -> bool:
        """Whether this process may: another goes on with the common door, or the door has ended since no model runs."""
        models = read_models(self._serving)
        if not self.layout.desired.is_file() or any(spec.running for one in models.values() for spec in one.instances.values()):
            return True
        with contextlib.suppress(OSError):
            if not self._is_ours():
                left = self._left_behind()
                return left is None or not left.is_alive()
            self._look_around()
            self._keeper = self._keeper or self._new_keeper()
            if self._keeper.end():
                self.layout.write_observed({})
                return True
        return False

    def _new_keeper(self) -> Keeper:
        return Keeper(ENVOY, self._known.admin_port, self._start, self._is_open, self._left_behind())

    def _is_ours(self) -> bool:
        """Whether this process has the lock now, which it keeps until it ends; never where nobody wants a common door."""
        if self._lock is not None:
            return True
        if not self.layout.desired.is_file():
            return False
        file = self.layout.supervisor_lock.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._lock = file
        return True

    def _left_behind(self) -> Handle | None:
        """The Envoy that another supervisor started."""
        seen = self.layout.read_observed().get("processes", {}).get(ENVOY, {})
        return Handle(seen["pid"], seen["started"]) if "pid" in seen else None

    def _look_around(self) -> None:
        """Read the models' doors, where a file has changed; a model whose file can't be read keeps the door that it had."""
        paths = [self.layout.desired, *sorted(self._serving.glob("*/desired.json"))]
        seen = tuple((path, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths if path.is_file())
        if seen == self._seen:
            return
        there = {path.parent.name for path in paths[1:]}
        known = {name: door for name, door in self._doors.items() if name in there}
        self._known = self.layout.read_desired().door
        self._doors, self._seen = known | _doors(self._serving), seen

    def _renew(self) -> None:
        """Hand the certificate to Envoy, when its files have changed; half of a pair is waited out with the one before."""
        door = self._known
        paths = [Path(path) for path in (door.certificate, door.key) if path]
        stamp = tuple((path, path.stat().st_mtime_ns, path.stat().st_ino) for path in paths if path.is_file())
        if not paths or stamp == self._certificate:
            return
        self._certificate = stamp
        try:
            files.write_certificate(self.layout.envoy, *read_pair(door.certificate, door.key))
        except InputError as error:
            logger.warning("the certificate of before stays in use: %s", error)

    def _start(self) -> Handle:
        if not is_free(self._known.port, self._known.host):
            raise OSError(f"port {self._known.port} of {self._known.host} is taken by another program")
        self.layout.make()
        doors = behind(self._known, self._doors)
        files.write_static(self.layout.envoy, common_door(self._known, doors))
        files.write_clusters(self.layout.envoy, upstreams(doors))
        files.write_common_routes(self.layout.envoy, doors)
        command = environment.command(environment.find_envoy() or "envoy", self.layout.envoy / "bootstrap.json")
        return handles.start(command, os.environ, self.layout.folder, self.layout.log(ENVOY))

    def _is_open(self) -> bool | None:
        """As a supervisor asks its model's door; a port that was taken is tried again."""
        admin = self.layout.admin(self._known)
        if not files.is_ready(admin):
            return None
        is_open = files.has_listener(admin, self._known.port)
        self._open_port = self._known.port if is_open else 0
        if not is_open and time.monotonic() > self._next_listen and is_free(self._known.port, self._known.host):
            self._next_listen = time.monotonic() + _LISTEN_EVERY_S
            files.listen_again(self.layout.envoy)
        return is_open

    def _configure(self) -> None:
        """Bring Envoy to the address and the doors of now: a door is made known before it is routed to."""
        doors, admin = behind(self._known, self._doors), self.layout.admin(self._known)
        if (self._known, doors) != self._applied and self._keeper.handle is not None:
            files.write_static(self.layout.envoy, common_door(self._known, doors))
            files.write_clusters(self.layout.envoy, upstreams(doors))
            if files.has_clusters(admin, upstreams(doors)):
                version = files.write_common_routes(self.layout.envoy, doors)
                if files.has_routes(admin, version):
                    self._applied = (self._known, doors)
        if self._open_port != self._known.port:
            self._is_open()

    def _write(self) -> None:
        content = {
            "supervisor": os.getpid(),
            "port": self._open_port,
            "certificate": self._applied[0].certificate if self._applied else "",
            "doors": {name: door.port for name, door in self._applied[1].items()} if self._applied else {},
            "processes": {ENVOY: self._keeper.observed()},
        }
        if content != self._written:
            self.layout.write_observed(content)
            self._written = content
