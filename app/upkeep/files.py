"""Files of this machine that are kept no longer: studies, staged tables, copies of bundles, windows, logs, reports."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import reports
from app.upkeep.item import Item
from materializers.once import unlinked
from stacks.active import STUDIES_VARIABLE

if TYPE_CHECKING:
    from app.upkeep.retention import Retention
    from registry.removal import Trained


def old_files(
    retention: Retention, now: datetime, store: str, stores: Path, deployed: Collection[str], versions: Collection[Trained]
) -> Iterator[Item]:
    """What the active stack and this machine's services left in files.

    Parameters
    ----------
    store : str
        The artifact store's root; in one that is no folder, nothing is looked for.
    stores : Path
        ZenML's folder for local data.
    deployed : collection of str
        Digests of what is deployed, on whatever stack.
    versions : collection of Trained
        What the registry holds.
    """
    found: list[tuple[str, Path]] = []
    if "://" not in store:
        folder = Path(store, "switchyard")
        searches = os.environ.get(STUDIES_VARIABLE) or str(folder / "studies")
        found += [("studies", path) for path in _within("" if "://" in searches else searches)]
        sources = " ".join(version.source for version in versions)
        found += [("tables", path) for path in _within(folder / "data") if path.name not in sources]
        found += [("tables", path) for path in _within(folder / "outputs")]
        found += [("bundles", path) for path in _within(folder / "bundles") if not _is_of(path, deployed)]
    ours = stores / "switchyard"
    # Of a stack whose artifacts are elsewhere, and whose searches are not.
    found += [("studies", path) for path in _within(ours / "studies")]
    for serving in _within(ours / "serving"):
        found += [("bundles", path) for path in _within(serving / "bundles") if not _is_of(path, deployed)]
        found += [("logs", path) for path in _logs_of_the_gone(serving)]
    found += [("windows", path) for path in ours.glob("evidently/*/snapshots/*.json")]
    for kind, path in found:
        if retention.is_due(kind, _last_touched(path), now):
            yield Item(kind, str(path), partial(_remove, path), (path,))


def old_reports(retention: Retention, now: datetime, root: Path, versions: Collection[Trained]) -> Iterator[Item]:
    """Pages of versions that the registry does not hold any more, of models that it knows, and of runs that registered none."""
    known: dict[str, set[str | None]] = {}
    for version in versions:
        known.setdefault(version.name, set()).add(version.version)
    for model in _within(root / reports.FOLDER):
        linked = {path.resolve() for path in model.iterdir() if path.is_symlink()}
        for folder in model.iterdir():
            is_run = folder.name.startswith("run-")
            if folder.is_symlink() or not reports.is_of_a_training(folder) or folder.resolve() in linked:
                continue
            gone = is_run or (model.name in known and folder.name not in known[model.name])
            if gone and retention.is_due("reports", _last_touched(folder), now):
                yield Item("reports", str(folder.relative_to(root)), partial(remove_reports, folder), (folder,))


def remove_reports(folder: Path) -> None:
    """Take away the pages of one training, and make the index of its model anew."""
    _remove(folder)
    reports.write_index(folder.parent)


def copies_of_bundle(store: str, stores: Path, digest: str) -> list[Path]:
    """Where the bundle of `digest` lies for services, besides in the registry."""
    places = [] if "://" in store else list(_within(Path(store, "switchyard", "bundles")))
    for serving in _within(stores / "switchyard" / "serving"):
        places += _within(serving / "bundles")
    return [path for path in places if _is_of(path, (digest,))]


def unused_content(store: str) -> list[Path]:
    """Contents that no artifact of the store holds any more."""
    return [] if "://" in store else list(unlinked(Path(store)))


def _within(folder: str | Path) -> Iterable[Path]:
    """The folders in `folder`."""
    return [path for path in sorted(Path(folder).iterdir()) if path.is_dir()] if folder and Path(folder).is_dir() else []


def _is_of(path: Path, digests: Collection[str]) -> bool:
    """Whether the copy at `path`, named by its digest or the beginning of it, is of one of `digests`."""
    return any(digest.removeprefix("sha256:").startswith(path.name) for digest in digests)


def _logs_of_the_gone(serving: Path) -> Iterator[Path]:
    from deployment.process.layout import Layout

    layout = Layout(serving)
    desired = layout.read_desired()
    here = {*(desired.instances if desired else ()), "envoy", "supervisor", "access"}
    for path in layout.logs.glob("*.log*"):
        if path.name.split(".log")[0] not in here:
            yield path


def _last_touched(path: Path) -> datetime:
    files = [path, *(path.rglob("*") if path.is_dir() else ())]
    return datetime.fromtimestamp(max(file.lstat().st_mtime for file in files), UTC)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
