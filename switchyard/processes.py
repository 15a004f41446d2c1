"""Processes known again: by machine, number and start, since numbers come again. Those of other machines can't be asked for."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from functools import cache

import psutil

_TICKS_A_S = os.sysconf("SC_CLK_TCK")
_SLACK = _TICKS_A_S
"""Ticks: the boot time is read twice, in whole seconds, and a clock that is being set may move it between."""


def started(number: int) -> int | None:
    """When process `number` of this machine started, in clock ticks since it booted; None where none runs, or none may be asked.

    Since boot, not by the clock: a clock that is set right would make another process of it. One that was killed and
    not yet collected by its parent runs no more.
    """
    try:
        process = psutil.Process(number)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round((process.create_time() - psutil.boot_time()) * _TICKS_A_S)
    except psutil.Error:
        return None


def is_running(number: int, begun: int) -> bool:
    """Whether the process `number` that started at `begun` runs still."""
    found = started(number)
    return found is not None and abs(found - begun) <= _SLACK


def me() -> str:
    """Names this process for others."""
    return _name(os.getpid())


@cache
def _name(number: int) -> str:
    begun = started(number)
    return f"{socket.gethostname()} process {number}/{'' if begun is None else begun}"


def shown(process: str) -> str:
    """Such a name for people."""
    return process.rpartition("/")[0]


def lives(process: str) -> bool | None:
    """Whether the process that `me` named so is still there; None where that can't be asked."""
    who, _, begun = process.rpartition("/")
    machine, _, number = who.rpartition(" process ")
    return is_running(int(number), int(begun)) if machine == socket.gethostname() and begun else None


def at_work(process: str, silent: timedelta, patience: timedelta) -> bool:
    """Whether the process that `me` named so goes on with what it took up.

    Parameters
    ----------
    process : str
    silent : timedelta
        Since it last said something.
    patience : timedelta
        How long one that can't be asked for is believed to be at work without a word.
    """
    found = lives(process)
    return silent < patience if found is None else found
