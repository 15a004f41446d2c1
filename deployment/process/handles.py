"""`Handle`: a process by its id and its start, so that it is found again by others and never mistaken for another."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from switchyard import processes


@dataclass(frozen=True)
class Handle:
    """One process with a group of its own."""

    pid: int
    started: int
    """As `switchyard.processes.started` says: another process of the same id began at another moment."""

    def is_alive(self) -> bool:
        """Whether it runs. Where it was this process's child and has ended, it is buried."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return processes.is_running(self.pid, self.started)

    def cpu_s(self) -> float:
        """Seconds of processor time that it and its children have used, those that have ended included; 0 where it has ended itself."""
        used = 0.0
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            for one in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    used += sum(one.cpu_times()[:4])
        return used

    def send(self, number: signal.Signals) -> None:
        """Signal the process; SIGKILL goes to its whole group."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Handle:
    """Start `command` in `folder`, on its own, printing to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    begun = processes.started(process.pid)
    # From here on it is looked after by its handle: subprocess would warn of a child that outlives its object.
    process.returncode = 0
    return Handle(process.pid, begun or 0)
