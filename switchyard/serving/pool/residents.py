"""`Residents`: the models that a process of a pool has loaded; who is asked for is loaded, who was not asked for longest leaves."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import orjson

from switchyard.bundle.digest import FILES
from switchyard.serving import openapi
from switchyard.serving.counters import SharedCounters
from switchyard.serving.errors import MODEL_REFUSED, Refusal
from switchyard.serving.http import Endpoint, send
from switchyard.serving.metrics import Metrics
from switchyard.serving.opening import opened
from switchyard.serving.pool.members import Members, Stamp
from switchyard.serving.predictor import Predictor
from switchyard.serving.settings import PoolSettings, Settings, SettingsError
from switchyard.serving.shared import Shared

logger = logging.getLogger(__name__)

LOADS, EVICTIONS, REFUSALS = range(3)
"""Indices of a pool's own counts."""
_TIMES, _BESIDE = 10, 500_000
_AGAIN_S = 5.0
"""How long a model that was refused is not looked at again."""


def estimate(file_bytes: int) -> int:
    """Bytes that a loaded model takes, of those that its files have.

    Measured on 31 bundles of 0.1 to 9 MB: 2 to 10 times their files, and never above this (docs/benchmarks.md).
    """
    return _TIMES * file_bytes + _BESIDE


@dataclass(frozen=True)
class Resident:
    """A model that is loaded."""

    stamp: Stamp
    predictor: Predictor
    endpoint: Endpoint
    size: int
    """Bytes, as `estimate` has them."""

    @classmethod
    def load(cls, stamp: Stamp, settings: Settings, shared: Shared, size: int) -> Resident:
        """Load the model that `settings` name; raises as `Predictor`."""
        predictor = Predictor(settings, shared)
        described = orjson.dumps(openapi.metadata(predictor.signature, predictor.tags))
        document = openapi.document(predictor.signature, predictor.tags, predictor.example_rows, settings)
        # Of what an endpoint leaves to others the pool has answered all but this.
        return cls(stamp, predictor, Endpoint(predictor, lambda _environ, start: send(start, 200, described), document), size)


class Residents:
    """Make it before the fork; each process loads its own.

    Parameters
    ----------
    settings : PoolSettings
    """

    def __init__(self, settings: PoolSettings) -> None:
        folder = Path(settings.folder)
        self.members, self.shared = Members(folder / "members"), Shared.of(settings)
        self.counts = SharedCounters(3)
        self._most, self._counters = settings.most_bytes, folder / "counters"
        shutil.rmtree(self._counters, ignore_errors=True)
        self._counters.mkdir(parents=True, mode=0o700)
        self._loaded: OrderedDict[str, Resident] = OrderedDict()
        self._shares: dict[tuple[str, str], Shared] = {}
        self._counted: dict[str, tuple[Stamp, Metrics]] = {}
        self._refused: dict[str, tuple[Stamp, float, Refusal]] = {}
        self._sound: dict[str, tuple[Stamp, tuple[tuple[int, int, int], ...]]] = {}
        # One is loaded at a time; whoever is loaded already answers meanwhile.
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def get(self, member: str) -> Resident:
        """The model of `member`, loaded if it is not.

        Raises
        ------
        Refusal
            There is no such member, or it is not fit to serve.
        """
        stamp = self.members.stamp(member)
        return self._present(member, stamp) or self._load(member, stamp)

    def check(self, member: str) -> Resident | Settings:
        """What is loaded of `member`, or what is to be, of which the files were seen to be those that were deployed.

        Raises
        ------
        Refusal
            As `get`.
        """
        stamp = self.members.stamp(member)
        with self._lock:
            resident = self._loaded.get(member)
        if resident is not None and resident.stamp == stamp:
            return resident
        self._raise_refused(member, stamp)
        if member in self._refused:
            # Whether it is mended, only loading tells.
            return self._load(member, stamp)
        try:
            settings = self.members.read(member)
            seen = (stamp, _files(settings))
            if self._sound.get(member) != seen:
                _size(settings, self._most)
                opened(settings)
                self._sound[member] = seen
        except (OSError, ValueError) as error:
            raise self._refuse(member, stamp, error) from error
        return settings

    def metrics(self, member: str) -> Metrics:
        """What is counted of `member`; it is not loaded for that, but for the first time that this process is asked anything of it.

        Raises
        ------
        Refusal
            As `get`.
        """
        stamp = self.members.stamp(member)
        seen, metrics = self._counted.get(member, (None, None))
        return metrics if metrics is not None and seen == stamp else self._load(member, stamp).predictor.metrics

    def _present(self, member: str, stamp: Stamp) -> Resident | None:
        with self._lock:
            resident = self._loaded.get(member)
            if resident is None or resident.stamp != stamp:
                return None
            self._loaded.move_to_end(member)
            return resident

    def _load(self, member: str, stamp: Stamp) -> Resident:
        with self._loading:
            resident = self._present(member, stamp)
            if resident is not None:
                return resident
            self._raise_refused(member, stamp)
            try:
                settings = self.members.read(member)
                size = _size(settings, self._most)
                # Before anybody leaves for it.
                opened(settings)
                self._make_room(member, size)
                resident = Resident.load(stamp, settings, self._share(member, settings), size)
            except (OSError, ValueError, RuntimeError) as error:
                # RuntimeError is what onnxruntime's errors are.
                raise self._refuse(member, stamp, error) from error
            with self._lock:
                self._loaded[member] = resident
            self._counted[member] = (stamp, resident.predictor.metrics)
            self._refused.pop(member, None)
            self.counts.add((LOADS, 1.0))
            logger.info("%s: version %s, %s: loaded, about %d bytes", member, settings.version, settings.digest, size)
            return resident

    def _make_room(self, member: str, size: int) -> None:
        """Have the new one's bytes free: the gone leave, then who was not asked for longest."""
        there = set(self.members.all())
        with self._lock:
            gone = [name for name in self._loaded if name == member or name not in there]
            for name in gone:
                del self._loaded[name]
            left = 0
            while self._loaded and size + sum(one.size for one in self._loaded.values()) > self._most:
                self._loaded.popitem(last=False)
                left += 1
        self._shares = {known: share for known, share in self._shares.items() if known[0] in there}
        self._counted = {name: counted for name, counted in self._counted.items() if name in there}
        if left:
            self.counts.add((EVICTIONS, float(left)))

    def _share(self, member: str, settings: Settings) -> Shared:
        """What is the model's own of what the processes have together: its counts go on when it left and comes back."""
        known = (member, settings.digest)
        if known not in self._shares:
            name = hashlib.sha256("\n".join(known).encode()).hexdigest()[:32]
            repeats = self.shared.repeats
            own = repeats.of(member) if repeats else None
            self._shares[known] = replace(self.shared, repeats=own, counters=cache(partial(_counters, self._counters / name)))
        return self._shares[known]

    def _raise_refused(self, member: str, stamp: Stamp) -> None:
        seen, until, refusal = self._refused.get(member, (None, 0.0, None))
        if refusal is not None and seen == stamp and time.monotonic() < until:
            raise refusal

    def _refuse(self, member: str, stamp: Stamp, error: Exception) -> Refusal:
        logger.error("%s: refusing to serve: %s", member, error)
        self.counts.add((REFUSALS, 1.0))
        refusal = Refusal(f"this model can't be served; the service's log says why ({member})", status=503, reason=MODEL_REFUSED)
        self._refused[member] = (stamp, time.monotonic() + _AGAIN_S, refusal)
        return refusal


def _files(settings: Settings) -> tuple[tuple[int, int, int], ...]:
    """Each of the bundle's files: its bytes, and what changes when it does."""
    found = [(Path(settings.bundle) / name).stat() for name in FILES]
    return tuple((one.st_size, one.st_mtime_ns, one.st_ino) for one in found)


def _size(settings: Settings, most: int) -> int:
    """Bytes of the model when loaded; SettingsError where the pool has no room for it, whoever leaves."""
    size = estimate(sum(file_bytes for file_bytes, *_ in _files(settings)))
    if size > most:
        raise SettingsError(
            f"loaded it takes about {size:,} bytes, and each process of the pool has {most:,}; raise the deployer's pool_bytes, "
            "or deploy it without serving.pool"
        )
    return size


def _counters(path: Path, size: int) -> SharedCounters:
    return SharedCounters(size, file=os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
