"""`ProcessHost`: serves models by processes of this machine."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deployment.host import Deployment, DeploymentError, Host, Instance, Release
from deployment.process import common, pool
from deployment.process.instances import instance_of, name_of, started_again
from deployment.process.layout import ENVOY, SOCKETS, Desired, Layout, Spec
from deployment.process.means import (
    POLL_S,
    ensure_supervisor,
    free_port,
    has_ended,
    has_work,
    is_supervised,
    require_environments,
    require_open,
    wait,
    wait_gone,
    write_token,
)
from deployment.process.options import ProcessOptions
from switchyard.serving.frontdoor import files
from switchyard.serving.frontdoor.state import Door, Traffic
from switchyard.serving.frontdoor.tokens import first_token, read_tokens
from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

_LAST_LINES = 15


class ProcessHost(Host):
    """Deployments below `folder`, one folder for each model.

    Parameters
    ----------
    folder : Path
    options : ProcessOptions, optional
    """

    def __init__(self, folder: Path, options: ProcessOptions | None = None) -> None:
        self._folder, self._options = folder, options or ProcessOptions()

    def start(self, release: Release, timeout_s: float) -> Instance:
        release.verify()
        layout = self._layout(release.model)
        require_environments()
        with layout.changing() as place:
            if not layout.tokens.is_file():
                write_token(layout.tokens)
            desired = place[0] or Desired(self._new_door(layout))
            require_open(layout, desired.door)
            door = self._door(desired.door)
            common.offer(self._folder, self._options)
            spec = self._spec(release, layout)
            name = name_of(desired, spec)
            layout.keep_bundle(release.files, release.digest)
            if name in desired.instances:
                spec = started_again(desired.instances[name], layout, name)
            place[0] = replace(desired, door=door, instances={**desired.instances, name: spec})
        self._offer_pool(spec)
        try:
            instance = self._wait_ready(release.model, name, timeout_s)
            common.wait_open(self._folder, release.model, door, timeout_s)
            return instance
        except DeploymentError:
            if name not in desired.instances:
                self._forget(layout, name)
                pool.rest(self._folder)
            raise

    def name_for(self, release: Release) -> str:
        layout = self._layout(release.model)
        return name_of(layout.read_desired() or Desired(self._new_door(layout)), self._spec(release, layout))

    def shift(self, model: str, traffic: Traffic, timeout_s: float) -> None:
        layout = self._layout(model)
        before = self._deployed(model)
        before.require_ready(traffic.names)
        if before.traffic != traffic:
            self._change(layout, traffic)
        try:
            self._wait_applied(layout, timeout_s)
        except DeploymentError:
            self._change(layout, before.traffic, instead_of=traffic)
            raise

    def stop(self, model: str, name: str, timeout_s: float) -> None:
        self._drain(model, name, timeout_s)
        layout = self._layout(model)
        with layout.changing() as place:
            desired = place[0]
            place[0] = replace(desired, instances={**desired.instances, name: replace(desired.instances[name], running=False)})
        wait_gone(layout, name, timeout_s)
        pool.rest(self._folder)

    def resume(self, model: str, name: str, timeout_s: float) -> Instance:
        require_environments()
        layout = self._layout(model)
        with layout.changing() as place:
            desired = place[0]
            if desired is None or name not in desired.instances:
                raise DeploymentError(f"{model}: {name} is not deployed")
            require_open(layout, desired.door)
            spec = started_again(desired.instances[name], layout, name)
            place[0] = replace(desired, instances={**desired.instances, name: spec})
        self._offer_pool(spec)
        return self._wait_ready(model, name, timeout_s)

    def delete(self, model: str, name: str, timeout_s: float) -> None:
        self._drain(model, name, timeout_s)
        # Its end is the supervisor's work: what it still has to write takes it some seconds, and nobody waits for it.
        self._forget(self._layout(model), name)
        pool.rest(self._folder)

    def remove(self, model: str, timeout_s: float) -> None:
        layout = self._layout(model)
        if layout.read_desired() is None:
            return
        with layout.changing() as place:
            place[0] = replace(place[0], traffic=Traffic(), instances={})

        # Also where no supervisor lives: processes that it left behind are to end.
        ensure_supervisor(layout)
        if not wait(lambda: has_ended(layout), timeout_s):
            raise DeploymentError(f"{model}: not all of it has ended within {timeout_s:g} s; see {layout.log('supervisor')}")
        layout.desired.unlink()
        pool.forget(layout)
        pool.rest(self._folder)

    def keep_alive(self, model: str) -> bool:
        desired = self._layout(model).read_desired()
        if not pool.layout_of(self._folder).desired.is_file():
            # As after a backup came to this machine.
            for spec in desired.instances.values() if desired else ():
                if spec.running:
                    self._offer_pool(spec)
        asleep = [layout for layout in self._layouts(model) if has_work(layout) and not is_supervised(layout)]
        for layout in asleep:
            ensure_supervisor(layout)
        return bool(asleep)

    def inspect(self, model: str) -> Deployment | None:
        layout = self._layout(model)
        desired = layout.read_desired()
        if desired is None:
            return None
        supervised = layout.is_supervised()
        processes = layout.read_observed().get("processes", {}) if supervised else {}
        instances = tuple(
            instance_of(name, spec, processes.get(name), supervised, layout, pool.url(layout, name, spec))
            for name, spec in desired.instances.items()
        )
        token_file, own = str(layout.tokens) if desired.door.authentication else None, f"http://{desired.door.host}:{desired.door.port}"
        return Deployment(model, common.address(self._folder, model, desired.door), own, token_file, instances, desired.traffic)

    def token(self, model: str) -> str | None:
        path = self._deployed(model).token_file
        return first_token(read_tokens(path)) if path else None

    def logs(self, model: str, name: str, tail: int | None = None) -> Iterator[str]:
        layout = self._layout(model)
        desired, path = layout.read_desired(), layout.log(name)
        if desired and name in desired.instances and pool.is_pooled(desired.instances[name]):
            yield from deque(pool.log_lines(layout, name), tail)
        elif path.is_file():
            with path.open(encoding="utf-8", errors="replace") as lines:
                yield from deque((line.rstrip("\n") for line in lines), tail)

    def log_url(self, model: str) -> str:
        return self._options.log_url or f"sqlite:///{self._folder.parent / 'predictions.db'}"

    def settle_log(self, model: str, engine: Engine, timeout_s: float) -> int:
        from switchyard.predictionlog.drain import settle

        return sum(settle(engine, layout.journal, timeout_s) for layout in self._layouts(model) if layout.journal.is_dir())

    def statistics(self, model: str) -> str:
        layout = self._layout(model)
        desired = layout.read_desired()
        return (files.admin(layout.admin(desired.door), "/stats/prometheus") or "") if desired else ""

    def _layout(self, model: str) -> Layout:
        return Layout(self._folder / model)

    def _layouts(self, model: str) -> tuple[Layout, Layout]:
        """The model's and the pool's, which may have answers of the model to write."""
        return self._layout(model), pool.layout_of(self._folder)

    def _offer_pool(self, spec: Spec) -> None:
        if pool.is_pooled(spec):
            pool.offer(self._folder, self._options, self.log_url(""))

    def _deployed(self, model: str) -> Deployment:
        found = self.inspect(model)
        if found is None:
            raise DeploymentError(f"nothing is deployed of {model}")
        return found

    def _new_door(self, layout: Layout) -> Door:
        return Door(free_port(), free_port(), access_log=str(layout.access_log), admin_socket=f"{SOCKETS}/{ENVOY}.sock")

    def _door(self, door: Door) -> Door:
        """`door` as it is offered now; its port stays, for those who were told it."""
        offer = self._options
        try:
            return replace(
                door,
                # Where TLS is spoken, it is at the address of all models; this one is for those behind it.
                host="127.0.0.1" if offer.tls_certificate else offer.host,
                authentication=offer.authentication,
                requests_per_second=offer.requests_per_second,
                requests_per_second_of_client=offer.requests_per_second_of_client,
                timeout_s=offer.timeout_s,
            )
        except ValueError as error:
            raise InputError(str(error)) from None

    def _spec(self, release: Release, layout: Layout) -> Spec:
        settings = {
            **release.settings,
            "bundle": str(layout.bundle(release.digest)),
            "name": release.model,
            "version": release.version,
            "digest": release.digest,
            "role": release.role,
            "log_url": self.log_url(release.model),
            # One journal for all versions: what a stopped one has left, those that go on carry into the database.
            "journal": str(layout.journal),
            "sockets": SOCKETS,
        }
        return Spec(release.version, release.digest, release.role, settings, free_port(), free_port(), self._options.workers)

    def _wait_ready(self, model: str, name: str, timeout_s: float) -> Instance:
        layout = self._layout(model)
        ensure_supervisor(layout)
        deadline = time.monotonic() + timeout_s
        while True:
            instance = self._deployed(model).instance(name)
            if instance.state == "ready":
                self._wait_applied(layout, max(1.0, deadline - time.monotonic()))
                return instance
            if instance.state == "failed" or time.monotonic() > deadline:
                why = f"it {instance.reason}" if instance.state == "failed" else f"it was not ready within {timeout_s:g} s"
                raise DeploymentError(f"{model}, {name}: {why}; its last words: {' / '.join(self._last_words(model, name)) or 'none'}")
            time.sleep(POLL_S)

    def _last_words(self, model: str, name: str) -> list[str]:
        lines = list(self.logs(model, name, _LAST_LINES))
        return [line for line in lines if "refusing to serve" in line][-1:] or lines

    def _wait_applied(self, layout: Layout, timeout_s: float) -> None:
        generation = layout.read_desired().generation
        ensure_supervisor(layout)
        done = wait(lambda: layout.read_observed().get("applied", -1) >= generation, timeout_s)
        if not done:
            late = f"the front door did not take up its routes within {timeout_s:g} s; see {layout.log('envoy')}"
            raise DeploymentError(f"{layout.folder.name}: {late}")

    def _drain(self, model: str, name: str, timeout_s: float) -> None:
        """Wait until `name` has answered all it was asked."""
        deployment = self._deployed(model)
        if deployment.instance(name) is None:
            raise DeploymentError(f"{model}: {name} is not deployed")
        if name in deployment.traffic.names:
            raise DeploymentError(f"{model}: {name} has traffic; shift that first")
        layout = self._layout(model)
        admin = layout.admin(layout.read_desired().door)
        if not wait(lambda: files.active_requests(admin, name) == 0, timeout_s):
            logger.warning("%s, %s: stopped with requests that it did not answer within %g s", model, name, timeout_s)

    def _forget(self, layout: Layout, name: str) -> None:
        with layout.changing() as place:
            place[0] = replace(place[0], instances={key: spec for key, spec in place[0].instances.items() if key != name})

    @staticmethod
    def _change(layout: Layout, traffic: Traffic, instead_of: Traffic | None = None) -> None:
        """Set the traffic; where it is that `instead_of` which it is set, if one is named."""
        with layout.changing() as place:
            if instead_of in (None, place[0].traffic):
                place[0] = replace(place[0], traffic=traffic)
