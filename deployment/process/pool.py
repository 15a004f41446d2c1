"""The pool of a workspace: one server's processes for all models that are deployed with `serving.pool`.

The pool is a deployment like a model's, without a door: a folder beside those of the models, with a supervisor of its
own. Each pooled model keeps its own folder, door and supervisor; in place of a process that has an instance of a
`MemberKeeper`, which tells the pool of it and asks whether it is served.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deployment.endpoint import BY_SOCKET
from deployment.process.common import read_models
from deployment.process.instances import started_again
from deployment.process.layout import SOCKETS, Desired, Layout, Spec
from deployment.process.means import ensure_supervisor, free_port
from deployment.process.options import ProcessOptions
from switchyard.serving.errors import MODEL_REFUSED
from switchyard.serving.frontdoor.state import Door, Upstream
from switchyard.serving.healthcheck import status
from switchyard.serving.pool.members import Members
from switchyard.serving.settings import PoolSettings
from switchyard.serving.sockets import named

logger = logging.getLogger(__name__)

FOLDER, NAME = "pool", "pool"
_MEMBERS = "members"
_NOT_TOLD = ("pool", "sockets", "host", "log_url", "journal", "journal_bytes")
"""Settings of an instance that are the pool's, not the member's."""
_PROBE_EVERY_S, _PROBE_S = 2.0, 3.0
_SILENT_S = 3.0
"""How long at most until a pool that nobody supervises gets a supervisor; each model's waits for another time."""


def layout_of(serving: Path) -> Layout:
    """Where the pool of the models in the folder `serving` has its state."""
    return Layout(serving.parent / FOLDER)


def is_pooled(spec: Spec) -> bool:
    """Whether `spec` is of an instance in the pool."""
    return bool(spec.settings.get("pool"))


def offer(serving: Path, options: ProcessOptions, log_url: str) -> None:
    """Have a pool by `options`; one that is otherwise starts anew, which takes it some seconds."""
    layout = layout_of(serving)
    with layout.changing() as place:
        before = place[0] or Desired(Door(0, 0))
        known = before.instances.get(NAME)
        settings = asdict(
            PoolSettings(
                folder=str(layout.folder),
                most_bytes=options.pool_bytes // options.workers,
                sockets=SOCKETS,
                log_url=log_url,
                journal=str(layout.journal),
            )
        )
        if known and (known.settings, known.workers) == (settings, options.workers):
            spec = started_again(known, layout, NAME)
        else:
            spec = Spec("", "", "live", settings, free_port(), free_port(), options.workers)
        place[0] = replace(before, instances={NAME: spec})
    ensure_supervisor(layout)


def rest(serving: Path) -> None:
    """Let the pool end where no model of the folder `serving` has an instance in it."""
    layout = layout_of(serving)
    if not layout.desired.is_file():
        return
    with layout.changing() as place:
        if not any(spec.running and is_pooled(spec) for desired in read_models(serving).values() for spec in desired.instances.values()):
            place[0] = replace(place[0], instances={NAME: replace(place[0].instances[NAME], running=False)})


def forget(layout: Layout) -> None:
    """Have nothing of the model in `layout` in the pool."""
    shutil.rmtree(layout_of(layout.folder.parent).folder / _MEMBERS / layout.folder.name, ignore_errors=True)


def url(layout: Layout, name: str, spec: Spec) -> str:
    """Where the instance `name`, in the pool or not, is asked past the door of the model in `layout`."""
    if is_pooled(spec):
        return f"{BY_SOCKET}{_socket(layout)}#{member_of(layout, name)}"
    address = layout.service(spec)
    return f"http://127.0.0.1:{address}" if isinstance(address, int) else f"{BY_SOCKET}{address}"


def _socket(layout: Layout) -> str:
    """Path of the socket at which the pool of the model in `layout` is asked; one that nobody listens at where there is no pool."""
    pool = layout_of(layout.folder.parent)
    return named(str(pool.sockets), _port(pool))


def upstream(layout: Layout, name: str, spec: Spec) -> Upstream:
    """The instance `name`, in the pool or not, as the door of the model in `layout` reaches it."""
    if not is_pooled(spec):
        return Upstream(name, "127.0.0.1", spec.http_port, named(SOCKETS, spec.http_port) if spec.settings.get("sockets") else "")
    own = named(f"../../{FOLDER}/{SOCKETS}", _port(layout_of(layout.folder.parent)))
    return Upstream(name, "127.0.0.1", spec.http_port, own, member_of(layout, name))


def member_of(layout: Layout, name: str) -> str:
    """What the pool knows the instance `name` of the model in `layout` by."""
    return f"{layout.folder.name}/{name}"


def log_lines(layout: Layout, name: str) -> list[str]:
    """What the pool printed of the instance `name`."""
    path, member = layout_of(layout.folder.parent).log(NAME), member_of(layout, name)
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as lines:
        return [line.rstrip("\n") for line in lines if f"{member}:" in line]


def _port(pool: Layout) -> int:
    desired = pool.read_desired()
    return desired.instances[NAME].http_port if desired else 0


class MemberKeeper:
    """Keeps one instance in the pool; to a supervisor it is what a `Keeper` is of a process.

    Parameters
    ----------
    name : str
        Of the instance.
    layout : Layout
        Of its model.
    spec : Spec
    """

    handle = None

    def __init__(self, name: str, layout: Layout, spec: Spec) -> None:
        self.name, self.port, self.ready = name, spec.http_port, False
        self._member, self._layout = member_of(layout, name), layout
        self._settings = {key: value for key, value in spec.settings.items() if key not in _NOT_TOLD}
        self._pool = layout_of(layout.folder.parent)
        self._members = Members(self._pool.folder / _MEMBERS)
        self._next_probe, self._next_help, self._why = 0.0, 0.0, ""

    def look(self) -> None:
        """See to it that the pool has the instance, and ask how it is there."""
        if time.monotonic() < self._next_probe:
            return
        self._members.put(self._member, self._settings)
        answer = status(_socket(self._layout), _PROBE_S, self._member)
        self.ready, self._why = bool(answer and answer[0] == 200), _refusal(answer)
        self._next_probe = time.monotonic() + (_PROBE_EVERY_S if self.ready or self._why else 0.1)
        if answer is None:
            self._help()

    def _help(self) -> None:
        """Where the pool says nothing, give it a supervisor if it has none."""
        seen = self._pool.read_observed().get("processes", {}).get(NAME, {})
        if seen.get("state") == "failed":
            self._why = "can't be served, for its pool dies again and again"
        if self._next_help == 0.0:
            self._next_help = time.monotonic() + random.uniform(0.5, _SILENT_S)
        elif time.monotonic() > self._next_help:
            self._next_help = 0.0
            ensure_supervisor(self._pool)

    def end(self) -> bool:
        """Have it in the pool no more."""
        self.ready = False
        self._members.remove(self._member)
        return True

    def observed(self) -> dict[str, Any]:
        """What is observed, as of a `Keeper`; a pool has the deaths."""
        state = "ready" if self.ready else "failed" if self._why else "starting"
        counts = {"restarts": 0, "deaths": int(state == "failed")}
        return {
            "name": self.name,
            "port": self.port,
            "state": state,
            **counts,
            "why": self._why and f"{self._why}; see {self._pool.log(NAME)}",
        }


def _refusal(answer: tuple[int, bytes] | None) -> str:
    try:
        reason = json.loads(answer[1])["status"]["reason"] if answer and answer[0] != 200 else ""
    except (ValueError, KeyError, TypeError):
        return ""
    return "is refused by its pool" if reason == MODEL_REFUSED else ""
