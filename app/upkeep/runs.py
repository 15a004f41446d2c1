"""Runs of ZenML that are kept no longer, with the artifacts that no other run holds and with what their steps printed."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml.client import Client
from zenml.io import fileio
from zenml.utils.pagination_utils import depaginate

from app.upkeep.item import Item, remove_empty
from materializers.zenml_private import artifacts_by_run
from stacks.active import artifact_store
from switchyard.tabular.tasks import TASKS

if TYPE_CHECKING:
    from app.upkeep.retention import Retention

_PAGE = 1000
"""Records that are asked for at once; ZenML's own page is 20."""
_OTHERS = ("deployment", "inference", "monitoring", "experiment")


def old_runs(retention: Retention, now: datetime, needed: Collection[str]) -> Iterator[Item]:
    """The active stack's runs of our pipelines that are due.

    The newest of each pipeline and model stays, whatever its age, and so does one that is not over.

    Parameters
    ----------
    needed : collection of str
        Ids of trainings that stay.
    """
    client = Client()
    trainings = {TASKS[task].pipeline.partition(":")[2] for task in TASKS}
    newest: set[str] = set()
    due, staying = [], []
    for run in depaginate(client.list_pipeline_runs, sort_by="desc:created", size=_PAGE, stack_id=client.active_stack_model.id):
        kind = _kind(run, trainings)
        subject = run.name.rsplit("-", 3)[0]
        first = subject not in newest
        newest.add(subject)
        old = kind and retention.is_due(kind, run.created.replace(tzinfo=UTC), now)
        if old and not first and run.status.is_finished and str(run.id) not in needed:
            due.append((kind, run))
        else:
            staying.append(run)
    if not due:
        return
    artifacts = artifacts_by_run()
    held = {version for run in staying for version in artifacts.get(run.id, ())}
    for kind, run in due:
        ours = artifacts.get(run.id, {}).items()
        alone = tuple(Path(uri) for version, uri in ours if version not in held and "://" not in uri)
        yield Item(kind, f"{run.name}, of {run.created:%Y-%m-%d}", partial(remove_run, run.id), alone)


def remove_run(run_id: Any) -> None:
    """Take away a run, the artifacts that no other run holds, its steps' logs, and the snapshot it was made from.

    Parameters
    ----------
    run_id : UUID or str
        Where there is no such run, nothing happens.
    """
    client = Client()
    try:
        # By its whole id: ZenML takes text for the beginning of a name too, and an empty one for any.
        run = client.get_pipeline_run(UUID(str(run_id)))
    except (KeyError, ValueError):
        return
    artifacts: dict[UUID, Any] = {}
    logs = list(run.log_collection or [])
    for step in depaginate(client.list_run_steps, pipeline_run_id=run.id, size=_PAGE, hydrate=True):
        logs += step.log_collection or []
        artifacts |= {version.id: version for versions in (*step.outputs.values(), *step.inputs.values()) for version in versions}
    snapshot = run.snapshot
    client.delete_pipeline_run(run.id)
    # Deleting a snapshot deletes its runs; one with a name is somebody's to keep.
    if snapshot is not None and not snapshot.name and not client.list_pipeline_runs(snapshot_id=snapshot.id, size=1).total:
        with contextlib.suppress(KeyError):
            client.delete_snapshot(snapshot.id)
    for version in artifacts.values():
        if client.list_artifact_versions(id=version.id, only_unused=True, size=1).total:
            _remove_artifact(client, version)
    for log in logs:
        # Some store a folder of parts for each, and some of a killed step nothing.
        with contextlib.suppress(FileNotFoundError):
            (fileio.rmtree if fileio.isdir(log.uri) else fileio.remove)(log.uri)


def _kind(run: Any, trainings: Collection[str]) -> str:
    """What the run's retention is called; empty of a pipeline that is not ours."""
    name = run.pipeline.name if run.pipeline else ""
    return "trainings" if name in trainings else "runs" if name in _OTHERS else ""


def _remove_artifact(client: Client, version: Any) -> None:
    try:
        client.delete_artifact_version(version.id, delete_from_artifact_store=True)
    except FileNotFoundError:
        client.delete_artifact_version(version.id)
    if "://" not in version.uri:
        remove_empty(Path(version.uri), Path(artifact_store().path))
