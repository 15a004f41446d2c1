"""Many small models in one pool beside one service each: memory, starting, and what a request takes.

    python -m benchmarks.pool --models 50 --out pool.json

One LightGBM model of the built-in loans (`benchmarks.serving`) is deployed under many names, first in a pool, then as
`--services` services of their own, whose memory for as many models is extrapolated. Memory is what the processes have to
themselves (USS), so that shared libraries count for nobody. Requests go through each model's own front door.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load import generate
from benchmarks.serving import train
from deployment.endpoint import PREDICTIONS, ask
from deployment.host import Release
from deployment.process import common, pool
from deployment.process.host import ProcessHost
from deployment.process.layout import Layout
from deployment.process.options import ProcessOptions
from switchyard.bundle import Bundle
from switchyard.serving.frontdoor.state import Traffic
from switchyard.serving.pool.residents import estimate

_TIMEOUT_S = 60.0


@contextmanager
def deployed(folder: Path, bundle: Bundle, names: list[str], pooled: bool, options: ProcessOptions) -> Iterator[tuple[ProcessHost, float]]:
    """The bundle under all `names`, and the seconds that one of them took; all ends with the block."""
    host, began = ProcessHost(folder / "serving", options), time.perf_counter()
    try:
        for name in names:
            release = Release(name, "1", bundle.digest, bundle.files, settings={"pool": True} if pooled else {})
            host.shift(name, Traffic.all_to(host.start(release, _TIMEOUT_S).name), _TIMEOUT_S)
        yield host, (time.perf_counter() - began) / len(names)
    finally:
        for name in names:
            host.remove(name, _TIMEOUT_S)


def memory(folder: Path, names: list[str]) -> dict[str, float]:
    """MB of the processes of all models, by what they are; the common front door, which both have once, is left out."""
    layouts = [Layout(folder / "serving" / name) for name in names] + [pool.layout_of(folder / "serving")]
    found = {"services": 0.0, "front doors": 0.0, "supervisors": 0.0}
    for observed in (layout.read_observed() for layout in layouts):
        for name, process in observed.get("processes", {}).items():
            found["front doors" if name == common.ENVOY else "services"] += _uss(process.get("pid"))
        found["supervisors"] += _uss(observed.get("supervisor"), alone=True)
    return found | {"all": sum(found.values())}


def _uss(pid: int | None, alone: bool = False) -> float:
    """MB of the process and its children; those of a supervisor count as what they are."""
    if pid is None:
        return 0.0
    process = psutil.Process(pid)
    return sum(one.memory_full_info().uss for one in (process, *([] if alone else process.children(recursive=True)))) / 1e6


def requests(host: ProcessHost, name: str, row: dict[str, Any], seconds: float) -> dict[str, float]:
    """One connection to the front door of `name`."""
    headers = {"Authorization": f"Bearer {host.token(name)}"}
    port = int(host.inspect(name).inner_url.rsplit(":", 1)[1])
    return generate(port, "/predict", json.dumps({"rows": [row]}).encode(), 1, seconds, headers).summary()


def each_once(host: ProcessHost, names: list[str], row: dict[str, Any]) -> dict[str, float]:
    """Median and longest of one request to each model in turn, milliseconds, connecting included."""
    took = []
    for name in names:
        url, token = host.inspect(name).inner_url, host.token(name)
        began = time.perf_counter()
        ask(url, PREDICTIONS, {"rows": [row]}, token)
        took.append(1e3 * (time.perf_counter() - began))
    return {"p50_ms": sorted(took)[len(took) // 2], "longest_ms": max(took)}


def measure(folder: Path, models: int, services: int, seconds: float) -> dict[str, Any]:
    """Everything, as the table has it."""
    trained = train(folder, 100)
    bundle, names = Bundle.read(trained.bundle), [f"model{number}" for number in range(models)]
    results: dict[str, Any] = {"models": models, "bundle_bytes": int(1e6 * bundle.megabytes)}
    with deployed(folder / "pool", bundle, names, True, ProcessOptions()) as (host, took):
        results["pool"] = {"deployed_s": took, "first": each_once(host, names, trained.row), "again": each_once(host, names, trained.row)}
        results["pool"]["one"] = requests(host, names[0], trained.row, seconds)
        results["pool"]["memory_mb"] = memory(folder / "pool", names)
    few = names[:services]
    with deployed(folder / "services", bundle, few, False, ProcessOptions()) as (host, took):
        each_once(host, few, trained.row)
        each = {kind: size / services * models for kind, size in memory(folder / "services", few).items()}
        results["services"] = {"deployed_s": took, "one": requests(host, few[0], trained.row, seconds), "memory_mb_extrapolated": each}
    # Ten in turn where each process has room for five: whoever is asked for has just left.
    room = ProcessOptions(pool_bytes=2 * 5 * estimate(results["bundle_bytes"]))
    with deployed(folder / "tight", bundle, names[:10], True, room) as (host, _):
        each_once(host, names[:10], trained.row)
        results["tight"] = each_once(host, names[:10], trained.row)
    return results | {"load": os.getloadavg()[0]}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--services", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(measure(Path(folder), options.models, options.services, options.seconds), indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
