"""`free_memory`: what this process may still take, of the machine or of what its container was given."""

from __future__ import annotations

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
"""Of a container, version 2."""


def free_memory() -> int:
    """Bytes; the file cache counts as free, since it gives way."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((CGROUP / "memory.current").read_text(encoding="ascii"))
        cache = dict(line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())["inactive_file"]
    except (OSError, KeyError, ValueError):
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used + int(cache)))
