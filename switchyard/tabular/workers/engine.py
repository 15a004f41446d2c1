"""`Engine`: processes that each run a function at the same time, here or on a cluster; the one module that knows Dask.

It places functions, sees that all of them live, and says what they log. It moves no rows: workers read them where they lie.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from switchyard.tabular.errors import InputError

if TYPE_CHECKING:
    from distributed import Future

logger = logging.getLogger(__name__)
ATTEMPTS = 3
"""How often something is begun before a lost worker is an error."""
_TOPIC = "switchyard"
_LOOK_S, _ANSWER_S, _SETTLE_S = 0.3, 60.0, 5.0


class LostWorkerError(InputError):
    """A worker ended, or none of them said anything for too long, before all were through."""


def require_dask() -> None:
    """Refuse where workers can't be had.

    Raises
    ------
    InputError
        With the way out.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        missing = "training.workers and training.engine need Dask, which is not installed: pip install -r requirements-workers.txt"
        raise InputError(missing) from None


class Engine:
    """So many workers, each a process with threads of its own.

    Parameters
    ----------
    workers : int
        How many; 0: all that the scheduler at `address` has.
    address : str, optional
        Of a scheduler of one's own, tcp:// or tls:// (certificates by Dask's own config); without it processes of this machine, which
        talk by TLS with certificates of their own and end with this object.
    silent_s : float
        Seconds without a word of any worker after which they count as lost.

    Raises
    ------
    InputError
        Dask is not installed, no scheduler answers, or it has too few workers.
    """

    def __init__(self, workers: int, address: str | None = None, silent_s: float = 1800.0) -> None:
        self._wanted, self._address, self._silent_s = workers, address, silent_s
        self._client: Any = None
        self._cluster: Any = None
        self._heard, self._busy = 0.0, False
        self.workers: tuple[str, ...] = ()
        """Addresses of those who take part."""

    def __enter__(self) -> Self:
        require_dask()
        try:
            self._connect()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._busy and not self.here:
            # Nobody else would end them.
            with suppress(InputError):
                self.renew()
        self._leave()

    @property
    def here(self) -> bool:
        """Whether the workers are processes of this machine."""
        return self._address is None

    def threads(self) -> dict[str, int]:
        """Threads of each worker."""
        cores = self._client.ncores()
        return {worker: cores[worker] for worker in self.workers}

    def run(self, function: Callable[..., Any], arguments: Sequence[tuple]) -> list[Any]:
        """What `function` returns for each of `arguments`, one for each worker, all at the same time.

        Raises
        ------
        LostWorkerError
            One ended before all were through, or all are silent; some may still be at it, until `renew`.
        Exception
            What `function` raised.
        """
        self._heard = time.monotonic()
        futures = [
            self._client.submit(_speaking, function, each, f"worker {number + 1} of {len(self.workers)}", workers=[worker], pure=False)
            for number, (worker, each) in enumerate(zip(self.workers, arguments))
        ]
        self._busy = True
        self._watch(futures)
        broken = [future for future in futures if future.status == "error"]
        # The others may wait for who failed.
        self._busy = any(not future.done() for future in futures)
        return [future.result(_ANSWER_S) for future in broken or futures]

    def insist(self, attempt: Callable[[], Any]) -> Any:
        """What `attempt` returns, which is begun again with fresh workers where one is lost, `ATTEMPTS` times in all."""
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except LostWorkerError as error:
                if number == ATTEMPTS:
                    raise LostWorkerError(f"{error}; given up after {ATTEMPTS} attempts") from None
                logger.warning("%s; begun again (%d of %d)", error, number + 1, ATTEMPTS)
                self.renew()

    def renew(self) -> None:
        """End whatever the workers are at, and have as many again."""
        self._busy = False
        if self.here:
            self._leave()
            self._connect()
            return
        try:
            self._client.restart_workers([worker for worker in self.workers if worker in self._client.ncores()], timeout=_ANSWER_S)
        except Exception as error:
            why = f"its workers can't be restarted after one was lost ({error}); start them with a nanny"
            raise InputError(f"training.engine {self._address}: {why}") from None
        self._gather()

    def _connect(self) -> None:
        from distributed import Client, LocalCluster

        if self.here:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
            self._cluster = LocalCluster(
                n_workers=self._wanted, threads_per_worker=max(1, cores // self._wanted), host="127.0.0.1", dashboard_address=None,
                # Its ports are those of every account of this machine; whoever may use them runs code as ours.
                security=True, memory_limit=0, local_directory=tempfile.gettempdir(), silence_logs=logging.CRITICAL,
            )  # fmt: skip
        try:
            self._client = Client(self._cluster or self._address, timeout=_ANSWER_S)
        except Exception as error:
            raise InputError(f"training.engine {self._address}: no scheduler answers there ({error})") from None
        self._client.subscribe_topic(_TOPIC, self._hear)
        self._gather()

    def _gather(self) -> None:
        wanted = self._wanted or 1
        try:
            self._client.wait_for_workers(wanted, timeout=_ANSWER_S)
        except TimeoutError:
            raise InputError(
                f"{len(self._client.ncores())} of {wanted} workers came within {_ANSWER_S:.0f} s; lower training.workers or start more"
            ) from None
        self.workers = tuple(sorted(self._client.ncores()))[: self._wanted or None]

    def _leave(self) -> None:
        for closed in (self._client, self._cluster):
            if closed is not None:
                closed.close(10)
        self._client = self._cluster = None

    def _hear(self, event: tuple[float, str]) -> None:
        self._heard = time.monotonic()
        if event[1]:
            logger.info("%s", event[1])

    def _watch(self, futures: Sequence[Future]) -> None:
        """Return when all are done, raise when that can't be any more."""
        failed: float | None = None
        while True:
            if failed is None and any(future.status == "error" for future in futures):
                failed = time.monotonic()
            gone = set(self.workers) - set(self._client.ncores())
            if gone:
                raise LostWorkerError(f"{len(gone)} of {len(self.workers)} workers ended in the middle of the work")
            if any(future.status in ("cancelled", "lost") for future in futures) or self._client.status != "running":
                raise LostWorkerError("the scheduler of the workers ended, or lost what they were at")
            if time.monotonic() - self._heard > self._silent_s:
                raise LostWorkerError(f"no worker said anything for {self._silent_s:,.0f} s")
            # Who lost another may fail first, and the loss is known a moment later.
            if (failed is None and all(future.done() for future in futures)) or (failed and time.monotonic() - failed > _SETTLE_S):
                return
            time.sleep(_LOOK_S)


def scratch() -> Path:
    """On a worker: the folder that it may fill, which is its own (Dask's `local-directory`)."""
    from distributed import get_worker

    return Path(get_worker().local_directory)


def _speaking(function: Callable[..., Any], arguments: tuple, name: str) -> Any:
    """On a worker: `function` of `arguments`, and what it logs is told to who asked."""
    from distributed import get_worker

    worker = get_worker()
    with _told(lambda line: worker.log_event(_TOPIC, f"{name}: {line}")):
        return function(*arguments)


@contextmanager
def _told(tell: Callable[[str], None]) -> Iterator[None]:
    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            tell(record.getMessage())

    ours, handler = logging.getLogger("switchyard"), Telling(logging.INFO)
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
