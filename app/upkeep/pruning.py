"""`gather` finds what is kept no longer, `carry_out` takes it away; between the two a person may look."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from app.upkeep.deployed import Deployed, all_deployed
from app.upkeep.files import old_files, old_reports, unused_content
from app.upkeep.item import Item, freed
from app.upkeep.predictions import old_predictions
from app.upkeep.retention import Retention
from app.upkeep.runs import old_runs
from registry import removal
from switchyard.tabular.errors import SwitchyardError
from switchyard.tabular.tables.reading.credentials import first_line

_WORTH = 8 << 20
"""Bytes of free pages from which a database file is made smaller."""

_DAY_S = 86_400


@dataclass(frozen=True)
class Gathered:
    """What may go.

    Parameters
    ----------
    items : list of Item
    store : str
        The artifact store's root.
    databases : list of Path
        SQLite files that have room when the items are gone.
    """

    items: list[Item]
    store: str
    databases: list[Path]

    def freed(self, kind: str | None = None) -> int:
        """Bytes on this machine that go with all items, or with those of one kind."""
        paths = [path for item in self.items if kind in (None, item.kind) for path in item.paths]
        return freed([*paths, *(unused_content(self.store) if kind is None else ())])


def gather(root: Path, retention: Retention, now: datetime) -> Gathered:
    """Everything of the active stack, this machine's services and reports that `retention` keeps no longer.

    Raises
    ------
    RegistryError
        The registry does not answer: what it would hold on to must not go.
    """
    from zenml.config.global_config import GlobalConfiguration

    from stacks.active import artifact_store

    store, stores = artifact_store().path, Path(GlobalConfiguration().local_stores_path)
    deployed = all_deployed()
    versions = removal.registered({(one.model, one.version) for one in deployed})
    going = [version for version in versions if not version.kept and retention.is_due("versions", version.created, now)]
    last = retention.last("versions", now)
    unregistered = removal.unregistered(versions, last) if last else []
    gone = {version.run_id for version in going}
    staying = [version for version in versions if version.run_id not in gone]
    items = [_of_training(trained) for trained in (*going, *unregistered)]
    items += old_runs(retention, now, _needed(staying))
    items += old_files(retention, now, store, stores, {one.digest for one in deployed}, staying)
    items += old_reports(retention, now, root, staying)
    items += _predictions(retention, now, deployed)
    return Gathered(items, store, _databases(stores))


def carry_out(gathered: Gathered, say: Callable[[str], None]) -> int:
    """Take everything away; how many could not be, each of which is said."""
    failed = 0
    for item in gathered.items:
        try:
            item.free()
        # Stores, registries and databases have errors of their own; one thing that stays must not keep the others.
        except Exception as error:
            failed += 1
            say(f"not freed  {item.what}: {first_line(error)}")
    for path in unused_content(gathered.store):
        path.unlink(missing_ok=True)
    _remove_what_failed_steps_left(gathered.store)
    for path in gathered.databases:
        _compact(path)
    return failed


def _remove_what_failed_steps_left(store: str) -> None:
    """Remove the empty folders of artifacts that were never made; a day old, so that none is of a step that runs."""
    for path in () if "://" in store else Path(store).glob("*/*/*"):
        if path.is_dir() and path.stat().st_mtime < time.time() - _DAY_S:
            with contextlib.suppress(OSError):
                path.rmdir()


def _needed(staying: Iterable[removal.Trained]) -> set[str]:
    """ZenML's runs of trainings that made what is deployed or named by an alias; MLflow holds all of the other versions."""
    return {version.zenml_run for version in staying if version.kept.startswith("is ")}


def _of_training(trained: removal.Trained) -> Item:
    what = f"version {trained.version} of {trained.name}" if trained.version else f"MLflow's run {trained.name}"
    return Item(
        "versions",
        f"{what}, of {trained.created:%Y-%m-%d}",
        partial(removal.remove, trained),
        tuple(removal.folders_of(trained)),
    )


def _predictions(retention: Retention, now: datetime, deployed: list[Deployed]) -> list[Item]:
    if retention.days["predictions"] is None:
        return []
    from deployment.registration import active_deployer

    try:
        return list(old_predictions(retention, now, active_deployer(), sorted({one.model for one in deployed})))
    except SwitchyardError as error:
        raise SwitchyardError(f"the prediction log can't be asked: {error}; --keep predictions=all leaves it out") from None


def _databases(stores: Path) -> list[Path]:
    """SQLite files of this machine that runs and versions are kept in."""
    return [path for path in (stores / "default_zen_store" / "zenml.db", *sorted((stores / "switchyard").glob("*.db"))) if path.is_file()]


def _compact(path: Path) -> None:
    """Give a database's free pages back to the disk, where they are many; one that is in use is left for the next time."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as connection:
        free, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_size"))
        if free * size > _WORTH:
            connection.execute("VACUUM")
