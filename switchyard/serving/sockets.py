"""Sockets in a folder, in place of ports that every account of a machine reaches. Standard library only."""

from __future__ import annotations

import http.client
import os
import socket

MEMBER_HEADER = "x-switchyard-member"
"""Of several models behind one socket, the one that a request is to (`switchyard.serving.pool`), as NAME/INSTANCE."""
Address = int | str
"""Of a server on this machine: a port of loopback, or the path of a socket."""


def named(folder: str, port: int) -> str:
    """The socket that stands for `port` in `folder`."""
    return f"{folder}/{port}.sock"


def connection(address: Address, seconds: float) -> http.client.HTTPConnection:
    """HTTP to `address`, where nothing may take longer than `seconds`."""
    return http.client.HTTPConnection("127.0.0.1", address, timeout=seconds) if isinstance(address, int) else _BySocket(address, seconds)


class _BySocket(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path, self._seconds = path, seconds

    def connect(self) -> None:
        folder, name = os.path.split(self._path)
        # A socket's path has 107 characters at most; by the folder's descriptor each is short.
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self._seconds)
            self.sock.connect(f"/proc/self/fd/{descriptor}/{name}")
        finally:
            os.close(descriptor)
