"""Instances of the process host: their names, what is known of them, what starts one again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deployment.host import Instance
from deployment.process.layout import Desired, Layout, Spec
from deployment.process.means import free_port


def instance_of(name: str, spec: Spec, process: dict[str, Any] | None, supervised: bool, layout: Layout, url: str) -> Instance:
    """The instance `name`, which is asked at `url`, as what is wanted of it (`spec`) and what the supervisor saw of its process tell it."""
    if process is not None and process["port"] != spec.http_port:
        # One of the same name that is about to end.
        process = None
    state, reason = (process or {}).get("state", "starting"), ""
    if not spec.running or not supervised:
        state, reason = "stopped", "" if not spec.running else "no supervisor runs"
    elif state == "failed":
        reason = process.get("why") or f"dies again and again; see {layout.log(name)}"
    return Instance(name, spec.version, spec.digest, spec.role, url, state, reason, (process or {}).get("restarts", 0))


def started_again(known: Spec, layout: Layout, name: str) -> Spec:
    """The spec by which the instance `name`, remembered as `known`, is to run.

    Where it has died since it was last ready it gets other ports: to the supervisor it is another process then, of which
    no death is known and which waits for nothing.
    """
    seen = layout.read_observed().get("processes", {}).get(name, {})
    has_died = layout.is_supervised() and seen.get("port") == known.http_port and seen.get("deaths", 0) > 0
    ports = {"http_port": free_port(), "metrics_port": free_port()} if has_died else {}
    return replace(known, running=True, **ports)


def _same(known: Spec, wanted: Spec) -> bool:
    """Whether they differ in nothing but the ports."""
    return replace(known, http_port=0, metrics_port=0, running=True) == replace(wanted, http_port=0, metrics_port=0, running=True)


def name_of(desired: Desired, spec: Spec) -> str:
    """The name of the instance that runs `spec`, or the one that it would get."""
    same = next((name for name, known in desired.instances.items() if _same(known, spec)), None)
    base = f"v{spec.version}" + ("-shadow" if spec.role == "shadow" else "")
    names = [base, *(f"{base}-{number}" for number in range(2, len(desired.instances) + 3))]
    return same or next(name for name in names if name not in desired.instances)
