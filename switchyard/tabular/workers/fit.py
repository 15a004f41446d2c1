"""One fit on all rows of a large table by several workers, each of which reads and prepares its own share of them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from switchyard import __version__
from switchyard.tabular.config.learning import Training
from switchyard.tabular.errors import InputError
from switchyard.tabular.families import FAMILIES
from switchyard.tabular.families.estimator import Estimator
from switchyard.tabular.families.together import Target, Together
from switchyard.tabular.model.ondisk import OnDisk, Rows
from switchyard.tabular.tables.large.rest import Share
from switchyard.tabular.workers.engine import Engine, scratch

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


@dataclass(frozen=True, eq=False)
class _Job:
    """What a worker is told: where rows lie and what is fitted to them, but no rows."""

    estimator: Estimator
    preprocessor: Pipeline
    rows: OnDisk
    folder: Path
    share: Share
    whole: Target
    together: Together


class Workers:
    """Fits by the workers that a config asks for.

    Parameters
    ----------
    training : Training
        `workers`, `engine` and `shared` of it.
    """

    def __init__(self, training: Training) -> None:
        self._training = training

    def fit(self, estimator: Estimator, preprocessor: Pipeline, first: Rows, rows: OnDisk) -> Estimator:
        """`estimator`, fitted to `first` and to `rows`.

        Parameters
        ----------
        estimator : Estimator
            Not fitted, of a kind that `streams`.
        preprocessor : Pipeline
            Fitted to what `first` was made of.

        Raises
        ------
        InputError
            Dask is not there, or its workers: none, other versions, none that sees the files; or one of them was lost again and again.
        """
        training = self._training
        with _laid_out(first, rows, training.shared) as (there, folder), Engine(training.workers, training.engine) as engine:
            fitted = engine.insist(lambda: _attempt(engine, estimator, preprocessor, first, there, folder))
        fitted.n_jobs = estimator.n_jobs
        return fitted


def _attempt(engine: Engine, estimator: Estimator, preprocessor: Pipeline, first: Rows, rows: OnDisk, folder: Path) -> Estimator:
    count = len(engine.workers)
    found = engine.run(_acquaint, [(urlsplit(worker).hostname, folder) for worker in engine.workers])
    _require_alike([said for _, said in found])
    shares = [Share(number, count) for number in range(count)]
    targets = [Target.of(first.target, first.weights, estimator.n_classes)]
    targets += [target for target in engine.run(_target_of, [(rows, share, estimator.n_classes) for share in shares]) if target.rows]
    addresses, whole = tuple(address for address, _ in found), Target.merged(targets)
    threads = engine.threads()
    jobs = []
    for share, worker in zip(shares, engine.workers):
        own = type(estimator)(
            estimator.task, estimator.params, estimator.seed, estimator.n_classes, threads[worker], estimator.categorical_sizes
        )
        jobs.append((_Job(own, preprocessor, rows, folder, share, whole, Together(share.number, addresses)),))
    return engine.run(_fit_share, jobs)[0]


@contextmanager
def _laid_out(first: Rows, rows: OnDisk, shared: str | None) -> Iterator[tuple[OnDisk, Path]]:
    """The rows on disk and those in memory as files in one folder, which goes at the end."""
    with TemporaryDirectory(dir=shared or rows.rest.parts[0].parent) as name:
        folder = Path(name)
        rows.rest.write(folder)
        np.save(folder / "features.npy", np.asarray(first.matrix), allow_pickle=False)
        np.save(folder / "target.npy", first.target, allow_pickle=False)
        if first.weights is not None:
            np.save(folder / "weights.npy", first.weights, allow_pickle=False)
        yield replace(rows, rest=rows.rest.at(folder)), folder


def _acquaint(host: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """On a worker: where it may listen, and what it is."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = probe.getsockname()[1]
    return f"{host}:{port}", {**_versions(), "sees": os.access(folder / "features.npy", os.R_OK)}


def _versions() -> dict[str, str]:
    """Versions of what takes part in a fit."""
    from importlib.metadata import version

    return {"switchyard": __version__, **{name: version(name) for name in _packages()}}


def _require_alike(found: list[dict[str, Any]]) -> None:
    if not all(worker["sees"] for worker in found):
        raise InputError(
            "the workers of training.engine can't read the table's parts; give a folder that this machine and all of them see by the "
            "same name as training.shared"
        )
    ours = _versions()
    for worker in found:
        other = [f"{name} {worker[name]}, not {here}" for name, here in ours.items() if worker[name] != here]
        if other:
            raise InputError(f"a worker of training.engine has {', '.join(other)}; start both from one installation")


def _target_of(rows: OnDisk, share: Share, n_classes: int) -> Target:
    """On a worker: what is said of its rows' targets; none has no rows."""
    target, weights = rows.targets(share)
    return Target.of(target, weights, n_classes) if len(target) else Target(0, 0.0, 0.0, 0.0, np.zeros(n_classes))


def _fit_share(job: _Job) -> Estimator | None:
    """On a worker: its part of a fit; the first one's is what is kept, and all have the same."""
    sample = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in job.folder.glob("*.npy")}
    mine = {name: np.array(values[job.share.number :: job.share.of]) for name, values in sample.items()}
    first = Rows(mine["features"], mine["target"], mine.get("weights"))
    all_of = job.rows.behind(first, job.preprocessor, scratch(), job.share, np.array(sample["features"]))
    job.estimator.fit(all_of.matrix, all_of.target, weights=all_of.weights, together=job.together, whole=job.whole)
    return job.estimator if job.share.number == 0 else None


def _packages() -> list[str]:
    """Distributions that a worker must have as this process has them."""
    return sorted({"numpy", *(package for family in FAMILIES.values() if family.boosts for package in family.packages)})
