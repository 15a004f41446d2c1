"""A load generator light enough to share the machine with what it measures: one thread, raw sockets, kept connections."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Load:
    """What came of a run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds from the first byte sent to the last received, connecting included where the server had closed."""
    errors: int = 0
    """Answers other than 200, and connections lost without an answer."""

    def summary(self) -> dict[str, float]:
        """Requests a second, median and 99th percentile in milliseconds, errors."""
        ordered = sorted(self.latencies) or [float("nan")]
        return {
            "per_second": len(self.latencies) / self.seconds,
            "p50_ms": 1e3 * ordered[len(ordered) // 2],
            "p99_ms": 1e3 * ordered[int(len(ordered) * 0.99)],
            "errors": self.errors,
        }


class _Connection:
    def __init__(self, address: tuple[str, int], request: bytes, selector: selectors.BaseSelector) -> None:
        self._address, self._request, self._selector = address, request, selector
        self._connect()

    def _connect(self) -> None:
        self.began, self._received = time.perf_counter(), b""
        self._socket = socket.create_connection(self._address, timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._socket.sendall(self._request)

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()

    def receive(self, load: Load) -> None:
        """Take what has come; on a whole answer, or a loss, send the next request."""
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        lower = head.lower()
        whole = bool(found) and len(body) >= int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if whole:
            load.latencies.append(time.perf_counter() - self.began)
            load.errors += b" 200 " not in head[:20]
        elif not data:
            load.errors += 1
        if not data or (whole and b"connection: close" in lower):
            self.close()
            self._connect()
        elif whole:
            self.began, self._received = time.perf_counter(), b""
            self._socket.sendall(self._request)


def generate(
    port: int,
    path: str,
    body: bytes,
    connections: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    until: threading.Event | None = None,
) -> Load:
    """Post `body` to `path`, the next request on each connection as soon as the last is answered.

    Parameters
    ----------
    seconds : float
        How long at least.
    until : Event, optional
        Go on until it is set, too.
    """
    lines = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    load, began = Load(), time.perf_counter()
    with selectors.DefaultSelector() as selector:
        clients = [_Connection((host, port), head.encode() + body, selector) for _ in range(connections)]
        while time.perf_counter() - began < seconds or not (until is None or until.is_set()):
            for key, _ in selector.select(1.0):
                key.data.receive(load)
        for client in clients:
            client.close()
    load.seconds = time.perf_counter() - began
    return load
