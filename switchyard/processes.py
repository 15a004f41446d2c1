"""Who is at work on an entry of a ledger: processes of this machine can be asked for, those of others can not."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def me() -> str:
    """Names this process: machine, number and when it started, since process numbers come again."""
    return f"{socket.gethostname()} process {os.getpid()}/{_begun(os.getpid())}"


def shown(process: str) -> str:
    """Such a name for people."""
    return process.rpartition("/")[0]


def lives(process: str) -> bool | None:
    """Whether the process that `me` named so is still there; None where that can't be asked."""
    who, _, begun = process.rpartition("/")
    machine, _, number = who.rpartition(" process ")
    return _begun(int(number)) == begun if machine == socket.gethostname() and begun else None


def _begun(number: int) -> str:
    """When a process of this machine started, in the kernel's ticks; empty where there is none, or no way to know."""
    try:
        facts = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # Killed, and not yet collected by its parent: it is at work no more.
    return "" if facts[0] == "Z" else facts[19]
