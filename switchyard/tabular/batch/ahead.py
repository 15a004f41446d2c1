"""`ahead`: what an iterator yields, made in a thread of its own while the one before is worked on."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar

Item = TypeVar("Item")

_POLL_S = 0.1


class _End:
    """The last thing in the queue: with the error that ended the iterator, if one did."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def ahead(items: Iterable[Item], most: int = 2) -> Iterator[Item]:
    """`items`, in their order; at most so many of them wait to be taken.

    It pays where making an item leaves Python's lock alone, as onnxruntime, Arrow, compression and databases do. An error in
    the thread is raised here; where the caller stops early, the thread stops with the item that it is at.
    """
    queue: Queue[Item | _End] = Queue(most)
    over = threading.Event()

    def put(item: Item | _End) -> None:
        while not over.is_set():
            try:
                return queue.put(item, timeout=_POLL_S)
            except Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if over.is_set():
                    return
        except BaseException as error:
            put(_End(error))
        else:
            put(_End())
        finally:
            if isinstance(items, Generator):
                items.close()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        over.set()
        thread.join()
