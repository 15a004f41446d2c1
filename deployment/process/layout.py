"""The folder of one model's deployment: what should run, what does, and where everything else lies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from switchyard.bundle import Bundle, ChangedBundle
from switchyard.bundle.digest import FILES
from switchyard.files import sync, write_whole
from switchyard.serving.frontdoor.state import Door, Traffic
from switchyard.serving.sockets import Address, named


@dataclass(frozen=True)
class Spec:
    """One service that should run."""

    version: str
    digest: str
    role: str
    settings: dict[str, Any]
    """Fields of `switchyard.serving.settings.Settings`."""
    http_port: int
    metrics_port: int
    workers: int = 2
    threads: int = 2
    running: bool = True
    """False for one that is stopped and remembered."""


@dataclass(frozen=True)
class Desired:
    """What should run."""

    door: Door
    instances: dict[str, Spec] = field(default_factory=dict)
    traffic: Traffic = Traffic()
    generation: int = 0
    """Counts the changes."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Desired:
        values = json.loads(text)
        traffic = Traffic(tuple((name, weight) for name, weight in values["traffic"]["weights"]), tuple(values["traffic"]["shadows"]))
        instances = {name: Spec(**spec) for name, spec in values["instances"].items()}
        return cls(Door(**values["door"]), instances, traffic, values["generation"])


FORMAT = 3
"""Of `desired.json` and of what a supervisor does: one that began when it was another is replaced."""
ENVOY = "envoy"
SOCKETS = "sockets"
"""Folder of a deployment's sockets, from the deployment's own, in which everything is started: a path of any length is short then."""


class Layout:
    """Paths of the deployment in `folder`, and its state files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desired, self.observed = folder / "desired.json", folder / "observed.json"
        self.envoy, self.logs, self.journal, self.bundles = (folder / name for name in ("envoy", "logs", "journal", "bundles"))
        self.tokens, self.sockets = folder / "tokens", folder / SOCKETS
        self.supervisor_lock = folder / "supervisor.lock"
        self.access_log = self.logs / "access.log"

    def make(self) -> None:
        """Make the folder, for its owner alone: tokens and the log's database are in its files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.sockets.mkdir(exist_ok=True, mode=0o700)

    def service(self, spec: Spec) -> Address:
        """Where the service of `spec` is asked; one that an earlier version started has a port."""
        return named(str(self.sockets), spec.http_port) if spec.settings.get("sockets") else spec.http_port

    def admin(self, door: Door) -> Address:
        """Where Envoy's own interface is asked."""
        return str(self.folder / door.admin_socket) if door.admin_socket else door.admin_port

    def log(self, name: str) -> Path:
        """Where the process `name` prints to."""
        return self.logs / f"{name}.log"

    def bundle(self, identity: str) -> Path:
        """Where the bundle of the digest `identity` lies."""
        return self.bundles / identity.removeprefix("sha256:")[:32]

    def keep_bundle(self, files: Mapping[str, bytes], identity: str) -> None:
        """Have the bundle of the digest `identity` on disk, whole; call it while `changing`.

        A folder that holds it already is left alone, since a service may start from it at any moment; any other content
        is replaced.

        Parameters
        ----------
        files : mapping
            The bundle's files by name; they have the digest `identity`.

        Raises
        ------
        OSError
            It can't be written; what was there before still is.
        """
        target = self.bundle(identity)
        if _holds(target, identity):
            return
        self.bundles.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.bundles) as place:
            partial = Path(place) / "bundle"
            partial.mkdir()
            for name in FILES:
                (partial / name).write_bytes(files[name])
                sync(partial / name)
            sync(partial)
            if os.path.lexists(target):
                # No folder takes the place of one that is not empty.
                target.rename(Path(place) / "replaced")
            partial.rename(target)
            sync(self.bundles)

    def read_desired(self) -> Desired | None:
        """What should run; None where nothing was ever deployed."""
        return Desired.from_json(self.desired.read_text(encoding="utf-8")) if self.desired.is_file() else None

    def read_observed(self) -> dict[str, Any]:
        """What the supervisor last wrote."""
        return json.loads(self.observed.read_text(encoding="utf-8")) if self.observed.is_file() else {}

    def write_observed(self, content: dict[str, Any]) -> None:
        """Written by the supervisor alone."""
        write_whole(self.observed, json.dumps(content, indent=1) + "\n")

    @contextlib.contextmanager
    def changing(self) -> Iterator[list[Desired | None]]:
        """Change what should run, one process at a time: put it into the list in place of what is there."""
        self.make()
        with (self.folder / "desired.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = self.read_desired()
            place = [before]
            yield place
            after = place[0]
            if after is not None and after != before:
                write_whole(self.desired, replace(after, generation=after.generation + 1).to_json())

    def is_supervised(self) -> bool:
        """Whether a supervisor lives."""
        if not self.supervisor_lock.is_file():
            return False
        with self.supervisor_lock.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def _holds(folder: Path, identity: str) -> bool:
    """Whether `folder` holds the bundle of the digest `identity`, as regular files and beside nothing else."""
    try:
        return Bundle.read(folder).digest == identity
    except (OSError, ChangedBundle):
        return False
