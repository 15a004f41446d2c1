"""`Cores`: how the cores of a machine are shared by pieces of one kind of work, and `side_by_side`, which does them so."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from switchyard.tabular.families.base import Family

T = TypeVar("T")


@dataclass(frozen=True)
class Cores:
    """So many fits at once, each by so many threads."""

    fits: int
    threads: int

    @classmethod
    def shared(cls, family: Family, rows: int, columns: int, fits: int, n_jobs: int) -> Cores:
        """`n_jobs` cores, shared by fits of `family`: a fit that one thread does as fast as several leaves the others to the next fit.

        Parameters
        ----------
        rows, columns : int
            Of a fit's matrix, roughly.
        fits : int
            There are, all in all.
        """
        at_once = max(1, min(fits, n_jobs // family.estimator.threads_of(rows, columns, n_jobs)))
        return cls(at_once, n_jobs // at_once)

    def rounds(self, fits: int) -> int:
        """How many of `fits` stand one after the other."""
        return -(-fits // self.fits)

    def round_of(self, number: int, fits: int) -> int:
        """How many rounds of `fits` are to come when the fit `number`, counted from 0, begins; its own included."""
        return self.rounds(fits) - number // self.fits


def side_by_side(work: Callable[[int, Event], T], count: int, at_once: int) -> Generator[T, None, None]:
    """The results of `work(0, given_up)` to `work(count - 1, given_up)`, in this order.

    Parameters
    ----------
    work : callable
        Told its number, and an event that is set once nobody wants its result any more. What it raises, whoever takes its result sees.
    count, at_once : int
        Pieces, and how many of them run at a time; one after the other, in the caller's thread, where `at_once` is 1.

    Notes
    -----
    Who closes the iterator early waits for what is running.
    """
    given_up = Event()
    if at_once == 1:
        yield from (work(number, given_up) for number in range(count))
        return
    with ThreadPoolExecutor(at_once) as pool:
        found = [pool.submit(work, number, given_up) for number in range(count)]
        try:
            for future in found:
                yield future.result()
        finally:
            given_up.set()
            for future in found:
                future.cancel()
