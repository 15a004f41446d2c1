"""The disk of this machine: what is free, what the workspace's stores take, and how fast they grow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from app.health.check import Check
from switchyard.files import files_below

_NEEDED_GB = 5.0
_WEEK_S = 7 * 86_400
_SOON_WEEKS = 4
"""Weeks until the disk is full, at the pace of the last one, from which on that is told."""


def look_at_disk(root: Path, stores: Path | None = None, now: float | None = None) -> Iterator[Check]:
    """What is free where `root` lies, and the growth of the stores.

    Parameters
    ----------
    root : Path
        The folder that one works in.
    stores : Path or None
        Folder of the stores; ZenML's where absent.
    now : float or None
        Seconds since 1970; the clock's where absent.
    """
    free = shutil.disk_usage(root).free / 1e9
    yield Check("free disk", free >= _NEEDED_GB, f"{free:.0f} GB", f"free at least {_NEEDED_GB:.0f} GB")
    stores = stores or _stores()
    if not stores.is_dir():
        return
    written = [(status.st_mtime, status.st_size / 1e9) for status in files_below(stores)]
    since = (now or time.time()) - _WEEK_S
    total, new = sum(size for _, size in written), sum(size for moment, size in written if moment >= since)
    room = shutil.disk_usage(stores).free / 1e9
    fine = room >= new * _SOON_WEEKS
    found = f"{total:.2f} GB in the stores, {new:.2f} GB of them written in the last seven days"
    if not fine:
        found += f"; at this pace the {room:.0f} GB that are free last for {7 * room / new:.0f} days"
    yield Check("growth", fine, found, 'python run.py prune --dry-run, then prune, or prune --schedule "0 3 * * *"')


def _stores() -> Path:
    from zenml.config.global_config import GlobalConfiguration

    return Path(GlobalConfiguration().local_stores_path)
